import { setTimeout } from 'node:timers/promises'
import { readTrail } from '../../people/identifiers/read-trail.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { enqueueNow, type JobPayload } from '../../platform/jobs/enqueue.ts'
import { enqueueErasure } from '../requests/insert-request.ts'
import { awaitWaiting } from './claim-subjects.ts'
import { type Expected, eraseBatch } from './erase-batch.ts'
import { concludeErasure } from './finish-request.ts'

/** How long one job works on a request before it lets others have their turn. */
const slice = 5000

/**
 * The job of an erasure request: takes batches of people until none is left, then verifies and certifies. Several jobs
 * may work on one request, and any of them may be killed: all state is in the database and moves with the work. The job
 * ends when no person waits any more. Another transaction may hold people, and a killed process may release them; then
 * a job must be there to take them. Once the signal is aborted, the batch under way is the last one, and another job
 * goes on.
 */
export async function runErasure(database: Database, payload: JobPayload, signal?: AbortSignal): Promise<void> {
  const { tenant, request, operation, person } = payload
  if (tenant === undefined || request === undefined) throw new TypeError('an erasure job names a tenant and a request')
  // What the trail recorded before there were former identifiers; nearly always read long ago.
  await readTrail(database, tenant)
  const started = Date.now()
  const turn = { alone: false }
  const known = person !== undefined && (operation === 'purge' || operation === 'anonymize')
  let expected: Expected | undefined = known ? { operation, people: [person] } : undefined
  for (;;) {
    const erased = await eraseBatch(database, tenant, request, turn, expected)
    expected = undefined
    if (erased === 'concluded') break
    if (erased === 'more') {
      if (Date.now() - started < slice && signal?.aborted !== true) continue
      await inTenant(database, tenant, async (tx) => enqueueErasure(tx, request, 1))
      return
    }
    if ((await concludeErasure(database, tenant, request)) === 'concluded') break
    await inTenant(database, tenant, (tx) => awaitWaiting(tx, request))
  }
  // Not with the certificate, for which somebody waits, nor before it was read. A job that is killed in between runs again
  // and comes to here.
  await setTimeout(10)
  await enqueueNow(database, 'search', { tenant, request })
}
