import { randomUUID } from 'node:crypto'
import { record } from '../../audit/record.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { doneBy } from '../accounts/require-people.ts'
import { deactivateRows, type InactiveRows } from './inactive-rows.ts'
import { lockForChange } from './lock-users.ts'

/** What one delete took away, and the id that its restore finds it by. Counts are of rows that became inactive. */
export type Deletion = { deletionId: string; userIds: string[]; inactive: InactiveRows }

/**
 * Deletes active or suspended users softly, all or none. They are hidden, signed out and restorable, keep their ids,
 * and lose their privileged roles. What they take part in becomes inactive, as the data map says. One statement for each
 * table, whatever the number of users. `at` is when it happened, where that is recorded afterwards.
 *
 * `lastAdministratorToo`: the tenant may be left without an administrator, because the act is not the tenant's to refuse.
 *
 * Throws `input.invalid`, `user.not_found`, `user.wrong_state`, `user.erasure_pending`, `user.last_administrator`,
 * `user.acting_erased`.
 */
export async function deleteUsers(
  tx: TenantTransaction,
  options: { userIds: readonly string[]; at?: Date; lastAdministratorToo?: boolean },
): Promise<Deletion> {
  const at = requirePast('at', options.at)
  const users = await lockForChange(tx, {
    userIds: options.userIds,
    act: 'deleted',
    from: ['active', 'suspended'],
    endsAdministrators: options.lastAdministratorToo !== true,
  })
  const userIds = users.map(({ id }) => id)
  const deletionId = randomUUID()
  const by = await doneBy(tx)
  const { name, text } = compiledMap.deactivate.own
  await tx.query(text, [tx.tenantId, userIds, deletionId, at ?? new Date(), by.userId, by.credentialId], name)
  const inactive = await deactivateRows(tx, { userIds, deletionId })
  await record(
    tx,
    userIds.map((object) => ({ activity: 'UserDeleted', object })),
  )
  return { deletionId, userIds, inactive }
}
