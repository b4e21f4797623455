import { v5 as idOf } from 'uuid'
import { record } from '../../audit/record.ts'
import { countSealedMentions } from '../../audit/reseal.ts'
import { countExportsToWithdraw } from '../../exports/withdraw-exports.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { isSearchable } from '../../identifiers/texts/search-forms.ts'
import { identityHash } from '../../identity/identity-hash.ts'
import { notify } from '../../notify/notify.ts'
import { activeAdministrators } from '../../people/accounts/administrators.ts'
import { identifiersOf } from '../../people/identifiers/candidate-identifiers.ts'
import { findFormerHolders } from '../../people/identifiers/former-identifiers.ts'
import { findHolders } from '../../people/identifiers/holders.ts'
import { findPendingErasures } from '../../people/lifecycle/pending-erasure.ts'
import { findMentions } from '../../personal-data/find-mentions.ts'
import { seal } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { markAdministratorsGone, readTenantCreator } from '../../tenancy/tenant-people.ts'
import { requestErasureOfContacts } from '../contacts/request-contact-erasure.ts'
import { deleteAndRequestErasure } from '../requests/delete-and-request.ts'
import { isConfirmedAddress, type Reach } from './reach.ts'
import type { ReachRule } from './reach-table.ts'

/** Users of a tenant who may be the people of a reach: by a confirmed identity, or by what anybody may have typed. */
export type ReachFound = { confirmed: string[]; others: string[] }

/** What a match is about. */
export type MatchTarget = 'user' | 'contact' | 'all_users'

/** Seals the address of a contact that waits for a decision. */
export const addressPurpose = 'address of a match'

/**
 * Takes an erasure to one trial tenant, in a transaction of that tenant. Users who confirmed the same identity are erased
 * by a request of the trial's own, with its own holds. Every other match waits for the operator. The last administrator
 * does not stay; the trial is flagged instead. A second call changes nothing. Returns whether something is erased here.
 */
export async function reachTrial(
  tx: TenantTransaction,
  reach: Reach,
  rule: ReachRule,
  found: ReachFound,
): Promise<boolean> {
  const users = await presentUsers(tx, [...found.confirmed, ...found.others])
  const confirmed = await stillConfirmed(
    tx,
    reach,
    found.confirmed.filter((id) => users.has(id)),
  )
  const others = [...users].filter((id) => !confirmed.includes(id))
  const creator = rule.createdTrials === 'stay' ? null : await readTenantCreator(tx)
  let reached = false
  if (creator !== null && confirmed.includes(creator)) {
    reached = await eraseNow(tx, reach, { what: 'all_users', userIds: await allUsers(tx), matched: creator })
  } else if (confirmed.length > 0) {
    reached = await eraseNow(tx, reach, { what: 'user', userIds: confirmed, matched: confirmed[0] })
  }
  for (const id of others) {
    const what = id === creator ? 'all_users' : 'user'
    await insertMatch(tx, reach, { what, userId: id, confirmed: false, decider: 'operator' })
  }
  return (await reachFields(tx, reach)) || reached
}

/** Tells the administrators of an enterprise that an identity provider asks for an erasure; they decide. */
export async function proposeInEnterprise(
  tx: TenantTransaction,
  reach: Reach,
  found: string[],
  confirmed: ReadonlySet<string>,
): Promise<void> {
  let proposed = 0
  for (const userId of await presentUsers(tx, found)) {
    const match = { what: 'user', userId, confirmed: confirmed.has(userId), decider: 'tenant' } as const
    if ((await insertMatch(tx, reach, match)) !== undefined) proposed++
  }
  if (proposed === 0) return
  await notify(
    tx,
    await activeAdministrators(tx),
    {
      kind: 'erasure_proposed',
      subject: 'The identity provider asks you to erase a user',
      body: `The identity provider asks for the erasure of ${proposed === 1 ? 'a user' : `${proposed} users`} of this tenant. Nothing is erased until an administrator decides. "lethe proposal list" shows what waits.`,
      data: { reach: reach.id },
    },
    { byEmail: true },
  )
}

/** Of these ids, those of users who are there, in order. */
async function presentUsers(tx: TenantTransaction, ids: string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users where tenant_id = $1 and id = any ($2::uuid[]) and state <> 'anonymized' order by id`,
    [tx.tenantId, ids],
  )
  return new Set(rows.map(({ id }) => id))
}

async function allUsers(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users where tenant_id = $1 and state <> 'anonymized' order by id`,
    [tx.tenantId],
  )
  return rows.map(({ id }) => id)
}

/** The users whose confirmed identity is one of the reach, and who still have the address that they confirmed. */
async function stillConfirmed(tx: TenantTransaction, reach: Reach, ids: string[]): Promise<string[]> {
  const { rows } = await tx.query<{ user_id: string; kind: string; hash: Buffer; email: string | null }>(
    `select c.user_id, c.kind, c.hash, u.email
     from confirmed_identities c join users u on u.tenant_id = c.tenant_id and u.id = c.user_id
     where c.tenant_id = $1 and c.user_id = any ($2::uuid[])`,
    [tx.tenantId, ids],
  )
  const kept = rows.filter(({ kind, hash, email }) => {
    if (!reach.confirmed.has(hash.toString('hex'))) return false
    if (kind !== 'email') return true
    return email !== null && identityHash(tx.masterKey, { kind: 'email', value: email }).equals(hash)
  })
  return [...new Set(kept.map(({ user_id }) => user_id))].sort()
}

const reasons = {
  tenant: 'The same person was purged in another tenant.',
  identity_provider: 'An identity provider requested the purge of this person.',
}

/** Requests the erasure of users at once; returns true. Users whose erasure is pending are left to it. */
async function eraseNow(
  tx: TenantTransaction,
  reach: Reach,
  given: { what: MatchTarget; userIds: string[]; matched: string | undefined },
): Promise<boolean> {
  const match = { what: given.what, userId: given.matched ?? null, confirmed: true, decider: 'nobody' } as const
  const id = await insertMatch(tx, reach, match)
  // An earlier attempt of this job came as far as here.
  if (id === undefined) return true
  const request = await eraseFromOutside(tx, given.userIds, reasons[reach.startedBy])
  await setRequest(tx, id, request)
  return true
}

/**
 * Deletes and purges users because an erasure from outside says so. Returns the request; of users who are all being
 * erased already, the request that does it. Flags a trial that is left without an administrator.
 */
export async function eraseFromOutside(tx: TenantTransaction, userIds: string[], reason: string): Promise<string> {
  const pending = await findPendingErasures(tx, userIds)
  const busy = new Set(pending.map(({ user_id }) => user_id))
  const free = userIds.filter((id) => !busy.has(id))
  const [other] = pending
  if (free.length === 0 && other !== undefined) return other.request_id
  const { request } = await deleteAndRequestErasure(tx, {
    operation: 'purge',
    userIds: free,
    reason,
    fromOutside: true,
    lastAdministratorToo: true,
  })
  await markAdministratorsGone(tx)
  return request
}

/** Deals with addresses that no user of the trial has, and that stand in its fields. */
async function reachFields(tx: TenantTransaction, reach: Reach): Promise<boolean> {
  const addresses = await standingInFields(tx, [...new Set(reach.people.flatMap((person) => person.addresses))])
  let reached = false
  for (const address of addresses) {
    const confirmed = isConfirmedAddress(tx.masterKey, reach, address)
    const sealedAddress = confirmed ? null : seal(tx.masterKey, Buffer.from(address), addressPurpose)
    const decider = confirmed ? 'nobody' : 'operator'
    const id = await insertMatch(tx, reach, {
      what: 'contact',
      userId: null,
      confirmed,
      decider,
      sealedAddress,
      address,
    })
    if (!confirmed) continue
    reached = true
    if (id === undefined) continue
    const contact = identifiersOf({ email: address })
    const reason = reasons[reach.startedBy]
    const { request } = await requestErasureOfContacts(tx, [contact], { reason, fromOutside: true })
    await setRequest(tx, id, request)
  }
  return reached
}

/** Which of these addresses stand in a field of the tenant, and belong to no user of it. */
async function standingInFields(tx: TenantTransaction, addresses: string[]): Promise<string[]> {
  const identifiers = addresses.map((value): Identifier => ({ kind: 'email', value })).filter(isSearchable)
  if (identifiers.length === 0) return []
  const [held, former] = await Promise.all([
    findHolders(
      tx,
      identifiers.map(({ value }) => value),
      [],
    ),
    findFormerHolders(tx, identifiers, (identifier) => [identifier]),
  ])
  const free = identifiers.filter((identifier) => !held.has(identifier.value) && !former.has(identifier))
  const standing = new Set(
    (await findMentions(tx, 'purge', free, [])).flatMap((one) => one.identifiers.map(({ value }) => value)),
  )
  const left = free.filter(({ value }) => !standing.has(value))
  // What is sealed, and kept exports, tell no more than that one of several is there.
  if (await standsSealed(tx, left)) {
    for (const one of left) if (await standsSealed(tx, [one])) standing.add(one.value)
  }
  return [...standing].sort()
}

async function standsSealed(tx: TenantTransaction, identifiers: Identifier[]): Promise<boolean> {
  if (identifiers.length === 0) return false
  if ((await countSealedMentions(tx, identifiers, [])).some(({ rows }) => rows > 0)) return true
  return (await countExportsToWithdraw(tx, identifiers, [])).some(({ rows }) => rows > 0)
}

type NewMatch = {
  what: MatchTarget
  userId: string | null
  confirmed: boolean
  decider: 'nobody' | 'operator' | 'tenant'
  sealedAddress?: Buffer | null
  /** Tells several matches of one reach apart; stored nowhere. */
  address?: string
}

/** Inserts a match and records it. Returns its id; undefined where it is there already. */
async function insertMatch(tx: TenantTransaction, reach: Reach, match: NewMatch): Promise<string | undefined> {
  const isOfTenant = reach.startedBy === 'tenant'
  const about =
    match.address === undefined
      ? match.userId
      : identityHash(tx.masterKey, { kind: 'email', value: match.address }).toString('hex')
  const id = idOf(`${tx.tenantId} ${match.what} ${about}`, reach.id)
  const { rowCount } = await tx.query(
    `insert into reach_matches (tenant_id, id, source_tenant_id, source_request_id, provider_id, reach_id, what, user_id,
       sealed_address, confirmed, decider, state, decided_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     on conflict do nothing returning id`,
    [
      tx.tenantId,
      id,
      isOfTenant ? reach.tenant : null,
      reach.request,
      reach.provider,
      reach.id,
      match.what,
      match.userId,
      match.sealedAddress ?? null,
      match.confirmed,
      match.decider,
      match.decider === 'nobody' ? 'accepted' : 'waiting',
      match.decider === 'nobody' ? new Date() : null,
    ],
  )
  if (rowCount === 0) return undefined
  await record(tx, {
    activity: 'ReachMatched',
    object: id,
    details: { what: match.what, confirmed: match.confirmed, decider: match.decider },
  })
  return id
}

async function setRequest(tx: TenantTransaction, match: string, request: string): Promise<void> {
  await tx.query('update reach_matches set request_id = $3 where tenant_id = $1 and id = $2', [
    tx.tenantId,
    match,
    request,
  ])
}
