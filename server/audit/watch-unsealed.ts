import type { Logger } from 'pino'
import { codeOf, type Database } from '../platform/database/pool.ts'

/** So often somebody looks for entries that wait for the sealer. */
const interval = 2000

/**
 * Looks for entries that wait, as long as it is not stopped, and queues a sealer for each tenant that has some. Writers
 * queue none: they would all wait for the one row of that job. One sealer at a time works in a tenant.
 */
export function watchUnsealed(database: Database, log: Logger): { stop(): Promise<void> } {
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking
      .then(() => orderSealers(database))
      .catch((error: unknown) => {
        log.error({ code: codeOf(error) }, 'entries of the audit trail that wait could not be looked for')
      })
  }, interval)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await looking
    },
  }
}

/** Queues a sealer for each tenant that has entries to be sealed. */
export async function orderSealers(database: Database): Promise<void> {
  await database.pool.query(
    `select graphile_worker.add_job('seal_audit', payload := json_build_object('tenant', tenant), job_key := 'seal_audit ' || tenant,
       job_key_mode := 'preserve_run_at')
     from tenants_with_unsealed_entries() as tenant`,
  )
}
