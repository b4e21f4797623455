import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import type { UserState } from '../accounts/user.ts'
import { peopleError } from '../errors.ts'

/** Like {@link requireActiveUsers}, for one user. */
export async function requireActiveUser(
  tx: TenantTransaction,
  options: { userId: string; act: string },
): Promise<void> {
  await requireActiveUsers(tx, { userIds: [options.userId], act: options.act })
}

/**
 * Makes sure that the users are active, and stay so until the transaction ends: a delete or a suspension waits for it.
 * `act` is what the users are needed for, in the words of the error, such as "enrolled".
 *
 * Throws `input.invalid` for an id that is no UUID, `user.not_found` and `user.wrong_state`.
 */
export async function requireActiveUsers(
  tx: TenantTransaction,
  options: { userIds: readonly string[]; act: string },
): Promise<void> {
  const ids = [...new Set(options.userIds.map((id) => requireUuid('user id', id)))]
  if (ids.length === 0) return
  // In the order of the ids, like every lock on users, so that transactions wait for each other in one order.
  const { rows } = await tx.query<{ id: string; state: UserState }>(
    'select id, state from users where tenant_id = $1 and id = any ($2::uuid[]) order by id for share',
    [tx.tenantId, ids],
    'require_active_users',
  )
  if (rows.length < ids.length) throw peopleError('user.not_found', { selector: 'id' })
  const [wrong] = rows.filter(({ state }) => state !== 'active')
  if (wrong === undefined) return
  throw peopleError('user.wrong_state', {
    act: options.act,
    state: wrong.state,
    needed: 'active',
    ids: rows.filter(({ state }) => state === wrong.state).map(({ id }) => id),
  })
}
