import { record } from '../../audit/record.ts'
import { membershipsAmong } from '../../directory/members-of-groups.ts'
import { lockForChange } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { unenrollFromCatalog } from '../enrollments/unenroll.ts'
import { learningError } from '../errors.ts'
import { requirePresent } from '../require-existing.ts'
import { groupsOfCatalog } from './group-access.ts'

/** What became of one user who was taken out of a catalog. */
export type CatalogRemoval = {
  user_id: string
  /** Whether the user had been added; false: was in it through groups only. */
  removed: boolean
  /** Enrollments that ended. */
  unenrolled: number
  /** The groups through which the user is in the catalog still, and listed as not added to it. */
  still_through: { group_id: string; display_name: string }[]
}

/**
 * Takes active or suspended users out of a catalog, all or none, and unenrolls them from its courses and training plans.
 * Their records stay in the transcript. Who is in the catalog through a group stays listed, as not added to it. Returns
 * what became of each, in the order of their ids.
 *
 * Throws `input.invalid`, `catalog.not_found`, `catalog.not_member` for whoever is not in the catalog at all,
 * `user.not_found`, `user.wrong_state`, `user.erasure_pending`.
 */
export async function removeCatalogMembers(
  tx: TenantTransaction,
  options: { catalogId: string; userIds: readonly string[] },
): Promise<CatalogRemoval[]> {
  const { catalogId } = options
  await requirePresent(tx, 'catalog', [catalogId])
  const users = await lockForChange(tx, {
    userIds: options.userIds,
    act: 'removed from a catalog',
    from: ['active', 'suspended'],
  })
  const userIds = users.map(({ id }) => id)
  const access = await groupsOfCatalog(tx, catalogId)
  const groupIds = [...new Set(access.map(({ group_id }) => group_id))]
  const through = Map.groupBy(await membershipsAmong(tx, { groupIds, userIds }), ({ user_id }) => user_id)
  const { rows } = await tx.query<{ user_id: string; role: string }>(
    `delete from catalog_members where tenant_id = $1 and catalog_id = $2 and user_id = any ($3::uuid[])
     returning user_id, role`,
    [tx.tenantId, catalogId, userIds],
  )
  const removed = new Map(rows.map(({ user_id, role }) => [user_id, role]))
  const strangers = userIds.filter((id) => !removed.has(id) && !through.has(id))
  if (strangers.length > 0) throw learningError('catalog.not_member', { ids: strangers })
  const ended = Map.groupBy(await unenrollFromCatalog(tx, { catalogId, userIds }), ({ userId }) => userId)
  await record(
    tx,
    [...removed].map(([subject, role]) => ({
      activity: 'CatalogMemberRemoved',
      object: catalogId,
      subject,
      details: { role },
    })),
  )
  return userIds.map((id) => ({
    user_id: id,
    removed: removed.has(id),
    unenrolled: ended.get(id)?.length ?? 0,
    still_through: (through.get(id) ?? []).map(({ group_id, display_name }) => ({ group_id, display_name })),
  }))
}
