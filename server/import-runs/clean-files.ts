import type { Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants } from '../platform/database/transaction.ts'
import { endKilledRuns } from './record-run.ts'

/**
 * Destroys the content of import files whose time is over, in all tenants, and marks killed runs as failed. Any number may
 * run at the same time.
 */
export async function cleanImportFiles(database: Database): Promise<void> {
  await endKilledRuns(database)
  const expired = await outsideTenants<{ tenant_id: string; run_id: string }>(
    database,
    'select tenant_id, run_id from expired_import_files()',
  )
  for (const { tenant_id: tenant, run_id: run } of expired) {
    await inTenant(database, tenant, async (tx) => {
      await tx.query(
        `update import_runs
         set sealed_key = null, words = null, file_size = 0, file_gone_because = 'expired', file_gone_at = $3
         where tenant_id = $1 and id = $2 and sealed_key is not null and file_expires_at <= $3`,
        [tenant, run, new Date()],
      )
      await tx.query(
        `delete from import_run_chunks c
         where c.tenant_id = $1 and c.run_id = $2 and exists (
           select from import_runs r where r.tenant_id = $1 and r.id = $2 and r.sealed_key is null
         )`,
        [tenant, run],
      )
    })
  }
}
