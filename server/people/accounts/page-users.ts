import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireTime } from '../../platform/validation/require-time.ts'
import { type User, type UserState, userColumnsSql } from './user.ts'

/**
 * A page of the users in some states, in the order of creation, and how many there are on all pages. Pages are counted from
 * 1. For callers whose protocol knows no cursor: a page costs more the further back it is.
 *
 * Throws `input.invalid`.
 */
export async function pageUsers(
  tx: TenantTransaction,
  options: { states: readonly UserState[]; updatedSince?: Date | undefined; page: number; perPage: number },
): Promise<{ users: User[]; total: number }> {
  const page = requireWholeNumber('page', options.page, { from: 1, to: 1_000_000 })
  const perPage = requireWholeNumber('perPage', options.perPage, { from: 1, to: 1000 })
  const since = options.updatedSince === undefined ? null : requireTime('updatedSince', options.updatedSince)
  const values = [tx.tenantId, options.states, since]
  const chosen = 'tenant_id = $1 and state = any ($2::text[]) and ($3::timestamptz is null or updated_at >= $3)'
  const [counted, { rows: users }] = await Promise.all([
    tx.query<{ total: number }>(`select count(*)::int as total from users where ${chosen}`, values, 'count_users'),
    tx.query<User>(
      `select ${userColumnsSql} from users where ${chosen} order by id limit $4 offset $5`,
      [...values, perPage, (page - 1) * perPage],
      'page_users',
    ),
  ])
  return { users, total: counted.rows[0]?.total ?? 0 }
}
