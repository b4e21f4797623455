import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type User, userColumnsSql } from '../accounts/user.ts'
import { lockForChange } from './lock-users.ts'

/**
 * Ends the suspension of a user, until the end of the user if that is still to come.
 *
 * Throws `user.not_found`, `user.wrong_state`, `user.erasure_pending`.
 */
export async function reactivateUser(tx: TenantTransaction, userId: string): Promise<User> {
  await lockForChange(tx, { userIds: [userId], act: 'reactivated', from: ['suspended'] })
  const { rows } = await tx.query<User>(
    `update users set state = 'active', suspended_at = null, updated_at = now(),
       next_change_at = case when ends_at > $3 then ends_at end
     where tenant_id = $1 and id = $2
     returning ${userColumnsSql}`,
    [tx.tenantId, userId, new Date()],
  )
  const [user] = rows
  if (user === undefined) throw new Error('The locked user is gone')
  await record(tx, { activity: 'UserReactivated', object: user.id })
  return user
}
