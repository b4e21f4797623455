import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'

/**
 * What is done to the installation and concerns no tenant has a trail of its own. It is kept, sealed and verified as that
 * of a tenant, under this id, which no tenant can have.
 */
export const installationTrail = '00000000-0000-0000-0000-000000000000'

/** Runs in one transaction that records in the system trail. No row of any tenant is visible in it. */
export function inInstallation<T>(
  database: Database,
  work: (tx: TenantTransaction) => Promise<T>,
  options: { initiator?: Initiator } = {},
): Promise<T> {
  return inTenant(database, installationTrail, work, options)
}
