import { dataMap } from '../../datamap/data-map.ts'
import type { AnyEntry, ColumnClass } from '../../datamap/vocabulary.ts'

const entries: [string, AnyEntry][] = Object.entries(dataMap)

/** What a column holds whose values name or describe people, or open what is encrypted about them. */
const telling = new Set<ColumnClass['is']>(['identifier', 'identity', 'content', 'mention', 'derived', 'sealed'])

/**
 * Tables without erased data, although they have such columns. An entry of the audit trail is never removed, and its
 * values are unreadable without the keys.
 */
const untouched = new Set(['audit_entries', 'audit_checkpoints', 'signing_keys', 'tenant_keys', 'erasure_certificates'])

/**
 * Tables in which every erasure may have left data, whatever its receipt says. An earlier version of a text may have
 * contained an identifier, the request holds identifiers until it ends, and its job names the people.
 */
export const alwaysTouched: readonly string[] = [
  ...entries.flatMap(([table, entry]) => (entry.about !== 'nobody' && isTelling(table, entry) ? [table] : [])),
  'graphile_worker._private_jobs',
]

function isTelling(table: string, { columns }: AnyEntry): boolean {
  return !untouched.has(table) && Object.values(columns).some(({ is }) => telling.has(is))
}

/** The columns of a table of which PostgreSQL's statistics hold values that an erasure takes away. */
export function tellingColumns(table: string): string[] {
  const entry = entries.find(([name]) => name === table)?.[1]
  if (entry === undefined || !isTelling(table, entry)) return []
  return Object.entries(entry.columns).flatMap(([column, { is }]) => (telling.has(is) ? [column] : []))
}

/** All tables of the map. Others, which somebody made beside them, may hold anything. */
export const mappedTables: readonly string[] = entries.map(([table]) => table)
