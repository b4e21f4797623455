import { readTrail } from '../../people/identifiers/read-trail.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { enqueueNow, type JobPayload } from '../../platform/jobs/enqueue.ts'
import { enqueueErasure } from '../requests/insert-request.ts'
import { type BatchHint, waitForClaimableSubject } from './claim-batch.ts'
import { eraseNextBatch } from './erase-next-batch.ts'
import { finishErased } from './finish-erased.ts'

/** How long one job works on a request before it lets others have their turn. */
const slice = 5000

/** The search comes after all erasures that wait: their requesters wait for certificates. */
const searchPriority = 10

/**
 * The job of an erasure: takes batches of people until none is left, then verifies and certifies. Several jobs may work
 * on one request, and any of them may be killed at any point: all state is in the database, and moves with the work.
 *
 * The job ends when no person waits any more. A person that another transaction holds may come free again, if that
 * transaction belongs to a killed process, and then a job must be there to take the person. Once the signal is aborted,
 * the batch under way is the last one, and another job goes on.
 */
export async function runErasure(database: Database, payload: JobPayload, signal?: AbortSignal): Promise<void> {
  const { tenant, request, operation, person, plan = null } = payload
  if (tenant === undefined || request === undefined) throw new TypeError('an erasure job names a tenant and a request')
  // What the trail recorded before there were former identifiers; nearly always read long ago.
  await readTrail(database, tenant)
  const started = Date.now()
  const lock = { alone: false }
  const known = person !== undefined && (operation === 'purge' || operation === 'anonymize')
  let hint: BatchHint | undefined = known ? { operation, people: [person], plan } : undefined
  for (;;) {
    const outcome = await eraseNextBatch(database, tenant, request, { lock, hint })
    hint = undefined
    if (outcome === 'finished') break
    if (outcome === 'more') {
      if (Date.now() - started < slice && signal?.aborted !== true) continue
      await inTenant(database, tenant, async (tx) => enqueueErasure(tx, request, 1))
      return
    }
    if ((await finishErased(database, tenant, request)) === 'finished') break
    await inTenant(database, tenant, (tx) => waitForClaimableSubject(tx, request))
  }
  // After the commit of the certificate, so that its requester does not wait for this. A job that is killed in between
  // runs again and comes to here.
  // One search looks for all requests that wait, so no more than one waits for its turn.
  await enqueueNow(database, 'search', {}, { priority: searchPriority, key: 'search' })
}
