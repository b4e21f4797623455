import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { peopleError } from '../errors.ts'
import { type User, userColumnsSql } from './user.ts'

/**
 * The user whose ref is stored in exactly this spelling; no other spelling counts as the same. Deleted users match, and
 * anonymized ones have no ref. For callers whose protocol knows no similar refs.
 *
 * Throws `user.not_found`.
 */
export async function findByRef(tx: TenantTransaction, ref: string): Promise<User> {
  const { rows } = await tx.query<User>(
    `select ${userColumnsSql} from users where tenant_id = $1 and ref = $2`,
    [tx.tenantId, ref],
    'find_by_ref',
  )
  const [user] = rows
  if (user === undefined) throw peopleError('user.not_found', { selector: 'ref' })
  return user
}
