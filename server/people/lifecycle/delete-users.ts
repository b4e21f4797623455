import { randomUUID } from 'node:crypto'
import { signOutEverywhere } from '../../access/sessions.ts'
import { record } from '../../audit/record.ts'
import { deactivateForDeletion as deactivateMemberships } from '../../directory/memberships.ts'
import { deactivateForDeletion as deactivateParticipation } from '../../learning/participation.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { doneBy } from '../accounts/require-people.ts'
import { lockForChange } from './lock-users.ts'

/** What one delete took away, and the id that its restore finds it by. Counts are of rows that became inactive. */
export type Deletion = {
  deletionId: string
  userIds: string[]
  inactive: { product_accounts: number; group_members: number; catalog_members: number; enrollments: number }
}

/**
 * Deletes active or suspended users softly, all or none. They are hidden, signed out and restorable, keep their ids,
 * and lose their privileged roles. Their product accounts, memberships and enrollments become inactive. One statement
 * for each table, whatever the number of users. `at` is when it happened, where that is recorded afterwards.
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
  await tx.query(
    `update users
     set state = 'deleted', deletion_id = $3, deleted_at = coalesce($5, now()), deleted_by = $4, deleted_by_credential = $6, updated_at = now(),
         former_roles = array_remove(roles, 'learner'), roles = '{learner}'
     where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, userIds, deletionId, by.userId, at ?? null, by.credentialId],
  )
  const accounts = await tx.query(
    `update product_accounts set deletion_id = $3
     where tenant_id = $1 and user_id = any ($2::uuid[]) and deletion_id is null`,
    [tx.tenantId, userIds, deletionId],
  )
  const memberships = await deactivateMemberships(tx, userIds, deletionId)
  const participation = await deactivateParticipation(tx, userIds, deletionId)
  await record(
    tx,
    userIds.map((object) => ({ activity: 'UserDeleted', object })),
  )
  await signOutEverywhere(tx, userIds)
  return { deletionId, userIds, inactive: { product_accounts: accounts.rowCount, ...memberships, ...participation } }
}
