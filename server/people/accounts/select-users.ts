import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type ListUsersOptions, selectionOfUsers } from './list-users.ts'

/** Which users a filter chooses: the options of a list, without its order and its pages. */
export type UserFilter = Omit<ListUsersOptions, 'limit' | 'after' | 'sort' | 'descending'>

/** The ids of all users whom the filter chooses, in the order of their creation. Throws `input.invalid`. */
export async function selectUsers(tx: TenantTransaction, filter: UserFilter): Promise<string[]> {
  const { where, orderBy, values } = selectionOfUsers(tx, filter)
  const { rows } = await tx.query<{ id: string }>(`select id from users where ${where} order by ${orderBy}`, values)
  return rows.map(({ id }) => id)
}
