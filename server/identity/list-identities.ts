import type { TenantTransaction } from '../platform/database/transaction.ts'

/** A confirmed identifier of a user. The identifier itself stands with the user. */
export type ConfirmedIdentity = {
  kind: 'email' | 'external_identity_id'
  method: 'mail_link' | 'identity_provider'
  confirmed_at: Date
}

/** What of a user is confirmed, and the links that wait for an answer: an e-mail that is not sent yet has no `sent_at`. */
export type UserIdentities = {
  confirmed: ConfirmedIdentity[]
  links: { id: string; created_at: Date; sent_at: Date | null; expires_at: Date }[]
}

/** The confirmed identities of a user, and the open confirmation links. A user without any has two empty lists. */
export async function listIdentities(tx: TenantTransaction, userId: string): Promise<UserIdentities> {
  const [{ rows: confirmed }, { rows: links }] = await Promise.all([
    tx.query<ConfirmedIdentity>(
      `select kind, method, confirmed_at from confirmed_identities
       where tenant_id = $1 and user_id = $2 order by kind`,
      [tx.tenantId, userId],
    ),
    tx.query<UserIdentities['links'][number]>(
      `select id, created_at, sent_at, expires_at from confirmation_links
       where tenant_id = $1 and user_id = $2 and used_at is null and expires_at > now() order by created_at`,
      [tx.tenantId, userId],
    ),
  ])
  return { confirmed, links }
}
