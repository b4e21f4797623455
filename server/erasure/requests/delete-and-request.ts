import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { lockUsers } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type ErasureOrder, requestErasure } from './request-erasure.ts'

/**
 * Requests an erasure for callers who know no delete before it: who is not deleted yet is deleted first, in the same
 * transaction. Answers what {@link requestErasure} answers.
 *
 * Throws what that throws, and `user.last_administrator`; then nothing was requested, and no user was deleted.
 */
export async function deleteAndRequestErasure(
  tx: TenantTransaction,
  order: ErasureOrder,
): Promise<{ request: string; salt?: string }> {
  const users = await lockUsers(tx, order.userIds)
  const userIds = users.filter(({ state }) => state === 'active' || state === 'suspended').map(({ id }) => id)
  if (userIds.length > 0) await deleteUsers(tx, { userIds })
  return await requestErasure(tx, order)
}
