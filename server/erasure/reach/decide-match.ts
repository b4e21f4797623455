import { installationTrail } from '../../audit/installation-trail.ts'
import { record } from '../../audit/record.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { identifiersOf } from '../../people/identifiers/candidate-identifiers.ts'
import { open } from '../../platform/crypto/seal.ts'
import type { Database } from '../../platform/database/pool.ts'
import {
  inTenant,
  isUuid,
  outsideTenants,
  type TenantTransaction,
  tenantIds,
} from '../../platform/database/transaction.ts'
import { actorColumns, type Initiator } from '../../platform/initiator.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { requestErasureOfContacts } from '../contacts/request-contact-erasure.ts'
import { requireContact } from '../contacts/require-contact.ts'
import { erasureError } from '../errors.ts'
import { deleteAndRequestErasure } from '../requests/delete-and-request.ts'
import { countTrials } from './count-trials.ts'
import { addressPurpose, eraseFromOutside, type MatchTarget } from './reach-tenant.ts'

/** Who decides about a match: the operator about trials, the administrators of an enterprise about their own. */
export type Decider = 'operator' | 'tenant'

/** Days that a match waits for the operator; then it expires, and what it holds of the person is destroyed. */
export const matchDays = 30

/** A decision: accepted with the erasure request that it made, or refused with a reason. */
export type Decision = { accept: true } | { accept: false; reason?: string | undefined }

type Waiting = {
  id: string
  what: MatchTarget
  state: string
  decider: string
  user_id: string | null
  sealed_address: Buffer | null
  reach_id: string
  source_tenant_id: string | null
  source_request_id: string | null
}

/**
 * Decides about a match in a trial tenant, as the operator. A yes makes an erasure request of that tenant, which its legal
 * holds still stop. The last administrator does not stay; the trial is flagged instead. Returns the request of a yes.
 *
 * Throws `input.invalid`, `match.not_found`, `match.decided`, `match.gone`, and `contact.is_user` if the address of a
 * contact belongs to a user by now.
 */
export async function decideAsOperator(
  database: Database,
  id: string,
  decision: Decision,
  options: { initiator?: Initiator } = {},
): Promise<{ request: string | null }> {
  const match = requireId(id)
  const [found] = await outsideTenants<{ tenant: string }>(database, 'select tenant_of_reach_match($1) as tenant', [
    match,
  ])
  if (found === undefined) throw erasureError('match.not_found', { id: match })
  const { tenant } = found
  const decided = await inTenant(database, tenant, (tx) => decide(tx, match, 'operator', decision), options)
  const { source_tenant_id: source, source_request_id: request, reach_id: reach } = decided.match
  if (decided.request !== null && source !== null && source !== installationTrail && request !== null) {
    await inTenant(database, source, async (origin) => {
      await origin.query(
        `update erasure_reaches set trials = array_append(array_remove(trials, $3::uuid), $3::uuid)
         where tenant_id = $1 and id = $2`,
        [source, reach, tenant],
      )
      await countTrials(origin, request)
    })
  }
  return { request: decided.request }
}

/**
 * Decides about what an identity provider asks of this tenant. A yes makes an erasure request like any other of the tenant:
 * the user is deleted first, and the last administrator stays. Returns the request of a yes.
 *
 * Throws `input.invalid`, `match.not_found`, `match.decided`, `match.gone`, `user.last_administrator`, and what
 * `requestErasure` throws.
 */
export async function decideProposal(
  tx: TenantTransaction,
  id: string,
  decision: Decision,
): Promise<{ request: string | null }> {
  const { request } = await decide(tx, requireId(id), 'tenant', decision)
  return { request }
}

async function decide(
  tx: TenantTransaction,
  id: string,
  decider: Decider,
  decision: Decision,
): Promise<{ match: Waiting; request: string | null }> {
  const { rows } = await tx.query<Waiting>(
    `select id, what, state, decider, user_id, sealed_address, reach_id, source_tenant_id, source_request_id
     from reach_matches where tenant_id = $1 and id = $2 for update`,
    [tx.tenantId, id],
  )
  const [match] = rows
  if (match === undefined || match.decider !== decider) throw erasureError('match.not_found', { id })
  if (match.state !== 'waiting') throw erasureError('match.decided', { id, state: match.state })
  await actingUser(tx)
  const given = decision.accept || decision.reason === undefined ? null : decision.reason
  const reason = given === null ? null : requireText('reason', given, 2000)
  const request = decision.accept ? await accept(tx, match) : null
  const { userId, credentialId } = actorColumns(tx.initiator)
  await tx.query(
    `update reach_matches set state = $3, request_id = $4, reason = $5, sealed_address = null, decided_at = $6,
       decided_by = $7, decided_by_credential = $8
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, id, decision.accept ? 'accepted' : 'refused', request, reason, new Date(), userId, credentialId],
  )
  await record(tx, {
    activity: decision.accept ? 'ReachAccepted' : 'ReachRefused',
    object: id,
    details: { what: match.what, ...(request !== null && { request }) },
  })
  return { match, request }
}

async function accept(tx: TenantTransaction, match: Waiting): Promise<string> {
  const { id, what, user_id: user, sealed_address: sealed, decider } = match
  if (what === 'contact') {
    if (sealed === null) throw erasureError('match.gone', { id })
    const address = open(tx.masterKey, sealed, addressPurpose).toString('utf8')
    // A user may have taken the address since.
    await requireContact(tx, address)
    const contact = identifiersOf({ email: address })
    return (await requestErasureOfContacts(tx, [contact], { reason: operatorReason, fromOutside: true })).request
  }
  const { rows } = await tx.query<{ id: string }>(
    `select id from users
     where tenant_id = $1 and state <> 'anonymized' and ($2 or id = $3)
       and exists (select from users u where u.tenant_id = $1 and u.id = $3 and u.state <> 'anonymized')
     order by id`,
    [tx.tenantId, what === 'all_users', user],
  )
  const userIds = rows.map((row) => row.id)
  if (userIds.length === 0) throw erasureError('match.gone', { id })
  if (decider === 'operator') return await eraseFromOutside(tx, userIds, operatorReason)
  const reason = 'An identity provider asked for it, and an administrator accepted.'
  return (await deleteAndRequestErasure(tx, { operation: 'purge', userIds, reason })).request
}

const operatorReason = 'The operator of the installation accepted an erasure from outside.'

/** Ends what waited too long for the operator, in all tenants, and destroys the addresses of contacts in it. */
export async function expireMatches(database: Database): Promise<void> {
  for (const tenant of await tenantIds(database)) {
    await inTenant(database, tenant, async (tx) => {
      const { rows } = await tx.query<{ id: string }>(
        `update reach_matches set state = 'expired', sealed_address = null, decided_at = $2
         where tenant_id = $1 and state = 'waiting' and decider = 'operator' and created_at < $3
         returning id`,
        [tenant, new Date(), new Date(Date.now() - matchDays * 86_400_000)],
      )
      await record(
        tx,
        rows.map(({ id }) => ({ activity: 'ReachExpired' as const, object: id })),
      )
    })
  }
}

function requireId(id: string): string {
  if (!isUuid(id)) throw inputError('input.invalid', { field: 'id', expected: 'a UUID' })
  return id.toLowerCase()
}
