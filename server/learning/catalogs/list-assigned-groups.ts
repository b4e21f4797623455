import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { requirePresent } from '../require-existing.ts'

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
    `with assigned as materialized (
       select group_id, added_at from ${place.kind}_groups where tenant_id = $1 and ${place.kind}_id = $2
     )
     select g.id as group_id, g.display_name, g.directory_object_id, assigned.added_at,
       coalesce(member.members, 0) as members
     from assigned
     join directory_groups g on g.tenant_id = $1 and g.id = assigned.group_id
     left join (
       select group_id, count(*) as members from group_members
       where tenant_id = $1 and group_id in (select group_id from assigned) and deletion_id is null
       group by group_id
     ) member on member.group_id = g.id
     order by g.display_name, g.id`,
    [tx.tenantId, id],
  )
  return rows
}
