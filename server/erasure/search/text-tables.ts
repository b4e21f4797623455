import type pg from 'pg'
import { dataMap } from '../../datamap/data-map.ts'
import type { AnyEntry } from '../../datamap/vocabulary.ts'
import type { Database } from '../../platform/database/pool.ts'

/** A table with columns that hold text, JSON, lists and the like. `tenantColumn`: says whose a row is. */
export type TextTable = {
  name: string
  columns: string[]
  /** Whether a row may have nothing in any of the columns. */
  mayBeEmpty: boolean
  tenantColumn: string | undefined
  readable: boolean
}

/** Runs `work` as the search role, which reads the rows of all tenants, in one snapshot of the whole database. */
export async function inAuditorSnapshot<T>(
  database: Database,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  // Where it fails the connection is closed: a copy that was cut off leaves it in an unknown state.
  return await database.reading.lend(async (client) => {
    await client.query('begin transaction isolation level repeatable read read only; set local role lethe_auditor')
    const result = await work(client)
    await client.query('commit')
    return result
  })
}

/**
 * The query for the texts of a table, without rows that have none: of tables that are separated by tenant, the given
 * tenants' rows. `withTenant`: the tenant's id comes first. COPY takes no parameters: the ids come from the database and
 * are UUIDs.
 */
export function textsOf(table: TextTable, tenants: readonly string[], options: { withTenant?: boolean } = {}): string {
  const columns = table.columns.map(quoted)
  const tenant = table.tenantColumn === undefined ? undefined : quoted(table.tenantColumn)
  const values = columns.map((column) => `${column}::text`)
  const conditions = [
    ...(tenant === undefined ? [] : [`${tenant} in (${tenants.map((id) => `'${id}'::uuid`).join(', ')})`]),
    // Not "is not null": of a composite value with an empty part neither is true.
    ...(table.mayBeEmpty ? [`not (${columns.map((column) => `${column} is null`).join(' and ')})`] : []),
  ]
  const named = options.withTenant && tenant !== undefined ? [tenant, ...values] : values
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
  return `select ${named.join(', ')} from ${table.name}${where}`
}

/**
 * The tables with the searched columns that no erasure can rewrite: columns that mention no people according to the
 * data map, and tables that the map does not know. The identifiers of the people themselves are not among them: who
 * stays keeps those.
 */
export function notRewritten(tables: readonly TextTable[]): TextTable[] {
  return tables.flatMap((table) => {
    const columns = table.columns.filter((column) => !rewritten.has(classOf(table.name, column) ?? ''))
    return columns.length === 0 ? [] : [{ ...table, columns, mayBeEmpty: true }]
  })
}

const rewritten = new Set(['mention', 'content', 'identity', 'identifier', 'derived'])

/**
 * Every table with its text-like columns, from the catalog: texts, JSON, arrays and other types that print as text, but
 * no numbers, times or bytes. The map excludes UUIDs that are internal ids, words of the code, ciphertext, and names of
 * other accounts.
 */
export async function readTextTables(client: pg.ClientBase): Promise<TextTable[]> {
  const { rows } = await client.query<{
    name: string
    columns: { name: string; uuid: boolean; required: boolean }[]
    tenant_column: string | null
    readable: boolean
  }>(`
    select c.oid::regclass::text as name,
      jsonb_agg(
        jsonb_build_object(
          'name', a.attname, 'uuid', coalesce(e.typname, t.typname) = 'uuid', 'required', a.attnotnull
        ) order by a.attnum
      ) as columns,
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
    const columns = row.columns.filter(({ name, uuid }) => {
      const is = classOf(row.name, name) ?? ''
      return !passedOver.has(is) && !(uuid && internal.has(is))
    })
    if (columns.length === 0) return []
    return [
      {
        name: row.name,
        columns: columns.map(({ name }) => name),
        mayBeEmpty: !columns.some(({ required }) => required),
        tenantColumn: row.tenant_column ?? undefined,
        readable: row.readable,
      },
    ]
  })
}

const internal = new Set(['key', 'reference', 'subject', 'actor', 'erased_id', 'fact'])
/** What never is the identifier of a user, whatever it reads like; vocabulary.ts has the reasons. */
const passedOver = new Set(['code', 'outside_name', 'sealed'])

function classOf(table: string, column: string): string | undefined {
  const entry: AnyEntry | undefined = (dataMap as Record<string, AnyEntry>)[table]
  return entry?.columns[column]?.is
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
