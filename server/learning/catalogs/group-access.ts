import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** A group of the directory through which its members are in a catalog; with a course: in that course of it only. */
export type GroupAccess = { group_id: string; course_id: string | null }

/** The groups through which people are in the catalog, directly or through one of its courses. */
export async function groupsOfCatalog(tx: TenantTransaction, catalogId: string): Promise<GroupAccess[]> {
  const { rows } = await tx.query<GroupAccess>(
    `select group_id, null::uuid as course_id from catalog_groups where tenant_id = $1 and catalog_id = $2
     union all
     select g.group_id, g.course_id from courses c join course_groups g on g.tenant_id = c.tenant_id and g.course_id = c.id
     where c.tenant_id = $1 and c.catalog_id = $2
     order by course_id nulls first, group_id`,
    [tx.tenantId, catalogId],
  )
  return rows
}
