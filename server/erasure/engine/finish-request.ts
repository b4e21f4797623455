import { record } from '../../audit/record.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { notifyEnded } from '../requests/notify-requester.ts'
import { stepSets } from '../states.ts'
import { certify, digestOfDone, factsFromRecord } from './certify.ts'
import { suppressUnhandled } from './suppress-unhandled.ts'

/**
 * Certifies a request whose people are all verified, failed or on hold. If no person is done there is nothing to certify,
 * and the request ends; if nothing failed either, it rests until a hold is released. The caller has locked the request.
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
  if (facts.failed === 0 && facts.resting > 0) return
  await endWithoutCertificate(tx, request)
}

/** Each transaction that certifies a request waits for its row first. Sent at once; an error fails the transaction. */
export function lockRequest(tx: TenantTransaction, request: string): void {
  tx.send(
    'select from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
    'lock_request',
  )
}

async function endWithoutCertificate(tx: TenantTransaction, request: string): Promise<void> {
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
