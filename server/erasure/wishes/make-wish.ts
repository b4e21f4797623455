import { record } from '../../audit/record.ts'
import { notify } from '../../notify/notify.ts'
import { activeAdministrators } from '../../people/accounts/administrators.ts'
import { peopleError } from '../../people/errors.ts'
import { lockUsers } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { wishError } from './errors.ts'
import { type Wish, wishColumns, wishOf } from './wish.ts'

/** So many wishes a user can make within {@link wishDays} days. */
export const mostWishes = 3
export const wishDays = 30

/**
 * Records the wish of a user to be erased, and tells the administrators in the product. The wish blocks nothing and erases
 * nothing: an administrator accepts or refuses it. A user has one open wish at a time.
 *
 * Throws `user.not_found`, `user.wrong_state`, `wish.open` and `wish.too_many`.
 */
export async function makeWish(tx: TenantTransaction, { userId }: { userId: string }): Promise<Wish> {
  // Two wishes of one user wait for each other here, so both are counted.
  const [user] = await lockUsers(tx, [userId])
  if (user === undefined || user.state === 'anonymized') throw peopleError('user.not_found', { selector: 'id' })
  if (user.state === 'deleted') {
    throw peopleError('user.wrong_state', { act: 'asked', state: user.state, needed: 'active', ids: [user.id] })
  }
  const { rows: counts } = await tx.query<{ open: boolean; made: number; retry_after: number | null }>(
    `select coalesce(bool_or(state = 'open'), false) as open,
       count(*) filter (where created_at > now() - make_interval(days => $3))::int as made,
       extract(epoch from min(created_at) filter (where created_at > now() - make_interval(days => $3))
         + make_interval(days => $3) - now())::int as retry_after
     from erasure_wishes where tenant_id = $1 and user_id = $2`,
    [tx.tenantId, user.id, wishDays],
  )
  const { open = false, made = 0, retry_after = null } = counts[0] ?? {}
  if (open) throw wishError('wish.open')
  if (made >= mostWishes) throw wishError('wish.too_many', { retryAfter: Math.max(1, retry_after ?? 1) })
  const { rows } = await tx.query<Wish>(
    `insert into erasure_wishes (tenant_id, user_id) values ($1, $2) returning ${wishColumns}`,
    [tx.tenantId, user.id],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the wish was not inserted')
  await record(tx, { activity: 'ErasureWishMade', object: user.id, details: { wish: row.id } })
  notify(tx, await activeAdministrators(tx), {
    kind: 'erasure_wish',
    subject: 'A user wishes to be erased',
    body: `"lethe wish list" shows the wish ${row.id}. Accept or refuse it.`,
    data: { wish: row.id },
  })
  return wishOf(row)
}

/** Withdraws the open wish of a user. Throws `user.not_found`, `wish.none_open`. */
export async function withdrawWish(tx: TenantTransaction, { userId }: { userId: string }): Promise<Wish> {
  const [user] = await lockUsers(tx, [userId])
  if (user === undefined || user.state === 'anonymized') throw peopleError('user.not_found', { selector: 'id' })
  const { rows } = await tx.query<Wish>(
    `update erasure_wishes set state = 'withdrawn', decided_at = now()
     where tenant_id = $1 and user_id = $2 and state = 'open' returning ${wishColumns}`,
    [tx.tenantId, user.id],
  )
  const [row] = rows
  if (row === undefined) throw wishError('wish.none_open')
  await record(tx, { activity: 'ErasureWishWithdrawn', object: user.id, details: { wish: row.id } })
  return wishOf(row)
}
