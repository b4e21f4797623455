import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { lockUsers } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { findChanged } from '../plans/find-changed.ts'
import { requirePlan, requireSamePeople } from '../plans/require-plan.ts'
import { insertChecked, type NewErasure, type RequestedErasure, userIdsOf } from './request-erasure.ts'

/**
 * Requests an erasure for callers who know no delete before it: users who are not deleted yet are deleted first, in the
 * same transaction. Returns the same as `requestErasure`. Under a plan, which counts as after the delete, people of whom the
 * rows are others by now are not deleted either.
 *
 * `lastAdministratorToo`: the tenant may be left without an administrator, because the erasure comes from outside.
 *
 * Throws the same too, and `user.last_administrator`; then nothing was requested, and no user was deleted.
 */
export async function deleteAndRequestErasure(
  tx: TenantTransaction,
  given: NewErasure & { lastAdministratorToo?: boolean },
): Promise<RequestedErasure> {
  const userIds = userIdsOf(given.userIds)
  if (given.plan === undefined) {
    await deleteThose(tx, userIds, { lastAdministratorToo: given.lastAdministratorToo === true })
    return await insertChecked(tx, given, undefined)
  }
  const plan = await requirePlan(tx, given.plan, { operation: given.operation, deleteFirst: true })
  requireSamePeople(plan, userIds)
  const changed = await findChanged(tx, plan)
  await deleteThose(
    tx,
    userIds.filter((id) => !changed.has(id)),
    { lastAdministratorToo: given.lastAdministratorToo === true },
  )
  return await insertChecked(tx, given, { plan, changed })
}

/** Deletes those of the users who are not deleted yet. Throws like `deleteUsers`. */
export async function deleteThose(
  tx: TenantTransaction,
  userIds: readonly string[],
  { lastAdministratorToo = false }: { lastAdministratorToo?: boolean } = {},
): Promise<void> {
  const users = await lockUsers(tx, userIds)
  const undeleted = users.filter(({ state }) => state === 'active' || state === 'suspended').map(({ id }) => id)
  if (undeleted.length > 0) await deleteUsers(tx, { userIds: undeleted, lastAdministratorToo })
}
