import type { Details } from '../../audit/record.ts'
import { peopleMap } from '../../datamap/entries/people.ts'
import { type User, userColumns } from './user.ts'

type Recorded = { details: Details; values: object | undefined }

/** What the audit trail says of a new user: the columns that have a value, and the values. */
export function createdColumns(user: User): Recorded {
  const columns = userColumns.filter((column) => !isEmpty(user[column]) && !follows.has(column))
  return { details: { columns }, values: valuesOf(user, columns) }
}

/** What the audit trail says of a change: the columns that changed, and the values before and after. */
export function changedColumns(before: User, after: User, others: readonly string[]): Recorded {
  const columns = userColumns.filter(
    (column) => !follows.has(column) && JSON.stringify(before[column]) !== JSON.stringify(after[column]),
  )
  const [old, now] = [valuesOf(before, columns), valuesOf(after, columns)]
  return {
    details: { columns: [...columns, ...others] },
    values: old === undefined ? undefined : { before: old, after: now },
  }
}

/** Columns that say nothing that the entry does not say itself. */
const follows: ReadonlySet<string> = new Set(['id', 'created_at', 'updated_at', 'last_seen_at'])

/**
 * Values are kept under the key of the person whom they are about. What may name somebody else, a manager or an address in
 * a custom field, would outlive that other person's erasure there, so of these only the column is recorded.
 */
function valuesOf(user: User, columns: readonly (typeof userColumns)[number][]): object | undefined {
  const own = columns.filter((column) => !['mention', 'actor'].includes(peopleMap.users.columns[column].is))
  return own.length === 0 ? undefined : Object.fromEntries(own.map((column) => [column, user[column]]))
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && !(value instanceof Date) && Object.keys(value).length === 0)
}
