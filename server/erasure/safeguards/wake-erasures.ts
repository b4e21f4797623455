import type { Database } from '../../platform/database/pool.ts'
import { tenantIds } from '../../platform/database/transaction.ts'
import { runResumeHeld } from './resume-held.ts'
import { startAllScheduled } from './start-scheduled.ts'

/**
 * The hourly job that makes sure that no request waits for something that has happened: for the release of a hold or the
 * end of a cooling-off period. Usually the job of that moment has done it; after a restored backup there is no such job.
 */
export async function wakeErasures(database: Database): Promise<void> {
  for (const tenant of await tenantIds(database)) {
    await startAllScheduled(database, tenant)
    await runResumeHeld(database, tenant)
  }
}
