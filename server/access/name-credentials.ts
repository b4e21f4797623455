import type { TenantTransaction } from '../platform/database/transaction.ts'

/** The names of these API keys and OAuth clients of the tenant, by id, revoked ones too; what has gone is left out. */
export async function nameCredentials(tx: TenantTransaction, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const { rows } = await tx.query<{ id: string; name: string }>(
    `select id, name from api_keys where tenant_id = $1 and id = any ($2::uuid[])
     union all
     select id, name from oauth_clients where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, ids],
    'name_credentials',
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}
