import type { Operation } from '../plan.ts'
import type { AnyEntry, ColumnClass } from '../vocabulary.ts'
import { columnsWhere } from './schema.ts'

/** Columns whose person takes the whole row along, or whose row it is in the table of people. */
export function takersOf(entry: AnyEntry, operation: Operation): string[] {
  const goes = operation === 'purge' || entry.about === 'themselves' || entry.anonymize === 'delete'
  return columnsWhere(
    entry,
    (c) => (c.is === 'subject' && goes) || (c.is === 'actor' && c.purge === 'remove' && !keeps(c, operation)),
  )
}

/** The takers that a row is counted under before this column: a row that several of them take is counted once. */
export function takersBefore(entry: AnyEntry, column: string, operation: Operation): string[] {
  const takers = takersOf(entry, operation)
  const position = takers.indexOf(column)
  const subjects = columnsWhere(entry, (c) => c.is === 'subject')
  return position === -1
    ? takers
    : takers.filter((taker, index) => taker !== column && (index < position || subjects.includes(taker)))
}

/** Whether the operation leaves this person's part as it is. */
export function keeps(columnClass: Extract<ColumnClass, { is: 'actor' }>, operation: Operation): boolean {
  return operation === 'anonymize' && columnClass.anonymize === 'keep'
}
