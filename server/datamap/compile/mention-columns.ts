import type { MentionColumn, Operation } from '../plan.ts'
import type { AnyEntry, SchemaFacts } from '../vocabulary.ts'
import { columnsWhere, factsOf, tenantColumnOf } from './schema.ts'
import { keeps, takersOf } from './takers.ts'

/** The columns of a table that may hold identifiers of people, as an operation searches them. */
export function mentionColumns(
  table: string,
  entry: AnyEntry,
  operation: Operation,
  facts: SchemaFacts,
): MentionColumn[] {
  const { primaryKey, columns } = factsOf(facts, table)
  const takers = takersOf(entry, operation)
  const emptiers = columnsWhere(entry, (c) => c.is === 'actor' && c.purge === 'empty' && !keeps(c, operation))
  const cleared = operation === 'anonymize' && typeof entry.anonymize === 'object' ? entry.anonymize.clear : []
  const clearers = columnsWhere(entry, (c) => c.is === 'subject').filter((owner) => !takers.includes(owner))
  // What describes people is in every row, so one index serves all of it.
  const describing = `lethe_search_form(array[${columnsWhere(entry, (c) => c.is === 'identity').join(', ')}])`
  return Object.entries(entry.columns).flatMap(([column, columnClass]) => {
    const isText = columnClass.is === 'content' || columnClass.is === 'identity'
    const as = columnClass.is === 'mention' ? columnClass.as : isText ? 'text' : undefined
    if (as === undefined) return []
    return [
      {
        table,
        column,
        as,
        tenantColumn: tenantColumnOf(facts, table),
        primaryKey,
        nullable: columns[column]?.nullable ?? false,
        searched: columnClass.is === 'identity' ? describing : searchForm(column, as),
        ownedBy: [
          ...takers,
          ...(columnClass.is === 'content' ? emptiers : []),
          ...(cleared.includes(column) ? clearers : []),
        ],
      },
    ]
  })
}

function searchForm(column: string, as: MentionColumn['as']): string {
  return `lethe_search_form(${as === 'json' ? `${column}::text` : column})`
}
