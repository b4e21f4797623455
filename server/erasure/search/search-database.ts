import type pg from 'pg'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { IdentifierScanner } from '../../identifiers/texts/identifier-scanner.ts'
import { copyTo } from '../../platform/database/copy-to.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inAuditorSnapshot, readTextTables, type TextTable, textsOf } from './text-tables.ts'

/** A value somewhere in the database that holds an identifier; `identifier` is its index in the list given. */
export type SearchFinding = { table: string; column: string; identifier: number; rows: number }

export type SearchResult = {
  tables: number
  columns: number
  bytes: number
  findings: SearchFinding[]
  /** Tables that could not be read: the search is not complete. */
  unreadable: string[]
}

/**
 * Searches every text-like column of every table of the database, mapped or not. It takes one pass and one snapshot for
 * any number of identifiers of one tenant. Of tables that are separated by tenant, that tenant's rows. `protect`:
 * longer identifiers of people who stay, what is inside of which does not count.
 */
export async function searchDatabase(
  database: Database,
  tenant: string,
  identifiers: readonly Identifier[],
  protect: readonly Identifier[] = [],
): Promise<SearchResult> {
  return await inAuditorSnapshot(database, async (client) =>
    searchTables(client, await readTextTables(client), { tenant, identifiers, protect }),
  )
}

/** Searches these tables, as the search role. */
export async function searchTables(
  client: pg.ClientBase,
  tables: readonly TextTable[],
  of: { tenant: string; identifiers: readonly Identifier[]; protect: readonly Identifier[] },
): Promise<SearchResult> {
  const result: SearchResult = { tables: 0, columns: 0, bytes: 0, findings: [], unreadable: [] }
  let found = new Map<string, SearchFinding>()
  let current: TextTable | undefined
  const scanner = new IdentifierScanner(
    of.identifiers,
    ({ identifier, column }) => {
      const table = current?.name ?? ''
      const name = current?.columns[column] ?? ''
      const finding = found.get(`${name} ${identifier}`)
      if (finding === undefined) found.set(`${name} ${identifier}`, { table, column: name, identifier, rows: 1 })
      else finding.rows++
    },
    { protect: of.protect },
  )
  for (const table of tables) {
    if (!table.readable) {
      result.unreadable.push(table.name)
      continue
    }
    result.tables++
    result.columns += table.columns.length
    current = table
    found = new Map()
    await copyTo(client, textsOf(table, [of.tenant]), (chunk) => scanner.write(chunk))
    // A finding may come some bytes behind its place.
    scanner.flush()
    result.findings.push(...found.values())
  }
  scanner.end()
  result.bytes = scanner.bytes
  return result
}

/** The places of the findings, as a person reads them: `table.column`, each once. */
export function placesOf(findings: readonly Pick<SearchFinding, 'table' | 'column'>[]): string {
  return [...new Set(findings.map(({ table, column }) => `${table}.${column}`))].join(', ')
}
