import type { UserRole } from '../../permissions/roles.ts'
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

/** The active users of the tenant with at least one of these roles, by id. */
export async function activeUsersWithRoles(tx: TenantTransaction, roles: readonly UserRole[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users where tenant_id = $1 and state = 'active' and roles && $2::text[] order by id`,
    [tx.tenantId, roles],
  )
  return rows.map(({ id }) => id)
}
