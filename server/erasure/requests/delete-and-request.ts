import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { lockUsers } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type NewErasure, requestErasure } from './request-erasure.ts'

/**
 * Requests an erasure for callers who know no delete before it: users who are not deleted yet are deleted first, in the
 * same transaction. Returns the same as {@link requestErasure}.
 *
 * `lastAdministratorToo`: the tenant may be left without an administrator, because the erasure comes from outside.
 *
 * Throws the same too, and `user.last_administrator`; then nothing was requested, and no user was deleted.
 */
export async function deleteAndRequestErasure(
  tx: TenantTransaction,
  given: NewErasure & { lastAdministratorToo?: boolean },
): Promise<{ request: string; salt?: string }> {
  const users = await lockUsers(tx, given.userIds)
  const userIds = users.filter(({ state }) => state === 'active' || state === 'suspended').map(({ id }) => id)
  if (userIds.length > 0) {
    await deleteUsers(tx, { userIds, lastAdministratorToo: given.lastAdministratorToo === true })
  }
  return await requestErasure(tx, given)
}
