import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/require-uuid.ts'
import { requirePresent } from './require-present.ts'

/** A group of the directory that a catalog or a course is open to. */
export type AssignedGroup = {
  group_id: string
  display_name: string
  directory_object_id: string | null
  /** Without deleted users. */
  members: number
  added_at: Date
}

/**
 * The groups that a catalog, or a course, is open to itself, by name.
 *
 * Throws `input.invalid`, `catalog.not_found`, `course.not_found`.
 */
export async function listAssignedGroups(
  tx: TenantTransaction,
  place: { kind: 'catalog' | 'course'; id: string },
): Promise<AssignedGroup[]> {
  const id = requireUuid(`${place.kind}Id`, place.id)
  await requirePresent(tx, place.kind, [id])
  const { rows } = await tx.query<AssignedGroup>(
    `select a.group_id, g.display_name, g.directory_object_id, a.added_at,
       (select count(*) from group_members m
        where m.tenant_id = $1 and m.group_id = g.id and m.deletion_id is null) as members
     from ${place.kind}_groups a join directory_groups g on g.tenant_id = a.tenant_id and g.id = a.group_id
     where a.tenant_id = $1 and a.${place.kind}_id = $2
     order by g.display_name, g.id`,
    [tx.tenantId, id],
  )
  return rows
}
