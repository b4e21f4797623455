import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { dataMap } from '../server/datamap/data-map.ts'
import type { AnyEntry } from '../server/datamap/vocabulary.ts'
import { readSchema, type TableSchema } from '../server/platform/database/read-schema.ts'

/** A row that the fixture wrote or changed, by its primary key. */
export type PlantedRow = { table: string; key: Record<string, unknown> }

export type OneOfEverythingOptions = {
  /** Tenant and users exist already. */
  tenantId: string
  userId: string
  otherUserId: string
  /** What to write into a column that takes text; by default something that names nobody. */
  canary?: (table: string, column: string) => string
}

/** Tables that insertOneOfEverything leaves alone, with the reason. insertOneErasure fills the ones of an erasure. */
const excepted: Record<string, string> = {
  tenant_keys: 'A made-up key would keep the real erasures of the tenant from reading theirs.',
  audit_checkpoints: 'Only a sealer makes checkpoints, and they are signed.',
  former_identifiers: 'Only what is sealed under the key of its person can be read, and it is read for every erasure.',
  erasure_subjects: 'A person in an order is about to be erased, or was.',
  erasure_plans: 'Only a preview makes a plan, and it is a digest of what there is.',
  erasure_plan_subjects: 'The same.',
  erasure_steps: 'Only an erasure has steps.',
  erasure_receipts: 'Only an erasure has receipts.',
  erasure_certificates: 'Only an erasure has certificates, and they are signed.',
  tombstones: 'It is about people who are gone.',
  erasure_ledger: 'It is about people who are gone.',
}

/** Where the catalog does not say what a column takes. */
const explicit: Record<string, Record<string, unknown>> = {
  // Not sealed: only a sealer knows the hash that fits.
  audit_entries: {
    activity: 'UserUpdated',
    object_kind: 'user',
    contact_hash: null,
    details: '{}',
    sequence: null,
    hash: null,
  },
  // For a course or for a plan, never for both.
  enrollments: { training_plan_id: null },
  // With a group or with an import, never with both.
  reappearances: { import_run_id: null },
  // An order that is done, so that nobody takes it up.
  erasure_requests: { finished_at: new Date() },
  erasure_subjects: { state: 'done' },
  oauth_clients: { scopes: ['api/read'] },
  webhook_endpoints: { event_kinds: ['user.updated'], disabled_because: null },
  // Delivered, so that no worker sends it.
  webhook_deliveries: {
    kind: 'user.updated',
    state: 'delivered',
    due_at: null,
    ended_at: new Date(),
    sealed_reference: null,
    attempt_log: '[]',
  },
  retention_policies: { daily_at: '03:00' },
  // A hold that is over, so that the person can be erased.
  legal_holds: { released_at: new Date() },
  erasure_ledger: { map_version: '0123456789abcdef' },
  erasure_plans: { digest: '0123456789abcdef'.repeat(4), map_version: '0123456789abcdef' },
  signing_keys: { retired_at: new Date() },
}

/**
 * Writes at least one row into every table of a tenant, for this user. Each column that points to a person points to
 * the user, so the rows are about or by the user. A table about people gets a second row, about the other user, that
 * the user had a part in and whose texts mention the user's e-mail address. The other user's row and the tenant's are
 * not added but changed: manager, deleted by, created by.
 *
 * Every column that takes text gets `canary(table, column)`, in lower case where a check asks for that, a list of one
 * in an array. It gets `{"canary": ...}` in JSON; columns with a list of values take their default or the first one.
 * Columns of the users table are the caller's, except the other user's custom fields. Keys get it too: whoever looks
 * for canaries afterwards gives those columns something that may stay.
 *
 * Throws where a table of a tenant is left without a row and not excepted with a reason.
 */
export async function insertOneOfEverything(owner: pg.Client, options: OneOfEverythingOptions): Promise<PlantedRow[]> {
  const { tenantId, userId, otherUserId } = options
  const canary = options.canary ?? ((table, column) => `${table} ${column} ${userId}`)
  const schema = await readSchema(owner)
  const tables = parentsFirst(schema.tables.filter(isOfTenant).filter(({ name }) => name !== 'users'))
  requireExceptionsExist(schema.tables)
  return asTenant(owner, tenantId, async () => {
    const { rows } = await owner.query<{ email: string | null }>(
      'select email from users where tenant_id = $1 and id = $2',
      [tenantId, userId],
    )
    if (rows[0] === undefined) throw new Error('The user that everything is to be about does not exist')
    const address = rows[0].email ?? 'nobody'
    const planted: PlantedRow[] = []
    const own: Rows = new Map()
    const others: Rows = new Map()
    for (const table of tables) {
      if (table.name in excepted) continue
      const entry = entryOf(table.name)
      const about = { tenantId, subject: userId, actor: userId, parents: [own] }
      const row = await insertRow(owner, table, { ...about, text: (column) => canary(table.name, column) })
      own.set(table.name, row)
      planted.push({ table: table.name, key: keyOf(table, row) })
      if (entry.about !== 'person') continue
      const other = await insertRow(owner, table, {
        ...about,
        subject: otherUserId,
        parents: [others, own],
        text: (column) =>
          entry.columns[column]?.is === 'mention' ? `Ask ${address}` : `${table.name} ${column} other`,
      })
      others.set(table.name, other)
      planted.push({ table: table.name, key: keyOf(table, other) })
    }
    await owner.query(
      `update users set manager_id = $3, deleted_by = $3, custom_fields = custom_fields || jsonb_build_object('canary', $4::text)
       where tenant_id = $1 and id = $2`,
      [tenantId, otherUserId, userId, canary('users', 'custom_fields')],
    )
    planted.push({ table: 'users', key: { tenant_id: tenantId, id: otherUserId } })
    await owner.query('update tenants set created_by = $2 where id = $1', [tenantId, userId])
    planted.push({ table: 'tenants', key: { id: tenantId } })
    return planted
  })
}

/**
 * Fills the tables that {@link insertOneOfEverything} leaves to erasures, with an erasure of somebody who never was:
 * made-up keys and signatures. For tests that look at the tables only; nothing can be erased in the tenant afterwards.
 */
export async function insertOneErasure(owner: pg.Client, options: { tenantId: string }): Promise<PlantedRow[]> {
  const { tenantId } = options
  const { tables } = await readSchema(owner)
  const wanted = tables.filter(({ name }) => name in excepted || name === 'signing_keys' || name === 'erasure_requests')
  return asTenant(owner, tenantId, async () => {
    const own: Rows = new Map()
    const planted: PlantedRow[] = []
    const { rows } = await owner.query<{ id: string }>('select id from users where tenant_id = $1 limit 1', [tenantId])
    for (const table of parentsFirst(wanted)) {
      const row = await insertRow(owner, table, {
        tenantId,
        subject: rows[0]?.id ?? null,
        actor: null,
        parents: [own],
        text: (column) => `${table.name} ${column} ${randomUUID()}`,
      })
      own.set(table.name, row)
      planted.push({ table: table.name, key: keyOf(table, row) })
    }
    return planted
  })
}

type Row = Record<string, unknown>
type Rows = Map<string, Row>

type RowContext = {
  tenantId: string
  /** Whom the row is about. */
  subject: string | null
  /** Who stands in its other columns for people. */
  actor: string | null
  /** Where the rows are that it may point to; the first that has one gives it. */
  parents: Rows[]
  text: (column: string) => string
}

async function insertRow(owner: pg.Client, table: TableSchema, context: RowContext): Promise<Row> {
  const values: Row = {}
  for (const column of table.columns) {
    const value = valueFor(table, column, context)
    if (value !== undefined) values[column.name] = value
  }
  const columns = Object.keys(values)
  const name = table.name
  try {
    const { rows } = await owner.query<Row>(
      `insert into ${name} (${columns.map((column) => pg.escapeIdentifier(column)).join(', ')})
       values (${columns.map((_, index) => `$${index + 1}`).join(', ')}) on conflict do nothing returning *`,
      Object.values(values),
    )
    // What an operation has made for the user already, such as the user's key, stays as it is.
    return rows[0] ?? values
  } catch (error) {
    throw new Error(`one-of-everything.ts cannot make a row of ${name}; say there what its columns take`, {
      cause: error,
    })
  }
}

/** Undefined: the column takes its default, or is computed. */
function valueFor(table: TableSchema, column: TableSchema['columns'][number], context: RowContext): unknown {
  const { name, type } = column
  if (column.generated !== undefined) return undefined
  const given = explicit[table.name]
  if (given !== undefined && name in given) return given[name]
  if (name === 'tenant_id') return context.tenantId
  const entry = entryOf(table.name)
  const key = table.foreignKeys.find(({ columns }) => columns.includes(name))
  if (key?.references === 'users') return entry.columns[name]?.is === 'subject' ? context.subject : context.actor
  if (key !== undefined) {
    const parent = context.parents.map((rows) => rows.get(key.references)).find((row) => row !== undefined)
    if (parent !== undefined) return parent[key.referencedColumns[key.columns.indexOf(name)] ?? '']
    // It points to its own table: the first row has nothing to point to.
    return null
  }
  const checks = table.constraints.filter((text) => text.startsWith('CHECK') && new RegExp(`\\b${name}\\b`).test(text))
  const list = new RegExp(`\\(${name} = (?:ANY \\(ARRAY\\[)?'([^']*)'`)
  const allowed = checks.map((text) => list.exec(text)?.[1]).find((value) => value !== undefined)
  if (allowed !== undefined) return column.default === undefined ? allowed : undefined
  // What is sealed says nothing, whomever the row is about.
  if (type === 'bytea' && (entry.about !== 'person' || entry.columns[name]?.is === 'sealed')) return randomBytes(32)
  const text = checks.some((check) => check.includes('lower(')) ? context.text(name).toLowerCase() : context.text(name)
  if (type === 'text') return text
  if (type === 'text[]') return [text]
  if (type === 'jsonb') return JSON.stringify({ canary: text })
  if (type === 'bytea') return Buffer.from(text)
  if (column.nullable || column.default !== undefined) return undefined
  if (type === 'uuid') return randomUUID()
  if (type === 'boolean') return true
  if (type === 'date' || type.startsWith('timestamp')) return new Date()
  return 1
}

function isOfTenant({ name, columns }: TableSchema): boolean {
  return !name.includes('.') && columns.some((column) => column.name === 'tenant_id')
}

function entryOf(table: string): AnyEntry {
  const entry = (dataMap as Record<string, AnyEntry>)[table]
  if (entry === undefined) throw new Error(`The data map has no entry for ${table}`)
  return entry
}

function requireExceptionsExist(tables: TableSchema[]): void {
  const gone = Object.keys(excepted).filter((name) => !tables.some((table) => table.name === name))
  if (gone.length > 0) throw new Error(`one-of-everything.ts excepts tables that do not exist: ${gone.join(', ')}`)
}

function keyOf(table: TableSchema, row: Row): Row {
  return Object.fromEntries(table.primaryKey.map((column) => [column, row[column]]))
}

/** Sorts tables so that a row exists before the rows that point to it. */
function parentsFirst(tables: TableSchema[]): TableSchema[] {
  const ordered: TableSchema[] = []
  const visit = (table: TableSchema, path: string[]) => {
    if (ordered.includes(table)) return
    if (path.includes(table.name)) throw new Error(`Foreign keys go round in a circle: ${path.join(', ')}`)
    for (const { references } of table.foreignKeys) {
      const parent = tables.find(({ name }) => name === references)
      if (parent !== undefined && parent !== table) visit(parent, [...path, table.name])
    }
    ordered.push(table)
  }
  for (const table of tables) visit(table, [])
  return ordered
}

/** The owner of the tables is subject to the separation of tenants too, unless a superuser. */
async function asTenant<T>(owner: pg.Client, tenantId: string, work: () => Promise<T>): Promise<T> {
  await owner.query(`select set_config('lethe.tenant_id', $1, false)`, [tenantId])
  try {
    return await work()
  } finally {
    await owner.query('reset lethe.tenant_id')
  }
}
