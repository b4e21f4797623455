import type { TenantTransaction } from '../platform/database/transaction.ts'

export type GroupMembership = { group_id: string; display_name: string; active: boolean }

/** Makes the users' active memberships in groups inactive until the delete of this id is undone. Returns how many. */
export async function deactivateForDeletion(
  tx: TenantTransaction,
  userIds: readonly string[],
  deletionId: string,
): Promise<{ group_members: number }> {
  const { rowCount } = await tx.query(
    `update group_members set deletion_id = $3
     where tenant_id = $1 and user_id = any ($2::uuid[]) and deletion_id is null`,
    [tx.tenantId, userIds, deletionId],
  )
  return { group_members: rowCount }
}

/** Makes the memberships active again that the users' deletes took away: exactly those of the user's own deletion id. */
export async function reactivateAfterRestore(
  tx: TenantTransaction,
  restored: { userIds: readonly string[]; deletionIds: readonly string[] },
): Promise<{ group_members: number }> {
  const { rowCount } = await tx.query(
    `update group_members membership set deletion_id = null
     from unnest($2::uuid[], $3::uuid[]) as restored (user_id, deletion_id)
     where membership.tenant_id = $1 and membership.user_id = restored.user_id and membership.deletion_id = restored.deletion_id`,
    [tx.tenantId, restored.userIds, restored.deletionIds],
  )
  return { group_members: rowCount }
}

/** The groups that the user is in, inactive memberships too, by name. */
export async function listGroupsOf(tx: TenantTransaction, userId: string): Promise<GroupMembership[]> {
  const { rows } = await tx.query<GroupMembership>(
    `select g.id as group_id, g.display_name, m.deletion_id is null as active
     from group_members m join directory_groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
     where m.tenant_id = $1 and m.user_id = $2
     order by g.display_name, g.id`,
    [tx.tenantId, userId],
  )
  return rows
}
