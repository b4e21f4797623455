import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type User, userColumnsSql } from '../accounts/user.ts'
import { endAccess } from './inactive-rows.ts'
import { lockForChange } from './lock-users.ts'

/**
 * Suspends an active user: everything stays, but the user is signed out and can neither sign in nor be enrolled. The start
 * and the end of the user no longer change the state.
 *
 * Throws `user.not_found`, `user.wrong_state`, `user.erasure_pending`, `user.last_administrator`.
 */
export async function suspendUser(tx: TenantTransaction, userId: string): Promise<User> {
  await lockForChange(tx, { userIds: [userId], act: 'suspended', from: ['active'], endsAdministrators: true })
  const { rows } = await tx.query<User>(
    `update users set state = 'suspended', suspended_at = now(), next_change_at = null, updated_at = now()
     where tenant_id = $1 and id = $2
     returning ${userColumnsSql}`,
    [tx.tenantId, userId],
  )
  const [user] = rows
  if (user === undefined) throw new Error('The locked user is gone')
  await record(tx, { activity: 'UserSuspended', object: user.id })
  await endAccess(tx, [userId])
  return user
}
