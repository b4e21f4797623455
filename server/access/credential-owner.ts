import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * The user who answers for an API key or an OAuth client of the tenant: the one who created it. Undefined where there is
 * none: the command line created it, or the id is of an operator.
 */
export async function ownerOfCredential(tx: TenantTransaction, credentialId: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ owner_id: string | null }>(
    `select owner_id from api_keys where tenant_id = $1 and id = $2
     union all
     select owner_id from oauth_clients where tenant_id = $1 and id = $2`,
    [tx.tenantId, credentialId],
    'owner_of_credential',
  )
  return rows[0]?.owner_id ?? undefined
}
