import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** What was confirmed of a user, and how. */
export type Confirmation = {
  userId: string
  kind: 'email' | 'external_identity_id'
  hash: Buffer
  method: 'mail_link' | 'identity_provider'
  providerId?: string | undefined
}

/**
 * Records that an identifier is the user's own. This is the only place that writes `confirmed_identities`. It has two
 * callers: the link that the owner of an address opened, and the signed assertion of an identity provider. The caller
 * has locked the user, and the user has the identifier now.
 */
export async function confirmIdentity(tx: TenantTransaction, given: Confirmation): Promise<void> {
  await tx.query(
    `insert into confirmed_identities (tenant_id, user_id, kind, hash, method, provider_id, confirmed_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, user_id, kind) do update set hash = excluded.hash, method = excluded.method,
       provider_id = excluded.provider_id, confirmed_at = excluded.confirmed_at`,
    [tx.tenantId, given.userId, given.kind, given.hash, given.method, given.providerId ?? null, new Date()],
  )
  await record(tx, {
    activity: 'IdentityConfirmed',
    object: given.userId,
    details: { kind: given.kind, method: given.method },
  })
}
