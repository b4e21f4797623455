import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import type { UserState } from './user.ts'

/**
 * Makes sure that the user is active, and stays so until the transaction ends: a delete or a suspension waits for it.
 * `act` is what the user is needed for, in the words of the error, such as "enrolled".
 *
 * Throws `user.not_found` and `user.wrong_state`.
 */
export async function requireActiveUser(
  tx: TenantTransaction,
  options: { userId: string; act: string },
): Promise<void> {
  const { rows } = await tx.query<{ state: UserState }>(
    'select state from users where tenant_id = $1 and id = $2 for share',
    [tx.tenantId, options.userId],
  )
  const [user] = rows
  if (user === undefined) throw new LetheError('user.not_found', { selector: 'id' })
  if (user.state !== 'active') {
    throw new LetheError('user.wrong_state', { act: options.act, state: user.state, needed: 'active' })
  }
}
