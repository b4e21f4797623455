import { randomUUID } from 'node:crypto'
import pg from 'pg'

export type Row = Record<string, unknown>

/** Inserts one row as the owner; answers it as the database has it. */
export async function insertRow(owner: pg.Client, table: string, values: Row): Promise<Row> {
  const columns = Object.keys(values)
  const { rows } = await owner.query(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')}) returning *`,
    Object.values(values),
  )
  return rows[0]
}

/** Inserts rows of a tenant and answers their ids; small enough to read like a list of what there is. */
export type TenantRows = {
  tenant: string
  insert(table: string, values: Row): Promise<string>
  /** A user; `deleted` ones can be purged. */
  user(values?: Row): Promise<string>
  deletedUser(values?: Row): Promise<string>
  administrator(values?: Row): Promise<string>
  catalog(values?: Row): Promise<string>
  course(values?: Row): Promise<string>
  session(course: string, values?: Row): Promise<string>
  post(course: string, author: string | null, body: string, values?: Row): Promise<string>
}

/** Makes a tenant and answers how to fill it. */
export async function newTenant(owner: pg.Client, values: Row = {}): Promise<TenantRows> {
  const { id } = await insertRow(owner, 'tenants', { name: `Tenant ${randomUUID()}`, kind: 'enterprise', ...values })
  const tenant = String(id)
  const insert = async (table: string, row: Row) => {
    const inserted = await insertRow(owner, table, { tenant_id: tenant, ...row })
    return String(inserted.id)
  }
  let catalog: string | undefined
  const rows: TenantRows = {
    tenant,
    insert,
    user: (row = {}) => insert('users', row),
    deletedUser: (row = {}) =>
      insert('users', { state: 'deleted', deleted_at: new Date(), deletion_id: randomUUID(), ...row }),
    administrator: (row = {}) => insert('users', { roles: ['learner', 'administrator'], ...row }),
    catalog: (row = {}) => insert('catalogs', { title: 'A catalog', ...row }),
    async course(row = {}) {
      catalog ??= await rows.catalog()
      return insert('courses', { catalog_id: catalog, title: 'A course', ...row })
    },
    session: (course, row = {}) => insert('sessions', { course_id: course, title: 'A session', ...row }),
    post: (course, author, body, row = {}) => insert('posts', { course_id: course, author_id: author, body, ...row }),
  }
  return rows
}

/** Every row of every table but PostgreSQL's own: per table, the rows as JSON by primary key. */
export type Dump = Map<string, Map<string, Row>>

/**
 * Reads the whole database as the owner; with a `tenant`, of the tables that have tenants only that one's rows. Leaves out
 * what the sealer of the audit trail does, which works whenever there is something to seal.
 */
export async function dumpDatabase(
  owner: pg.Client,
  options: { tenant?: string; without?: string[] } = {},
): Promise<Dump> {
  const { rows: tables } = await owner.query<{ name: string; separated: boolean; key: string[] }>(
    `select c.oid::regclass::text as name,
       exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') as separated,
       array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
             where i.indrelid = c.oid and i.indisprimary order by a.attnum) as key
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
     order by 1`,
  )
  const dump: Dump = new Map()
  for (const { name, key, separated } of tables) {
    if (options.without?.includes(name) || name === 'audit_checkpoints') continue
    const conditions = [
      ...(separated && options.tenant !== undefined ? [`tenant_id = '${options.tenant}'`] : []),
      ...(name === 'graphile_worker._private_jobs' ? [`(key is null or key not like 'seal_audit %')`] : []),
    ]
    const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
    const columns = key.length === 0 ? 't::text' : key.map((column) => `t.${pg.escapeIdentifier(column)}`).join(', ')
    const { rows } = await owner.query<{ key: string; row: Row }>(
      `select jsonb_build_array(${columns})::text as key, to_jsonb(t)${name === 'audit_entries' ? ` - 'sequence' - 'hash'` : ''} as row from ${name} t${where}`,
    )
    dump.set(name, new Map(rows.map(({ key, row }) => [key, row])))
  }
  return dump
}

/** How two dumps differ: per table the rows that went, came and changed, each with the columns that changed. */
export function differences(before: Dump, after: Dump): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  for (const table of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(table) ?? new Map<string, Row>()
    const now = after.get(table) ?? new Map<string, Row>()
    const gone = [...old.keys()].filter((key) => !now.has(key))
    const come = [...now.keys()].filter((key) => !old.has(key))
    const changed = [...old].flatMap(([key, row]) => {
      const other = now.get(key)
      if (other === undefined) return []
      const columns = Object.keys(row).filter((name) => JSON.stringify(row[name]) !== JSON.stringify(other[name]))
      return columns.length === 0 ? [] : [[key, ...columns]]
    })
    if (gone.length + come.length + changed.length > 0) all[table] = { gone, come, changed }
  }
  return all
}

/** Whether a value stands anywhere in the dump: `table.column` of each place, in any case of letters. */
export function placesOf(dump: Dump, value: string): string[] {
  const wanted = value.toLowerCase()
  const places = new Set<string>()
  for (const [table, rows] of dump) {
    for (const row of rows.values()) {
      for (const [column, content] of Object.entries(row)) {
        const text = typeof content === 'string' ? content : JSON.stringify(content)
        if (text?.toLowerCase().includes(wanted)) places.add(`${table}.${column}`)
      }
    }
  }
  return [...places].sort()
}
