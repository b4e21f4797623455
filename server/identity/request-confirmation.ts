import { record } from '../audit/record.ts'
import { findUser } from '../people/accounts/find-users.ts'
import { peopleError } from '../people/errors.ts'
import { lockUsers } from '../people/lifecycle/lock-users.ts'
import { requireNoPendingErasure } from '../people/lifecycle/pending-erasure.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'
import { identityError } from './errors.ts'
import { identityHash } from './identity-hash.ts'

/** Hours that a confirmation link is valid. */
export const linkHours = 48
/** So many links a user gets within a day. */
export const linksPerDay = 3

/**
 * Requests an e-mail to a user's own address, with a link by which its owner confirms the address. The workers send it.
 * The link is valid for {@link linkHours} hours and works once. `publicUrl`: the address of the server, to which the link
 * leads; never taken from a request. Returns the id of the link.
 *
 * Throws `user.not_found`, `user.wrong_state`, `user.erasure_pending`, `identity.no_address`,
 * `identity.confirmed_already`, `identity.too_many_links`, `identity.no_public_url`.
 */
export async function requestConfirmation(
  tx: TenantTransaction,
  options: { userId: string; publicUrl: string | undefined },
): Promise<{ id: string; expires_at: Date }> {
  const { publicUrl } = options
  // Two requests for one user wait for each other here, so both are counted.
  await lockUsers(tx, [options.userId])
  const user = await findUser(tx, { by: 'id', value: options.userId })
  if (user.state !== 'active') {
    throw peopleError('user.wrong_state', { act: 'asked', state: user.state, needed: 'active', ids: [user.id] })
  }
  await requireNoPendingErasure(tx, [user.id])
  if (publicUrl === undefined) throw identityError('identity.no_public_url')
  if (user.email === null) throw identityError('identity.no_address')
  const hash = identityHash(tx.masterKey, { kind: 'email', value: user.email })
  const { rows } = await tx.query<{ confirmed: boolean; links: number; retry_after: number | null }>(
    `select
       exists (
         select from confirmed_identities where tenant_id = $1 and user_id = $2 and kind = 'email' and hash = $3
       ) as confirmed,
       count(*)::int as links,
       extract(epoch from min(created_at) + interval '1 day' - now())::int as retry_after
     from confirmation_links where tenant_id = $1 and user_id = $2 and created_at > now() - interval '1 day'`,
    [tx.tenantId, user.id, hash],
  )
  const { confirmed = false, links = 0, retry_after = null } = rows[0] ?? {}
  if (confirmed) throw identityError('identity.confirmed_already')
  if (links >= linksPerDay)
    throw identityError('identity.too_many_links', { retryAfter: Math.max(1, retry_after ?? 1) })
  const { rows: inserted } = await tx.query<{ id: string; expires_at: Date }>(
    `insert into confirmation_links (tenant_id, user_id, address_hash, base_url, expires_at)
     values ($1, $2, $3, $4, $5) returning id, expires_at`,
    [tx.tenantId, user.id, hash, publicUrl, new Date(Date.now() + linkHours * 3_600_000)],
  )
  const [link] = inserted
  if (link === undefined) throw new Error('the link was just inserted and is not there')
  await record(tx, { activity: 'ConfirmationRequested', object: user.id })
  enqueue(tx, 'send_confirmation', { tenant: tx.tenantId, link: link.id })
  return link
}
