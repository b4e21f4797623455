import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import type { User, UserState } from '../accounts/user.ts'
import { peopleError } from '../errors.ts'
import { requireNoPendingErasure } from './pending-erasure.ts'

export type LockedUser = Pick<User, 'id' | 'state' | 'roles' | 'deletion_id'>

/**
 * Locks the users' rows until the transaction ends, always in the order of their ids, so that two transactions wait
 * for each other instead of blocking each other. Everything that changes a user, or requests an erasure, does this
 * first.
 *
 * Throws `input.invalid` where an id is no UUID, `user.not_found` where it belongs to nobody or to an anonymized user.
 */
export async function lockUsers(tx: TenantTransaction, userIds: readonly string[]): Promise<LockedUser[]> {
  const ids = [...new Set(userIds.map((id) => requireUuid('id', id)))]
  const { rows } = await tx.query<LockedUser>(
    `select id, state, roles, deletion_id from users
     where tenant_id = $1 and id = any ($2::uuid[]) and state <> 'anonymized'
     order by id
     for no key update`,
    [tx.tenantId, ids],
  )
  if (rows.length < ids.length) throw peopleError('user.not_found', { selector: 'id' })
  return rows
}

/**
 * Locks the users for a change and checks that it is allowed. No user has a pending erasure, and all are in one of the
 * states in `from`. If the change takes the role of administrator away (by roles or by state), an active administrator
 * must remain. `act` is the change in the words of the error, such as "suspended".
 *
 * Throws `user.not_found`, `user.erasure_pending`, `user.wrong_state` and `user.last_administrator`.
 */
export async function lockForChange(
  tx: TenantTransaction,
  options: {
    userIds: readonly string[]
    act: string
    from: readonly UserState[]
    endsAdministrators?: boolean
  },
): Promise<LockedUser[]> {
  const ends = options.endsAdministrators === true
  // Before the users' own rows: two deletes of different administrators meet here, in one order.
  let administrators = ends ? await lockAdministrators(tx, options.userIds) : []
  const users = await lockUsers(tx, options.userIds)
  await requireNoPendingErasure(
    tx,
    users.map(({ id }) => id),
  )
  requireState(users, options)
  if (ends) {
    const ended = new Set(users.filter(isActiveAdministrator).map(({ id }) => id))
    // Somebody became administrator between the two locks.
    if (ended.size > 0 && administrators.length === 0) administrators = await lockAdministrators(tx, options.userIds)
    if (ended.size > 0 && administrators.every((id) => ended.has(id))) {
      throw peopleError('user.last_administrator')
    }
  }
  return users
}

/** Locks all active administrators of the tenant, provided that one of the users is one of them. */
async function lockAdministrators(tx: TenantTransaction, userIds: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users
     where tenant_id = $1 and 'administrator' = any (roles) and state = 'active'
       and exists (
         select from users chosen
         where chosen.tenant_id = $1 and chosen.id = any ($2::uuid[]) and 'administrator' = any (chosen.roles) and chosen.state = 'active'
       )
     order by id
     for no key update of users`,
    [tx.tenantId, userIds],
  )
  return rows.map(({ id }) => id)
}

function isActiveAdministrator(user: LockedUser): boolean {
  return user.state === 'active' && user.roles.includes('administrator')
}

function requireState(users: LockedUser[], options: { act: string; from: readonly UserState[] }): void {
  const [wrong] = users.filter(({ state }) => !options.from.includes(state))
  if (wrong === undefined) return
  throw peopleError('user.wrong_state', {
    act: options.act,
    state: wrong.state,
    needed: options.from.join(' or '),
    ids: users.filter(({ state }) => state === wrong.state).map(({ id }) => id),
  })
}
