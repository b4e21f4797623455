import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { lockGroup } from './require-group.ts'

/** How many members a group has, and how many users were in it when they were deleted: a restore would bring them back into it. */
export type Membership = { members: number; deleted_members: number }

/** Counts the members of a group. */
export async function countMembers(tx: TenantTransaction, groupId: string): Promise<Membership> {
  const { rows } = await tx.query<Membership>(
    `select count(*) filter (where deletion_id is null)::int as members,
       count(*) filter (where deletion_id is not null)::int as deleted_members
     from group_members where tenant_id = $1 and group_id = $2`,
    [tx.tenantId, groupId],
  )
  return rows[0] ?? { members: 0, deleted_members: 0 }
}

/**
 * Deletes a group of the directory, and ends all memberships in it, also those of deleted users. No other room refers to
 * the group any more: `deleteGroup` of erasure/groups sees to that.
 *
 * Throws `input.invalid`, `group.not_found`.
 */
export async function removeGroup(tx: TenantTransaction, groupId: string): Promise<void> {
  await lockGroup(tx, groupId, 'delete')
  const { rows } = await tx.query<{ user_id: string }>(
    'delete from group_members where tenant_id = $1 and group_id = $2 returning user_id',
    [tx.tenantId, groupId],
  )
  await tx.query('delete from directory_groups where tenant_id = $1 and id = $2', [tx.tenantId, groupId])
  await record(tx, [
    ...rows.map(({ user_id }) => ({ activity: 'GroupMemberRemoved' as const, object: groupId, subject: user_id })),
    { activity: 'GroupDeleted', object: groupId, details: { people: rows.length } },
  ])
}
