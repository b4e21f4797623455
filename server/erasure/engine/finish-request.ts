import { record } from '../../audit/record.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { notifyEnded } from '../requests/notify-requester.ts'
import { stepSets } from '../states.ts'
import { certify, digestOfDone, factsFromRecord } from './certify.ts'
import { suppressUnhandled } from './suppress-unhandled.ts'

/**
 * Certifies a request whose people are all verified, failed, dropped or on hold. If no person is done there is nothing to
 * certify, and the request ends: failed, or with all of its people untouched. While people are on hold and none failed, it
 * rests until the release. The caller has locked the request.
 *
 * A hold may have been released since the caller took its last people. Then the request goes on with those that the hold
 * covered, and is certified after them.
 *
 * Throws `master_key.wrong`.
 */
export async function finishRequest(tx: TenantTransaction, request: string): Promise<void> {
  // Read together. Digest and key need the master key, which is not asked for if there is nothing to certify.
  const digesting = suppressUnhandled(digestOfDone(tx, request))
  const signing = suppressUnhandled(activeSigningKey(tx))
  const facts = await factsFromRecord(tx, request)
  if (facts.unfinished > 0) return void (await Promise.allSettled([digesting, signing]))
  if (facts.done > 0) return await certify(tx, request, { facts, list: await digesting, key: await signing })
  await Promise.allSettled([digesting, signing])
  if (facts.failed > 0) return await endFailed(tx, request)
  if (facts.resting === 0) await endUntouched(tx, request)
}

/** Each transaction that certifies a request waits for its row first. Sent at once; an error fails the transaction. */
export function lockRequest(tx: TenantTransaction, request: string): void {
  tx.send(
    'select from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
    'lock_request',
  )
}

/** Ends a request of which people failed and none is done. A retry needs its key. */
async function endFailed(tx: TenantTransaction, request: string): Promise<void> {
  tx.send(
    `with steps as (
       update erasure_steps set state = 'failed', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and step in ${stepSets.erasing} and failed > 0
     )
     update erasure_requests set finished_at = clock_timestamp() where tenant_id = $1 and id = $2
     returning pg_notify('lethe', id::text)`,
    [tx.tenantId, request],
  )
  await record(tx, { activity: 'ErasureFailed', object: request })
  await notifyEnded(tx, request)
}

/**
 * Ends a request that will erase none of its people: they were cancelled or refused, or their plan changed. Its key goes,
 * because nothing is sealed under it that is needed. A confirmation makes a new one.
 */
async function endUntouched(tx: TenantTransaction, request: string): Promise<void> {
  tx.send(
    `update erasure_requests set finished_at = clock_timestamp(), sealed_key = null where tenant_id = $1 and id = $2
     returning pg_notify('lethe', id::text)`,
    [tx.tenantId, request],
  )
  const { rows } = await tx.query<{ state: string; people: number }>(
    `select state, count(*)::int as people from erasure_subjects
     where tenant_id = $1 and request_id = $2 group by state order by state`,
    [tx.tenantId, request],
    'count_untouched',
  )
  const details = Object.fromEntries(rows.map(({ state, people }) => [state, people]))
  await record(tx, { activity: 'ErasureEndedUntouched', object: request, details })
  await notifyEnded(tx, request)
}
