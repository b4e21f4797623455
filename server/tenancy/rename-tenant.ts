import { record } from '../audit/record.ts'
import { codeOf } from '../platform/database/pool.ts'
import { sqlstate } from '../platform/database/sqlstates.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { tenancyError } from './errors.ts'
import { requireTenantName } from './tenant-name.ts'

/**
 * Gives the tenant of the transaction another name. For operators: names are unique in the installation.
 *
 * Throws `input.invalid`, `tenant.name_taken`; after the second one the transaction is void.
 */
export async function renameTenant(tx: TenantTransaction, given: string): Promise<void> {
  const name = requireTenantName(given)
  try {
    await tx.query('update tenants set name = $2 where id = $1', [tx.tenantId, name])
  } catch (error) {
    if (codeOf(error) === sqlstate.uniqueViolation) throw tenancyError('tenant.name_taken')
    throw error
  }
  await record(tx, { activity: 'TenantUpdated', object: tx.tenantId, details: { columns: ['name'] } })
}
