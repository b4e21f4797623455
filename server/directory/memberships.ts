import type { TenantTransaction } from '../platform/database/transaction.ts'

export type GroupMembership = { group_id: string; display_name: string; active: boolean }

/** Makes the users' active memberships in groups inactive until the delete of this id is undone. Returns how many. */
export async function deactivateForDeletion(
  tx: TenantTransaction,
  userIds: readonly string[],
  deletionId: string,
): Promise<{ group_members: number }> {
  const { rowCount } = await tx.query(
    'update group_members set deletion_id = $2::uuid where user_id = any ($1::uuid[]) and deletion_id is null',
    [userIds, deletionId],
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
     from unnest($1::uuid[], $2::uuid[]) as restored (user_id, deletion_id)
     where membership.user_id = restored.user_id and membership.deletion_id = restored.deletion_id`,
    [restored.userIds, restored.deletionIds],
  )
  return { group_members: rowCount }
}

/** The groups that the user is in, inactive memberships too, by name. */
export async function listGroupsOf(tx: TenantTransaction, userId: string): Promise<GroupMembership[]> {
  const { rows } = await tx.query<GroupMembership>(
    `select g.id as group_id, g.display_name, m.deletion_id is null as active
     from group_members m join directory_groups g on g.id = m.group_id
     where m.user_id = $1::uuid
     order by g.display_name, g.id`,
    [userId],
  )
  return rows
}
