import type { SchemaFacts } from '../vocabulary.ts'
import { factsOf, tenantColumnOf } from './schema.ts'

/**
 * An SQL expression of the text by which a plan knows a row: its primary key without the tenant and the person, whom the
 * plan names anyway, and then `rights`. Different rows have different texts: parts of varying length are quoted as JSON, so
 * no part can hold the separator of another. The texts do not depend on settings of the session.
 */
export function rowKey(
  facts: SchemaFacts,
  table: string,
  { person, rights = [] }: { person: string; rights?: readonly string[] },
): string {
  const { primaryKey, columns } = factsOf(facts, table)
  const tenant = tenantColumnOf(facts, table)
  const parts = [
    ...primaryKey
      .filter((column) => column !== tenant && column !== person)
      .map((column) => partOf(table, column, columns[column]?.type ?? '')),
    ...rights.map((right) => `coalesce(to_json(${right})::text, '')`),
  ]
  if (parts.length === 0) return `''`
  return parts.length === 1 ? (parts[0] ?? '') : `concat_ws(' ', ${parts.join(', ')})`
}

function partOf(table: string, column: string, type: string): string {
  if (['uuid', 'integer', 'smallint', 'bigint'].includes(type)) return `${column}::text`
  if (type === 'bytea') return `encode(${column}, 'hex')`
  if (type === 'text') return `to_json(${column})::text`
  throw new Error(`${table}.${column} is part of a key, and of the type ${type}, which a plan has no text for`)
}
