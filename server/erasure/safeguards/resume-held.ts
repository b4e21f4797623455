import { record } from '../../audit/record.ts'
import { isHeld } from '../../holds/held-people.ts'
import type { SubjectState } from '../../people/lifecycle/erasure-states.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { enqueueErasure } from '../requests/insert-request.ts'

/**
 * The job after the release of a legal hold: lets the erasure of people go on whom no hold covers any more. Requests that
 * have ended for now are opened again, and get another certificate. A request whose search is under way is left to the
 * end of the search, which enqueues this job.
 */
export async function runResumeHeld(database: Database, tenant: string): Promise<void> {
  for (const request of await inTenant(database, tenant, findResumable)) {
    await inTenant(database, tenant, (tx) => resumeHeld(tx, request))
  }
}

/**
 * Enqueues what comes after people of a request were put into the queue, or on hold where a legal hold covered them. Their
 * rows were not locked, so a hold may have been released meanwhile without knowing of them: the job looks again.
 */
export function enqueueTaken(tx: TenantTransaction, request: string, people: readonly { state: SubjectState }[]): void {
  enqueueErasure(tx, request, people.length)
  if (people.some(({ state }) => state === 'held')) enqueueResumeHeld(tx)
}

/** Enqueues the job that lets the erasure of people go on whom no hold covers any more. */
export function enqueueResumeHeld(tx: TenantTransaction): void {
  enqueue(tx, 'resume_held', { tenant: tx.tenantId })
}

async function findResumable(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ request_id: string }>(
    `select distinct s.request_id from erasure_subjects s
     where s.tenant_id = $1 and s.state = 'held' and not ${isHeld('s.user_id')} order by 1`,
    [tx.tenantId],
  )
  return rows.map(({ request_id }) => request_id)
}

/** Moves the people of one request whom no hold covers any more back into the queue. Answers how many. */
async function resumeHeld(tx: TenantTransaction, request: string): Promise<number> {
  // The people first, then the request: like the engine, so that the two wait for each other in one order.
  const { rows: free } = await tx.query<{ user_id: string }>(
    `select s.user_id from erasure_subjects s
     where s.tenant_id = $1 and s.request_id = $2 and s.state = 'held' and not ${isHeld('s.user_id')}
     order by s.user_id for update of s`,
    [tx.tenantId, request],
  )
  if (free.length === 0) return 0
  const { rows } = await tx.query<{ ended: boolean }>(
    'select finished_at is not null as ended from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
  )
  const ended = rows[0]?.ended === true
  // A statement of its own: the certificate may have come while this waited for the request's row.
  const { rows: certified } = await tx.query(
    `select from erasure_steps where tenant_id = $1 and request_id = $2 and step = 'certify' and state = 'done'`,
    [tx.tenantId, request],
  )
  if (!ended && certified.length > 0) return 0
  await tx.query(
    `with people as (
       update erasure_subjects set state = 'queued' where tenant_id = $1 and request_id = $2 and user_id = any ($3)
     ), request as (
       update erasure_requests set finished_at = null where tenant_id = $1 and id = $2
     )
     update erasure_steps set state = 'queued', finished_at = null
     where $4 and tenant_id = $1 and request_id = $2 and step <> 'resolve'
     returning pg_notify('lethe', request_id::text)`,
    [tx.tenantId, request, free.map(({ user_id }) => user_id), ended],
  )
  enqueueErasure(tx, request, free.length)
  await record(tx, { activity: 'ErasureResumed', object: request, details: { people: free.length } })
  return free.length
}
