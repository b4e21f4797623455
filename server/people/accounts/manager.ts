import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'

/**
 * Locks the manager to be set against an erasure until the transaction ends: after it this finds nobody, before it the
 * erasure finds the reference. Throws `input.invalid` where it is nobody whom the tenant knows, or the user in person.
 */
export async function requireManager(
  tx: TenantTransaction,
  managerId: string | null | undefined,
  userId?: string,
): Promise<void> {
  if (managerId === undefined || managerId === null) return
  if (managerId === userId) {
    throw inputError('input.invalid', { field: 'manager_id', expected: 'a user cannot be their own manager' })
  }
  const manager = await tx.db
    .selectFrom('users')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', managerId)
    .where('state', '<>', 'anonymized')
    .forKeyShare()
    .executeTakeFirst()
  if (manager === undefined) {
    throw inputError('input.invalid', {
      field: 'manager_id',
      expected: 'the id of a user of this tenant is expected',
    })
  }
}
