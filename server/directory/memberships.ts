import type { TenantTransaction } from '../platform/database/transaction.ts'

export type GroupMembership = { group_id: string; display_name: string; active: boolean }

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
