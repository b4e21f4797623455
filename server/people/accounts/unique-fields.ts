import { codeOf } from '../../platform/database/pool.ts'
import { sqlstate } from '../../platform/database/sqlstates.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { peopleError } from '../errors.ts'
import type { UserFields } from './user-fields.ts'

const uniqueFields = ['directory_object_id', 'ref'] as const

/**
 * Throws `user.taken`, or `user.taken_by_deleted` with the id, where another user of the tenant has the directory
 * object id or the ref. The ids of a deleted user stay reserved, those of a purged one are free.
 */
export async function refuseTaken(tx: TenantTransaction, fields: UserFields, exceptId?: string): Promise<void> {
  for (const field of uniqueFields) {
    const value = fields[field]
    if (value === undefined || value === null) continue
    const holder = await tx.db
      .selectFrom('users')
      .select(['id', 'state'])
      .where('tenant_id', '=', tx.tenantId)
      .where(field, '=', value)
      .executeTakeFirst()
    if (holder === undefined || holder.id === exceptId) continue
    if (holder.state === 'deleted') throw peopleError('user.taken_by_deleted', { field, id: holder.id })
    throw peopleError('user.taken', { field })
  }
}

/** The error for a unique index that was violated all the same, by a transaction that committed in between. */
export function takenError(error: unknown): unknown {
  if (codeOf(error) !== sqlstate.uniqueViolation || !(error instanceof Error) || !('constraint' in error)) return error
  const field = uniqueFields.find((name) => error.constraint === `users_${name}`)
  return field === undefined ? error : peopleError('user.taken', { field }, error)
}
