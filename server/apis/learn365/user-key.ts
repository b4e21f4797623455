import { findUser } from '../../people/accounts/find-users.ts'
import { peopleError } from '../../people/errors.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import { trim } from '../../platform/validation/trim.ts'

/** The key of `Users('…')` as it was meant: quotes in it are doubled, as in every literal of OData. */
export function keyOf(parameter: string): string {
  return parameter.replaceAll("''", "'")
}

/**
 * The user of a key: a DirectoryObjectId, or a LoginName, as a claims string or bare, in any case. Deleted users match.
 *
 * Throws `user.not_found` and, where several users have the login name, `subject.ambiguous`.
 */
export async function userByKey(tx: TenantTransaction, key: string): Promise<{ userId: string; deleted: boolean }> {
  const trimmed = trim(key)
  if (trimmed === '') throw peopleError('user.not_found', { selector: 'login name' })
  const by = isUuid(trimmed) ? (['directory_object_id', 'id', 'login_name'] as const) : (['login_name'] as const)
  for (const [index, selector] of by.entries()) {
    try {
      const { id, state } = await findUser(tx, { by: selector, value: trimmed })
      return { userId: id, deleted: state === 'deleted' }
    } catch (error) {
      const isLast = index === by.length - 1
      if (isLast || !peopleError.is(error, 'user.not_found')) throw error
    }
  }
  throw peopleError('user.not_found', { selector: 'login name' })
}
