import { record } from '../../audit/record.ts'
import { reactivateAfterRestore as reactivateMemberships } from '../../directory/memberships.ts'
import { reactivateAfterRestore as reactivateParticipation } from '../../learning/participation.ts'
import { requireMayGrant } from '../../permissions/grants.ts'
import type { UserRole } from '../../permissions/roles.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { lockForChange } from './lock-users.ts'

/** What a restore brought back: who is active and who is suspended now, and how many rows are active again. */
export type Restoration = {
  userIds: string[]
  /** Of them, those who were suspended when they were deleted, and are again. */
  suspended: string[]
  active: { product_accounts: number; group_members: number; catalog_members: number; enrollments: number }
}

/**
 * Undoes the delete of users, all or none: they are active again, or suspended if they were, with everything that
 * their delete made inactive. They stay learners, and `former_roles` shows what they were; `withRoles` gives the
 * privileged roles back.
 *
 * Throws `user.not_found`, `user.wrong_state`, `user.erasure_pending`, and with roles `access.beyond_own` where those
 * may do more than who acts.
 */
export async function restoreUsers(
  tx: TenantTransaction,
  options: { userIds: readonly string[]; withRoles?: boolean },
): Promise<Restoration> {
  const users = await lockForChange(tx, { userIds: options.userIds, act: 'restored', from: ['deleted'] })
  const userIds = users.map(({ id }) => id)
  if (options.withRoles === true) await requireMayGrant(tx, { roles: await formerRoles(tx, userIds) })
  const deletionIds = users.flatMap(({ deletion_id }) => deletion_id ?? [])
  const { rows: restored } = await tx.query<{ id: string; state: string }>(
    `update users
     set state = case when suspended_at is null then 'active' else 'suspended' end,
         deletion_id = null, deleted_at = null, deleted_by = null, deleted_by_credential = null, updated_at = now(),
         roles = case when $3::boolean then former_roles || roles else roles end,
         former_roles = case when $3::boolean then '{}' else former_roles end
     where tenant_id = $1 and id = any ($2::uuid[])
     returning id, state`,
    [tx.tenantId, userIds, options.withRoles === true],
  )
  const accounts = await tx.query(
    `update product_accounts account set deletion_id = null
     from unnest($2::uuid[], $3::uuid[]) as restored (user_id, deletion_id)
     where account.tenant_id = $1 and account.user_id = restored.user_id and account.deletion_id = restored.deletion_id`,
    [tx.tenantId, userIds, deletionIds],
  )
  const memberships = await reactivateMemberships(tx, { userIds, deletionIds })
  const participation = await reactivateParticipation(tx, { userIds, deletionIds })
  const details = { with_roles: options.withRoles === true }
  await record(
    tx,
    userIds.map((object) => ({ activity: 'UserRestored', object, details })),
  )
  const suspended = restored.filter(({ state }) => state === 'suspended').map(({ id }) => id)
  return { userIds, suspended, active: { product_accounts: accounts.rowCount, ...memberships, ...participation } }
}

async function formerRoles(tx: TenantTransaction, userIds: readonly string[]): Promise<UserRole[]> {
  const { rows } = await tx.query<{ role: UserRole }>(
    'select distinct unnest(former_roles) as role from users where tenant_id = $1 and id = any ($2::uuid[])',
    [tx.tenantId, userIds],
  )
  return rows.map(({ role }) => role)
}
