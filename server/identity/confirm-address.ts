import { type LinkToken, readLinkToken } from '../access/link-token.ts'
import { hashSecret } from '../access/secrets.ts'
import { lockUsers } from '../people/lifecycle/lock-users.ts'
import { requireNoPendingErasure } from '../people/lifecycle/pending-erasure.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, onBehalfOf, type TenantTransaction } from '../platform/database/transaction.ts'
import { confirmIdentity } from './confirm-identity.ts'
import { identityError } from './errors.ts'
import { identityHash } from './identity-hash.ts'

/** An open link as its owner sees it before the confirmation. */
export type OpenLink = { tenantName: string; email: string }

/**
 * What a confirmation link would confirm, without confirming it: programs open links of e-mails before people do.
 *
 * Throws `identity.link_invalid`.
 */
export async function showConfirmation(database: Database, token: string): Promise<OpenLink> {
  const { tenant, secret } = readToken(token)
  return await inTenant(
    database,
    tenant,
    async (tx) => {
      const { email, tenantName } = await findLink(tx, secret)
      return { email, tenantName }
    },
    { readOnly: true },
  )
}

/**
 * Confirms the address that a link was sent to, once: whoever has the link reads the mail of that address. The act is
 * the user's own.
 *
 * Throws `identity.link_invalid`, `user.erasure_pending`.
 */
export async function confirmAddress(database: Database, token: string): Promise<OpenLink> {
  const { tenant, secret } = readToken(token)
  return await inTenant(database, tenant, async (tx) => {
    const { userId } = await findLink(tx, secret)
    await lockUsers(tx, [userId])
    // Read again under the lock: address, state and link may have changed.
    const { id, email, tenantName } = await findLink(tx, secret)
    await requireNoPendingErasure(tx, [userId])
    const { rowCount } = await tx.query(
      'update confirmation_links set used_at = $3 where tenant_id = $1 and id = $2 and used_at is null',
      [tx.tenantId, id, new Date()],
    )
    if (rowCount === 0) throw identityError('identity.link_invalid')
    const hash = identityHash(tx.masterKey, { kind: 'email', value: email })
    await confirmIdentity(onBehalfOf(tx, { from: 'console', userId }), {
      userId,
      kind: 'email',
      hash,
      method: 'mail_link',
    })
    return { email, tenantName }
  })
}

function readToken(text: string): LinkToken {
  const token = readLinkToken(text)
  if (token === undefined) throw identityError('identity.link_invalid')
  return token
}

type Link = { id: string; userId: string; email: string; tenantName: string; addressHash: Buffer }

async function findLink(tx: TenantTransaction, secret: string): Promise<Link> {
  const { rows } = await tx.query<Link>(
    `select l.id, l.user_id as "userId", u.email, t.name as "tenantName", l.address_hash as "addressHash"
     from confirmation_links l
     join users u on u.tenant_id = l.tenant_id and u.id = l.user_id
     join tenants t on t.id = l.tenant_id
     where l.tenant_id = $1 and l.token_hash = $2 and l.used_at is null and l.expires_at > now()
       and u.state = 'active' and u.email is not null`,
    [tx.tenantId, hashSecret(secret)],
  )
  const [link] = rows
  if (link === undefined) throw identityError('identity.link_invalid')
  // The address of today: a link to an address of before confirms nothing.
  const hash = identityHash(tx.masterKey, { kind: 'email', value: link.email })
  if (!hash.equals(link.addressHash)) throw identityError('identity.link_invalid')
  return link
}
