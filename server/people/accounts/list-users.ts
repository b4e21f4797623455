import type { UserRole } from '../../permissions/roles.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import type { LetheError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { trim } from '../../platform/validation/trim.ts'
import { type User, type UserKind, type UserState, userColumnsSql, userStates } from './user.ts'

export const userSorts = ['id', 'created', 'deleted', 'name', 'ref'] as const
export type UserSort = (typeof userSorts)[number]

export type ListUsersOptions = {
  /** Default: active and suspended users; with a time of deletion, or sorted by deletion, the deleted ones. */
  states?: readonly UserState[]
  /** Part of a name, an e-mail address, a login name or a ref, in any case. */
  search?: string
  /** Only users who were deleted in this month (UTC), as YYYY-MM. */
  deletedIn?: string
  /** Only users who were deleted on this day (UTC) or later, as YYYY-MM-DD. */
  deletedFrom?: string
  /** Only users who were deleted on this day (UTC) or before, as YYYY-MM-DD. */
  deletedTo?: string
  kind?: UserKind
  /** Only users who have this role. */
  role?: UserRole
  /** Only users of exactly this department. */
  department?: string
  /** Only users who have no manager. */
  withoutManager?: boolean
  /** Default: id, which is the order of creation. `ref` is the tenant's own unique id; users without one come first. */
  sort?: UserSort
  /** The last ones first. */
  descending?: boolean
  /** 1 to 1000; default 50. */
  limit?: number
  /** Where the page before ended: its `next`. */
  after?: string
}

/** What the rows are sorted by, before their id. Null does not occur in any of them. */
const sortKeys: Record<UserSort, string | undefined> = {
  id: undefined,
  created: 'created_at',
  deleted: 'deleted_at',
  name: `coalesce(lower(display_name), '')`,
  ref: `coalesce(ref_key, '')`,
}

/** Sorted by a value that identifies a person, a cursor holds the id of the last user and not the value. */
const namelessCursors: readonly UserSort[] = ['name', 'ref']

/**
 * A page of the tenant's users, and the cursor of the next one, undefined at the end. Pages neither repeat nor leave out
 * a user who stays as is, whatever is created or erased meanwhile.
 *
 * Throws `input.invalid`.
 */
export async function listUsers(
  tx: TenantTransaction,
  options: ListUsersOptions = {},
): Promise<{ users: User[]; next: string | undefined }> {
  const sort = options.sort ?? 'id'
  const limit = options.limit ?? 50
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw invalid('limit', 'a number from 1 to 1000')
  const values: unknown[] = []
  const bind = (value: unknown) => `$${values.push(value)}`
  const conditions = conditionsOf(tx, options, bind)
  const key = sortKeys[sort]
  const beyond = options.descending === true ? '<' : '>'
  if (options.after !== undefined) {
    const cursor = readCursor(options.after, sort)
    if (key === undefined) {
      conditions.push(`id ${beyond} ${bind(cursor.id)}::uuid`)
    } else if (namelessCursors.includes(sort)) {
      await requireStillThere(tx, cursor.id)
      conditions.push(
        `(${key}, id) ${beyond} (select ${key}, id from users where tenant_id = $1 and id = ${bind(cursor.id)}::uuid)`,
      )
    } else {
      conditions.push(`(${key}, id) ${beyond} (${bind(cursor.key)}::timestamptz, ${bind(cursor.id)}::uuid)`)
    }
  }
  // The place of the last one as the database prints it, where the order is not that of the ids.
  const place =
    sort === 'created' || sort === 'deleted'
      ? `, to_char(${key} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as place`
      : ''
  const { rows } = await tx.query<User & { place?: string }>(
    `select ${userColumnsSql}${place}
     from users
     where ${conditions.join(' and ')}
     order by ${orderOf(options)}
     limit ${limit + 1}`,
    values,
  )
  const users = rows.slice(0, limit)
  const last = users.at(-1)
  const next = rows.length > limit && last ? writeCursor(sort, last.id, last.place ?? null) : undefined
  if (place !== '') for (const user of users) delete user.place
  return { users, next }
}

/** A list without its pages, as parts of a statement over users in plain SQL: what is after "where" and "order by". */
export function selectionOfUsers(
  tx: TenantTransaction,
  options: Omit<ListUsersOptions, 'limit' | 'after'>,
): { where: string; orderBy: string; values: unknown[] } {
  const values: unknown[] = []
  const conditions = conditionsOf(tx, options, (value) => `$${values.push(value)}`)
  return { where: conditions.join(' and '), orderBy: orderOf(options), values }
}

function orderOf({ sort = 'id', descending }: Pick<ListUsersOptions, 'sort' | 'descending'>): string {
  const key = sortKeys[sort]
  const way = descending === true ? ' desc' : ''
  return key === undefined ? `id${way}` : `${key}${way}, id${way}`
}

function conditionsOf(tx: TenantTransaction, options: ListUsersOptions, bind: (value: unknown) => string): string[] {
  const states = statesOf(options)
  const conditions = [`tenant_id = ${bind(tx.tenantId)}`]
  // Spelled out for the partial index of deleted users.
  if (states.length > 0 && states.every((state) => state === 'deleted')) conditions.push(`state = 'deleted'`)
  else conditions.push(`state = any (${bind(states)}::text[])`)
  if (options.deletedIn !== undefined) {
    const start = bind(monthStart(options.deletedIn))
    conditions.push(`deleted_at >= ${start}::timestamptz`)
    conditions.push(`deleted_at < (${start}::timestamptz at time zone 'utc' + interval '1 month') at time zone 'utc'`)
  }
  conditions.push(...daysOf(options, bind))
  if (options.kind !== undefined) conditions.push(`kind = ${bind(options.kind)}`)
  if (options.role !== undefined) conditions.push(`${bind(options.role)} = any (roles)`)
  if (options.department !== undefined) {
    conditions.push(`department = ${bind(requireText('department', options.department))}`)
  }
  if (options.withoutManager === true) conditions.push('manager_id is null')
  if (options.sort === 'deleted') conditions.push(`state = 'deleted'`)
  if (options.search !== undefined) {
    const part = `lethe_fold(${bind(trim(requireText('search', options.search)))})`
    const texts = ['email', 'login_name', 'display_name', 'first_name', 'last_name']
    const columns = ['email_key', `coalesce(ref_key, '')`, ...texts.map((column) => `lethe_fold(${column})`)]
    conditions.push(`(${columns.map((column) => `strpos(${column}, ${part}) > 0`).join(' or ')})`)
  }
  return conditions
}

function statesOf(options: ListUsersOptions): readonly UserState[] {
  if (options.states !== undefined) return options.states
  const { deletedIn, deletedFrom, deletedTo, sort } = options
  const ofDeleted = [deletedIn, deletedFrom, deletedTo].some((time) => time !== undefined) || sort === 'deleted'
  return ofDeleted ? ['deleted'] : ['active', 'suspended']
}

function daysOf({ deletedFrom, deletedTo }: ListUsersOptions, bind: (value: unknown) => string): string[] {
  if (deletedFrom !== undefined && deletedTo !== undefined && deletedFrom > deletedTo) {
    throw invalid('deleted_to', 'a day that is not before deleted_from')
  }
  const conditions: string[] = []
  if (deletedFrom !== undefined) {
    conditions.push(`deleted_at >= ${bind(dayStart('deleted_from', deletedFrom))}::timestamptz`)
  }
  if (deletedTo !== undefined) {
    const start = bind(dayStart('deleted_to', deletedTo))
    conditions.push(`deleted_at < ${start}::timestamptz + interval '24 hours'`)
  }
  return conditions
}

/** Reads one state, several with commas between them, or "all". Throws `input.invalid`. */
export function readStates(given: string): UserState[] {
  if (given === 'all') return [...userStates]
  return given.split(',').map((name) => {
    const state = userStates.find((candidate) => candidate === name.trim())
    if (state === undefined) throw invalid('state', `all, or some of ${userStates.join(', ')}`)
    return state
  })
}

function requireText(field: string, text: string): string {
  if (text.includes('\0')) throw invalid(field, 'text without null bytes')
  return text
}

function monthStart(month: string): string {
  if (!/^[1-9]\d{3}-(0[1-9]|1[0-2])$/.test(month)) throw invalid('deleted_in', 'a month as YYYY-MM')
  return `${month}-01T00:00:00Z`
}

function dayStart(field: string, day: string): string {
  const start = `${day}T00:00:00Z`
  const isDay = /^[1-9]\d{3}-\d\d-\d\d$/.test(day) && !Number.isNaN(Date.parse(start))
  // A day that the month does not have would become one of the next month.
  if (!isDay || new Date(start).toISOString().slice(0, 10) !== day) throw invalid(field, 'a day as YYYY-MM-DD')
  return start
}

// A cursor holds the place as the database prints it, to the microsecond; never a name or a ref: cursors end up in logs.
function writeCursor(sort: UserSort, id: string, key: string | null): string {
  return Buffer.from(JSON.stringify([sort, id, key])).toString('base64url')
}

function readCursor(cursor: string, sort: UserSort): { id: string; key: string } {
  let content: unknown
  try {
    content = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (Array.isArray(content)) {
    const [sortedBy, id, key] = content
    const isPlace = sort === 'id' || namelessCursors.includes(sort) || isTime(key)
    if (sortedBy === sort && typeof id === 'string' && isUuid(id) && isPlace) return { id, key: String(key) }
  }
  throw invalid('after', 'the cursor that the page before gave, with the same sort')
}

function isTime(key: unknown): boolean {
  return typeof key === 'string' && /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/.test(key) && !Number.isNaN(Date.parse(key))
}

async function requireStillThere(tx: TenantTransaction, id: string): Promise<void> {
  const user = await tx.db
    .selectFrom('users')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (user === undefined) throw invalid('after', 'the user it stands at is gone; start again without it')
}

function invalid(field: string, expected: string): LetheError {
  return inputError('input.invalid', { field, expected: `it must be ${expected}` })
}
