import type { TenantTransaction } from '../platform/database/transaction.ts'

/** The user responsible for an API key or an OAuth client of the tenant; undefined where there is none. */
export async function ownerOfCredential(tx: TenantTransaction, credentialId: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ owner_id: string | null }>(
    `select owner_id from api_keys where tenant_id = $1 and id = $2
     union all
     select owner_id from oauth_clients where tenant_id = $1 and id = $2`,
    [tx.tenantId, credentialId],
  )
  return rows[0]?.owner_id ?? undefined
}
