import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** The active administrators of the tenant, the longest-serving first. */
export async function activeAdministrators(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users
     where tenant_id = $1 and state = 'active' and 'administrator' = any (roles)
     order by created_at, id`,
    [tx.tenantId],
  )
  return rows.map(({ id }) => id)
}
