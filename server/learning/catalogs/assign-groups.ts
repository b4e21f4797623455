import { record } from '../../audit/record.ts'
import { lockGroup, requireGroup } from '../../directory/require-group.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireOpen, requirePresent } from '../require-existing.ts'

const assignments = {
  catalog: { table: 'catalog_groups', assigned: 'CatalogGroupAssigned', unassigned: 'CatalogGroupUnassigned' },
  course: { table: 'course_groups', assigned: 'CourseGroupAssigned', unassigned: 'CourseGroupUnassigned' },
} as const

type GroupPlace = { kind: keyof typeof assignments; id: string }

/**
 * Opens a catalog to the members of a directory group, for as long as they are in the group. False: it was open to
 * them already.
 *
 * Throws `input.invalid`, `catalog.not_found`, `group.not_found`.
 */
export async function assignGroupToCatalog(
  tx: TenantTransaction,
  options: { catalogId: string; groupId: string },
): Promise<{ assigned: boolean }> {
  return await assign(tx, { kind: 'catalog', id: options.catalogId }, options.groupId)
}

/**
 * Closes a catalog to a directory group. Its members lose what they had through it; all stay enrolled. False: it was
 * not open to the group.
 *
 * Throws `input.invalid`, `catalog.not_found`, `group.not_found`.
 */
export async function unassignGroupFromCatalog(
  tx: TenantTransaction,
  options: { catalogId: string; groupId: string },
): Promise<{ unassigned: boolean }> {
  return await unassign(tx, { kind: 'catalog', id: options.catalogId }, options.groupId)
}

/**
 * Opens a course to the members of a directory group: they are listed in its catalog, as not added to it, for as long as
 * they are in the group. Nobody is enrolled. False: it was open to them already.
 *
 * Throws `input.invalid`, `course.not_found`, `group.not_found`.
 */
export async function assignGroupToCourse(
  tx: TenantTransaction,
  options: { courseId: string; groupId: string },
): Promise<{ assigned: boolean }> {
  return await assign(tx, { kind: 'course', id: options.courseId }, options.groupId)
}

/**
 * Closes a course to a directory group; all stay enrolled. False: it was not open to the group.
 *
 * Throws `input.invalid`, `course.not_found`, `group.not_found`.
 */
export async function unassignGroupFromCourse(
  tx: TenantTransaction,
  options: { courseId: string; groupId: string },
): Promise<{ unassigned: boolean }> {
  return await unassign(tx, { kind: 'course', id: options.courseId }, options.groupId)
}

async function assign(
  tx: TenantTransaction,
  { kind, id }: GroupPlace,
  groupId: string,
): Promise<{ assigned: boolean }> {
  const { table, assigned } = assignments[kind]
  await requireOpen(tx, kind, [id])
  await lockGroup(tx, groupId)
  const { rowCount } = await tx.query(
    `insert into ${table} (tenant_id, ${kind}_id, group_id) values ($1, $2, $3) on conflict do nothing`,
    [tx.tenantId, id, groupId],
  )
  if (rowCount > 0) await record(tx, { activity: assigned, object: id, details: { group: groupId } })
  return { assigned: rowCount > 0 }
}

async function unassign(
  tx: TenantTransaction,
  { kind, id }: GroupPlace,
  groupId: string,
): Promise<{ unassigned: boolean }> {
  const { table, unassigned } = assignments[kind]
  await requirePresent(tx, kind, [id])
  await requireGroup(tx, groupId)
  const { rowCount } = await tx.query(
    `delete from ${table} where tenant_id = $1 and ${kind}_id = $2 and group_id = $3`,
    [tx.tenantId, id, groupId],
  )
  if (rowCount > 0) await record(tx, { activity: unassigned, object: id, details: { group: groupId } })
  return { unassigned: rowCount > 0 }
}
