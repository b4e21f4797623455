import type { Database } from '../../platform/database/pool.ts'
import { inTenant, tenantIds } from '../../platform/database/transaction.ts'
import { runScheduled } from './run-policy.ts'

/**
 * The hourly job that runs each enabled policy whose time of day (UTC) has passed and that has not run on this day. Each
 * run is one transaction, so a run that a crash breaks off begins again. Any number of these jobs may run at the same
 * time. A policy that fails stops no other one; the job fails at the end.
 */
export async function runDuePolicies(database: Database): Promise<void> {
  const failures: unknown[] = []
  for (const tenant of await tenantIds(database)) {
    const now = new Date().toISOString()
    const [day, time] = [now.slice(0, 10), now.slice(11, 16)]
    const { rows } = await inTenant(
      database,
      tenant,
      (tx) =>
        tx.query<{ id: string }>(
          `select policy.id from retention_policies policy
           where policy.tenant_id = $1 and policy.enabled and policy.daily_at <= $2::time and not exists (
             select from retention_runs run
             where run.tenant_id = $1 and run.policy_id = policy.id and run.scheduled_on = $3
           )
           order by policy.id`,
          [tx.tenantId, time, day],
        ),
      { readOnly: true },
    )
    for (const { id } of rows) {
      try {
        await inTenant(database, tenant, (tx) => runScheduled(tx, id, day))
      } catch (error) {
        failures.push(error)
      }
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} retention policies could not run`)
}
