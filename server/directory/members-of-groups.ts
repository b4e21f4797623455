import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * The users who are in at least one of the groups, each once, in the order of their ids: at most so many, behind the id
 * `after`. Deleted users are not among them.
 */
export async function membersOfGroups(
  tx: TenantTransaction,
  options: { groupIds: readonly string[]; after: string | null; limit: number },
): Promise<string[]> {
  if (options.groupIds.length === 0) return []
  // Of each group only the page, which its index gives in order, whatever the size of the group.
  const { rows } = await tx.query<{ user_id: string }>(
    `select distinct member.user_id
     from unnest($2::uuid[]) as wanted (group_id)
     cross join lateral (
       select user_id from group_members
       where tenant_id = $1 and group_id = wanted.group_id and deletion_id is null and ($3::uuid is null or user_id > $3)
       order by user_id
       limit $4
     ) member
     order by member.user_id
     limit $4`,
    [tx.tenantId, options.groupIds, options.after, options.limit],
    'members_of_groups',
  )
  return rows.map(({ user_id }) => user_id)
}

/** That a user is in a group. */
export type GroupMember = { user_id: string; group_id: string; display_name: string }

/** Which of these users are in which of these groups now, by the name of the group. */
export async function membershipsAmong(
  tx: TenantTransaction,
  options: { groupIds: readonly string[]; userIds: readonly string[] },
): Promise<GroupMember[]> {
  if (options.groupIds.length === 0 || options.userIds.length === 0) return []
  const { rows } = await tx.query<GroupMember>(
    `select m.user_id, m.group_id, g.display_name
     from group_members m join directory_groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
     where m.tenant_id = $1 and m.group_id = any ($2::uuid[]) and m.user_id = any ($3::uuid[]) and m.deletion_id is null
     order by g.display_name, m.group_id, m.user_id`,
    [tx.tenantId, options.groupIds, options.userIds],
  )
  return rows
}
