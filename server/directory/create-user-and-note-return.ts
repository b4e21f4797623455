import { createUser } from '../people/accounts/create-user.ts'
import type { User } from '../people/accounts/user.ts'
import type { UserFields } from '../people/accounts/user-fields.ts'
import { identifiersOf } from '../people/identifiers/candidate-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { findTombstones } from '../tombstones/find-tombstones.ts'
import { recordReappearances } from './reappearances.ts'

/**
 * Creates a user because a person or a program asks for this one account. If the person was purged before, the new user is
 * marked as one who came back. The new user has no records, and the roles are those that the fields give.
 *
 * Throws what `createUser` throws.
 */
export async function createUserAndNoteReturn(
  tx: TenantTransaction,
  fields: UserFields,
  options: { anotherPerson?: boolean | undefined } = {},
): Promise<User> {
  const user = await createUser(tx, fields, options)
  if (options.anotherPerson === true) return user
  const found = await findTombstones(tx, [user], identifiersOf, { sameDirectoryId: true })
  const request_id = found.get(user)
  if (request_id !== undefined) await recordReappearances(tx, 'creation', [{ id: user.id, request_id }])
  return user
}
