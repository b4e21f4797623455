import { record } from '../audit/record.ts'
import { requireActiveUsers } from '../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { lockGroup } from './require-group.ts'

/**
 * Makes these users, and nobody else, the members of a group of the directory. Who comes in must be active; who is in
 * stays in while suspended. Memberships of deleted users stay as they are, for the restore: only a purge ends them.
 *
 * Throws `input.invalid`, `group.not_found`, `user.not_found`, `user.wrong_state`; then nothing was changed.
 */
export async function setGroupMembers(
  tx: TenantTransaction,
  options: { groupId: string; userIds: readonly string[] },
): Promise<{ added: number; removed: number }> {
  const { groupId } = options
  const userIds = [...new Set(options.userIds.map((id) => requireUuid('user id', id)))]
  await lockGroup(tx, groupId)
  const { rows } = await tx.query<{ user_id: string }>(
    `select user_id from unnest($3::uuid[]) as wanted (user_id)
     where not exists (
       select from group_members member
       where member.tenant_id = $1 and member.group_id = $2 and member.user_id = wanted.user_id and member.deletion_id is null
     )`,
    [tx.tenantId, groupId, userIds],
  )
  const incoming = rows.map(({ user_id }) => user_id)
  await requireActiveUsers(tx, { userIds: incoming, act: 'added to a group' })
  const removed = await tx.query<{ user_id: string }>(
    `delete from group_members
     where tenant_id = $1 and group_id = $2 and deletion_id is null and user_id <> all ($3::uuid[])
     returning user_id`,
    [tx.tenantId, groupId, userIds],
  )
  const added = await tx.query<{ user_id: string }>(
    `insert into group_members (tenant_id, group_id, user_id)
     select $1, $2, user_id from unnest($3::uuid[]) as user_id
     on conflict do nothing
     returning user_id`,
    [tx.tenantId, groupId, incoming],
  )
  await record(tx, [
    ...removed.rows.map(({ user_id }) => ({
      activity: 'GroupMemberRemoved' as const,
      object: groupId,
      subject: user_id,
    })),
    ...added.rows.map(({ user_id }) => ({ activity: 'GroupMemberAdded' as const, object: groupId, subject: user_id })),
  ])
  return { added: added.rowCount, removed: removed.rowCount }
}
