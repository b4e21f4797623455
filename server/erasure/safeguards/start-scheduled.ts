import { record } from '../../audit/record.ts'
import type { SubjectState } from '../../people/lifecycle/erasure-states.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { stateAfterApproval } from './conditions.ts'
import { enqueueTaken } from './resume-held.ts'

/** Enqueues the start of a request at the end of its cooling-off period. */
export function enqueueStart(tx: TenantTransaction, request: string, runAt: Date): void {
  enqueue(tx, 'start_erasure', { tenant: tx.tenantId, request }, { runAt })
}

/** The job at the end of a cooling-off period: workers take the people of the request, unless a hold covers them. */
export async function runStartScheduled(database: Database, tenant: string, request: string): Promise<void> {
  await inTenant(database, tenant, (tx) => startScheduled(tx, request))
}

/** Starts the requests of the tenant whose cooling-off period has ended: for those whose job was lost. */
export async function startAllScheduled(database: Database, tenant: string): Promise<void> {
  const { rows } = await inTenant(database, tenant, (tx) =>
    tx.query<{ id: string }>(
      `select r.id from erasure_requests r
       where r.tenant_id = $1 and r.finished_at is null and r.run_at <= now()
         and exists (
           select from erasure_subjects s
           where s.tenant_id = $1 and s.request_id = r.id and s.state = 'scheduled'
         )
       order by r.id`,
      [tx.tenantId],
    ),
  )
  for (const { id } of rows) await runStartScheduled(database, tenant, id)
}

async function startScheduled(tx: TenantTransaction, request: string): Promise<void> {
  const { rows: people } = await tx.query<{ state: SubjectState }>(
    `update erasure_subjects s set state = ${stateAfterApproval({ hours: '0', person: 's.user_id' })}
     from erasure_requests r
     where s.tenant_id = $1 and s.request_id = $2 and s.state = 'scheduled'
       and r.tenant_id = $1 and r.id = $2 and r.run_at <= clock_timestamp()
     returning s.state, pg_notify('lethe', $2::text)`,
    [tx.tenantId, request],
  )
  if (people.length === 0) return
  enqueueTaken(tx, request, people)
  await record(tx, { activity: 'ErasureStarted', object: request, details: { people: people.length } })
}
