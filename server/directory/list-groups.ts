import type { TenantTransaction } from '../platform/database/transaction.ts'

export type ListedGroup = {
  id: string
  display_name: string
  directory_object_id: string | null
  description: string | null
  /** Without deleted users. */
  members: number
  created_at: Date
}

/** All groups of the tenant, by name. */
export async function listGroups(tx: TenantTransaction): Promise<ListedGroup[]> {
  const { rows } = await tx.query<ListedGroup>(
    `select id, display_name, directory_object_id, description, created_at,
       (select count(*) from group_members m where m.tenant_id = $1 and m.group_id = g.id and m.deletion_id is null) as members
     from directory_groups g
     where tenant_id = $1
     order by display_name, id`,
    [tx.tenantId],
  )
  return rows
}
