import type pg from 'pg'
import { dataMap } from '../datamap/data-map.ts'
import { IdentifierScanner } from '../datamap/identifier-scanner.ts'
import type { Identifier } from '../datamap/identifiers.ts'
import type { AnyEntry } from '../datamap/vocabulary.ts'
import { copyTo } from '../platform/database/copy-to.ts'
import type { Database } from '../platform/database/pool.ts'

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
 * Searches every text-like column of every table of the database, whether the data map knows it or not, in one pass and
 * one snapshot, for any number of identifiers. Of tables that are separated by tenant, the given tenants' rows.
 */
export async function searchDatabase(
  database: Database,
  tenants: string[],
  identifiers: Identifier[],
): Promise<SearchResult> {
  const result: SearchResult = { tables: 0, columns: 0, bytes: 0, findings: [], unreadable: [] }
  const client = await database.pool.connect()
  try {
    await client.query('begin transaction isolation level repeatable read read only; set local role lethe_auditor')
    let found = new Map<string, SearchFinding>()
    let current: TextTable | undefined
    const scanner = new IdentifierScanner(identifiers, ({ identifier, column }) => {
      const table = current?.name ?? ''
      const name = current?.columns[column] ?? ''
      const finding = found.get(`${name} ${identifier}`)
      if (finding === undefined) found.set(`${name} ${identifier}`, { table, column: name, identifier, rows: 1 })
      else finding.rows++
    })
    for (const table of await readTextTables(client)) {
      if (!table.readable) {
        result.unreadable.push(table.name)
        continue
      }
      result.tables++
      result.columns += table.columns.length
      current = table
      found = new Map()
      await copyTo(client, textsOf(table, tenants), (chunk) => scanner.write(chunk))
      // A finding may come some bytes behind its place, so the last ones are pushed out before the next table begins.
      scanner.write(Buffer.alloc(scanner.delay, '\n'))
      result.findings.push(...found.values())
    }
    scanner.end()
    result.bytes = scanner.bytes
    await client.query('commit')
  } catch (error) {
    // A copy that was cut off leaves the connection in an unknown state.
    client.release(error instanceof Error ? error : true)
    throw error
  }
  client.release()
  return result
}

type TextTable = { name: string; columns: string[]; tenantColumn: string | undefined; readable: boolean }

/** COPY takes no parameters: the tenants' ids come from the database and are UUIDs. */
function textsOf(table: TextTable, tenants: string[]): string {
  const columns = table.columns.map((column) => `${quoted(column)}::text`).join(', ')
  if (table.tenantColumn === undefined) return `select ${columns} from ${table.name}`
  const ids = tenants.map((id) => `'${id}'::uuid`).join(', ')
  return `select ${columns} from ${table.name} where ${quoted(table.tenantColumn)} in (${ids})`
}

/**
 * Every table with its text-like columns, from the catalog: texts, JSON, arrays and other types that print as text, but
 * no numbers, times, bytes; and no UUID that the data map knows to be an internal id, which names nobody outside.
 */
async function readTextTables(client: pg.PoolClient): Promise<TextTable[]> {
  const { rows } = await client.query<{
    name: string
    columns: { name: string; uuid: boolean }[]
    tenant_column: string | null
    readable: boolean
  }>(`
    select c.oid::regclass::text as name,
      jsonb_agg(jsonb_build_object('name', a.attname, 'uuid', coalesce(e.typname, t.typname) = 'uuid') order by a.attnum) as columns,
      case
        when c.relname = 'tenants' and n.nspname = 'public' then 'id'
        when exists (
          select from pg_attribute x
          where x.attrelid = c.oid and x.attname = 'tenant_id' and x.atttypid = 'uuid'::regtype and x.attnotnull
        ) then 'tenant_id'
      end as tenant_column,
      has_table_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage')
        and (not c.relrowsecurity or exists (
          select from pg_policy p
          where p.polrelid = c.oid and p.polcmd in ('r', '*') and pg_get_expr(p.polqual, p.polrelid) = 'true'
            and (p.polroles = '{0}' or 'lethe_auditor'::regrole::oid = any (p.polroles))
        )) as readable
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
      and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
      and coalesce(e.typcategory, t.typcategory) in ('S', 'E', 'U', 'C') and coalesce(e.typname, t.typname) <> 'bytea'
    group by c.oid, c.relname, c.relrowsecurity, n.oid, n.nspname
    order by 1`)
  return rows.flatMap((row) => {
    const columns = row.columns.flatMap(({ name, uuid }) => (uuid && isInternalId(row.name, name) ? [] : [name]))
    if (columns.length === 0) return []
    return [{ name: row.name, columns, tenantColumn: row.tenant_column ?? undefined, readable: row.readable }]
  })
}

const internal = new Set(['key', 'reference', 'subject', 'actor', 'erased_id', 'fact'])

function isInternalId(table: string, column: string): boolean {
  const entry: AnyEntry | undefined = (dataMap as Record<string, AnyEntry>)[table]
  const is = entry?.columns[column]?.is
  return is !== undefined && internal.has(is)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
