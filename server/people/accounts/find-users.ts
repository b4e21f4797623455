import { readAddress } from '../../identifiers/address.ts'
import { identifierKey } from '../../identifiers/identifier-key.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { LetheError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { trim } from '../../platform/validation/trim.ts'
import { peopleError } from '../errors.ts'
import { identifiersOf } from '../identifiers/candidate-identifiers.ts'
import { findFormerHolders } from '../identifiers/former-identifiers.ts'
import { findSimilarHolders } from '../identifiers/holders.ts'
import { type User, type UserState, userColumnsSql } from './user.ts'

export const selectorNames = ['id', 'directory_object_id', 'ref', 'login_name', 'email'] as const
export type SelectorName = (typeof selectorNames)[number]

/** Names one person of a tenant. */
export type Selector = { by: SelectorName; value: string }

/** What a selector names: one user, nobody, or several (the first hundred of them). */
export type Resolution =
  | { outcome: 'found'; id: string; state: UserState }
  | { outcome: 'not_found' }
  | { outcome: 'ambiguous'; ids: string[]; directoryObjectIds: string[] }

const labels: Record<SelectorName, string> = {
  id: 'id',
  directory_object_id: 'directory object id',
  ref: 'ref',
  login_name: 'login name',
  email: 'e-mail address',
}

/** So many candidates of an ambiguous selector are looked at. */
const maxCandidates = 100

/**
 * The selector among what a caller was given, where the names that are undefined count as absent.
 *
 * Throws `subject.no_selector`, `subject.two_selectors` and, for a value that nobody can have, `input.invalid`.
 */
export function requireSelector(given: { [Name in SelectorName]?: string | undefined }): Selector {
  const named = selectorNames.filter((name) => given[name] !== undefined)
  const [by] = named
  const value = by === undefined ? undefined : given[by]
  if (by === undefined || value === undefined) throw peopleError('subject.no_selector')
  if (named.length > 1) throw peopleError('subject.two_selectors', { selectors: named })
  const selector = { by, value }
  checkSelector(selector)
  return selector
}

/** Throws `input.invalid` where the selector's value is one that nobody can have: empty, no UUID, not storable. */
export function checkSelector({ by, value }: Selector): void {
  if (by === 'id' || by === 'directory_object_id') {
    requireUuid(by, value)
    return
  }
  if (identifierKey(by, value) === '') throw inputError('input.invalid', { field: by, expected: 'it is empty' })
  if (value.includes('\0') || !value.isWellFormed()) {
    throw inputError('input.invalid', { field: by, expected: 'null bytes and broken characters are not allowed' })
  }
}

/** Where a selector's own value is compared with a column; for several values the database computes them once. */
const lookups: Record<SelectorName, { column: string; type: string; normalForm: (value: string) => string }> = {
  id: { column: 'id', type: 'uuid', normalForm: (value) => value },
  directory_object_id: { column: 'directory_object_id', type: 'uuid', normalForm: (value) => value },
  ref: { column: 'ref_key', type: 'text', normalForm: (value) => `lethe_identifier_key(${value})` },
  login_name: { column: 'login_key', type: 'text', normalForm: (value) => `lethe_login_key(${value})` },
  email: { column: 'email_key', type: 'text', normalForm: (value) => `lethe_identifier_key(${value})` },
}

/**
 * The one user that the selector names. Deleted users match, anonymized ones do not. A login name matches by the part
 * after its last bar. Names and addresses match in every spelling with the same key, also with characters that come
 * along with a pasted address (`<ann@x.org>;`). Refs are unique by exact spelling, so of several with one key, the
 * exact one counts. `withAnonymized`: anonymized users match, too, by id only. A former identifier finds no user; the
 * error then has the ids of the former holders (`formerly`).
 *
 * Throws `input.invalid`, `user.not_found` with the ids of users who have a similar identifier, and `subject.ambiguous`
 * with the candidates.
 */
export async function findUser(
  tx: TenantTransaction,
  selector: Selector,
  options: { withAnonymized?: boolean } = {},
): Promise<User> {
  checkSelector(selector)
  const { column, type, normalForm } = lookups[selector.by]
  const written = async (value: string) => {
    const { rows } = await tx.query<User>(
      `select ${userColumnsSql} from users
       where tenant_id = $1 and ${column} = ${normalForm(`$2::${type}`)} and ($3 or state <> 'anonymized')
       order by id
       limit ${maxCandidates}`,
      [tx.tenantId, value, options.withAnonymized === true],
      `find_user_by_${selector.by}`,
    )
    return selector.by === 'ref' ? writtenLike(value, rows) : rows
  }
  let matches = await written(selector.value)
  const clean = asKept(selector)
  if (matches.length === 0 && clean !== selector.value) matches = await written(clean)
  const [user] = matches
  if (user === undefined) throw await notFound(tx, selector)
  if (matches.length > 1) throw ambiguous(selector, candidatesOf(matches))
  return user
}

/**
 * The value without what came along with an address (`<ann@x.org>;`): it was taken off where users got theirs, too. What
 * was typed comes first: a migration left such an address alone where another user has the clean one.
 */
function asKept({ by, value }: Selector): string {
  if (by !== 'email' && by !== 'login_name') return value
  // A claims string keeps what stands before its last bar.
  const bar = by === 'login_name' ? value.lastIndexOf('|') + 1 : 0
  const bare = value.slice(bar)
  if (!bare.includes('@')) return value
  const read = readAddress(bare)
  return 'address' in read ? value.slice(0, bar) + read.address : value
}

/** Of several refs that are the same, the one that is written like this; all of them where none is. */
function writtenLike<Row extends { ref: string | null }>(value: string, rows: Row[]): Row[] {
  const written = trim(value)
  const exact = rows.filter(({ ref }) => ref === written)
  return exact.length > 0 ? exact : rows
}

/**
 * The one user that a text names, whichever of the five identifiers it is. Throws like {@link findUser}; several users that
 * it names by different identifiers are ambiguous too.
 */
export async function findByAnyIdentifier(
  tx: TenantTransaction,
  value: string,
): Promise<{ id: string; state: UserState }> {
  const names = isUuid(value)
    ? selectorNames
    : selectorNames.filter((by) => by !== 'id' && by !== 'directory_object_id')
  const resolutions = await resolveUsers(
    tx,
    names.map((by) => ({ by, value })),
  )
  const found = new Map<string, { id: string; state: UserState }>()
  const ids = new Set<string>()
  const directoryObjectIds = new Set<string>()
  for (const resolution of resolutions) {
    if (resolution.outcome === 'found') {
      found.set(resolution.id, { id: resolution.id, state: resolution.state })
      ids.add(resolution.id)
    } else if (resolution.outcome === 'ambiguous') {
      for (const id of resolution.ids) ids.add(id)
      for (const id of resolution.directoryObjectIds) directoryObjectIds.add(id)
    }
  }
  const [only] = found.values()
  if (ids.size > 1) {
    const details = { ids: [...ids], directoryObjectIds: [...directoryObjectIds] }
    throw peopleError('subject.ambiguous', { selector: 'identifier', ...details })
  }
  if (only === undefined) throw peopleError('user.not_found', { selector: 'identifier' })
  return only
}

/**
 * What each of the selectors names, in their order, by the rules of {@link findUser}; one statement for each kind of
 * selector, whatever their number. Throws `input.invalid` for a value that nobody can have.
 */
export async function resolveUsers(tx: TenantTransaction, selectors: readonly Selector[]): Promise<Resolution[]> {
  for (const selector of selectors) checkSelector(selector)
  const found = new Map<SelectorName, Map<string, Candidate[]>>()
  for (const by of selectorNames) {
    const given = selectors.filter((selector) => selector.by === by)
    const values = [...new Set(given.flatMap((selector) => [selector.value, asKept(selector)]))]
    if (values.length > 0) found.set(by, await findCandidates(tx, by, values))
  }
  return selectors.map((selector): Resolution => {
    const { by, value } = selector
    const all = found.get(by)?.get(value) ?? found.get(by)?.get(asKept(selector)) ?? []
    const candidates = by === 'ref' ? writtenLike(value, all) : all
    const [only] = candidates
    if (only === undefined) return { outcome: 'not_found' }
    if (candidates.length > 1) return { outcome: 'ambiguous', ...candidatesOf(candidates) }
    return { outcome: 'found', id: only.id, state: only.state }
  })
}

/**
 * The users that the selectors name, each once, in the selectors' order, with the first selector that names each.
 *
 * Throws `input.invalid`, `user.not_found` and `subject.ambiguous` unless every selector names one user. Among many
 * selectors the error gives the rows, counted from 1.
 */
export async function requireUsers(
  tx: TenantTransaction,
  selectors: readonly Selector[],
): Promise<{ id: string; state: UserState; given: Selector }[]> {
  const resolutions = await resolveUsers(tx, selectors)
  const many = selectors.length > 1
  const missing: { by: SelectorName; row: number }[] = []
  const users = new Map<string, { id: string; state: UserState; given: Selector }>()
  for (const [index, selector] of selectors.entries()) {
    const resolution = resolutions[index]
    if (resolution === undefined || resolution.outcome === 'not_found') {
      missing.push({ by: selector.by, row: index + 1 })
    } else if (resolution.outcome === 'ambiguous') {
      throw ambiguous(selector, resolution, many ? index + 1 : undefined)
    } else if (!users.has(resolution.id)) {
      users.set(resolution.id, { id: resolution.id, state: resolution.state, given: selector })
    }
  }
  const [first] = missing
  if (first !== undefined) {
    const [only] = selectors
    if (!many && only !== undefined) throw await notFound(tx, only)
    throw peopleError('user.not_found', {
      selector: labels[first.by],
      rows: missing.map(({ row }) => row),
    })
  }
  return [...users.values()]
}

type Candidate = { id: string; state: UserState; ref: string | null; directory_object_id: string | null }

async function findCandidates(
  tx: TenantTransaction,
  by: SelectorName,
  values: string[],
): Promise<Map<string, Candidate[]>> {
  const { column, type, normalForm } = lookups[by]
  // Two things lead to one index lookup for each value, whatever the planner thinks of their number: the keys are
  // computed before the join, because row level security lets no function of a column near an index; and the
  // lateral subquery has a limit, which also bounds what one ambiguous value can return.
  const { rows } = await tx.query<Candidate & { position: number }>(
    `with wanted as materialized (
       select ${normalForm('value')} as key, (position - 1)::int as position
       from unnest($2::${type}[]) with ordinality as given (value, position)
     )
     select wanted.position, candidate.id, candidate.state, candidate.ref, candidate.directory_object_id
     from wanted cross join lateral (
       select id, state, ref, directory_object_id from users
       where tenant_id = $1 and ${column} = wanted.key and state <> 'anonymized'
       order by id
       limit ${maxCandidates}
     ) candidate
     order by wanted.position, candidate.id`,
    [tx.tenantId, values],
  )
  const found = new Map<string, Candidate[]>()
  for (const { position, ...candidate } of rows) {
    const value = values[position]
    if (value === undefined) continue
    const candidates = found.get(value)
    if (candidates === undefined) found.set(value, [candidate])
    else candidates.push(candidate)
  }
  return found
}

function candidatesOf(users: readonly Candidate[]): { ids: string[]; directoryObjectIds: string[] } {
  return {
    ids: users.map(({ id }) => id),
    directoryObjectIds: users.flatMap(({ directory_object_id }) => directory_object_id ?? []),
  }
}

/** Nobody has it now. Whose it was before a rename is told, and never acted on: the value may be somebody else's by now. */
async function notFound(tx: TenantTransaction, given: Selector): Promise<LetheError> {
  const selector = { by: given.by, value: asKept(given) }
  const before = await findFormerHolders(tx, [selector], ({ by, value }) =>
    by === 'id' ? [] : identifiersOf({ [by]: value }),
  )
  const formerly = (before.get(selector) ?? []).map(({ id }) => id)
  const { by, value } = selector
  const isId = by === 'id' || by === 'directory_object_id'
  const similarIds = isId ? [] : await findSimilarHolders(tx, identifierKey(by, value))
  return peopleError('user.not_found', {
    selector: labels[by],
    ...(formerly.length > 0 && { formerly }),
    ...(similarIds.length > 0 && { similarIds }),
  })
}

function ambiguous(
  selector: Selector,
  { ids, directoryObjectIds }: { ids: string[]; directoryObjectIds: string[] },
  row?: number,
): LetheError {
  return peopleError('subject.ambiguous', {
    selector: labels[selector.by],
    directoryObjectIds,
    ids,
    ...(row !== undefined && { row }),
  })
}
