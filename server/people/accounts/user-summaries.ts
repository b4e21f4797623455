import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { User } from './user.ts'

/** What a list of people shows of a user. */
export type Person = Pick<User, 'id' | 'state' | 'display_name' | 'login_name' | 'email'>

/** These users, by id, in no order; ids of nobody are left out. */
export async function readPeople(tx: TenantTransaction, userIds: readonly string[]): Promise<Map<string, Person>> {
  if (userIds.length === 0) return new Map()
  const { rows } = await tx.query<Person>(
    `select id, state, display_name, login_name, email from users where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, userIds],
    'read_people',
  )
  return new Map(rows.map((person) => [person.id, person]))
}
