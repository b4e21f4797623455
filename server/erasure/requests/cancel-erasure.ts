import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { erasureError } from '../errors.ts'
import { stateSets } from '../states.ts'
import { enqueueErasure } from './insert-request.ts'
import { notifyEnded } from './notify-requester.ts'
import { erasureProgress } from './request-progress.ts'

/**
 * Cancels what has not begun: people who wait stay deleted users and can be restored; who is erased stays erased, and the
 * request ends with a certificate for those. People who failed before anything of them was erased are let go too.
 * Answers how many were let go, and how many of the request's people were erased already. Throws `erasure.not_found`, `erasure.wrong_state`.
 */
export async function cancelErasure(
  tx: TenantTransaction,
  request: string,
): Promise<{ cancelled: number; gone: number }> {
  const { state } = await erasureProgress(tx, request)
  const cancellable = `tenant_id = $1 and request_id = $2 and state in ${stateSets.cancellable} and erased_at is null`
  // Workers take people in the order of their ids. From the other end, the cancel has all who wait before it meets the
  // people of the batches under way; in their order, each next batch would be there before it.
  await tx.query(
    `select count(*) from (
       select from erasure_subjects where ${cancellable} order by user_id desc for update
     ) locked`,
    [tx.tenantId, request],
  )
  const { rowCount } = await tx.query(
    `update erasure_subjects set state = 'cancelled', finished_at = now(), salted_hashes = null,
       commitments = null
     where ${cancellable}`,
    [tx.tenantId, request],
  )
  if (rowCount === 0) {
    throw erasureError('erasure.wrong_state', { act: 'cancelled', state, needed: 'waiting for at least one person' })
  }
  // The end of the search asks whether people wait, and keeps the key if so: the two come one after the other.
  await tx.query('select from erasure_requests where tenant_id = $1 and id = $2 for update', [tx.tenantId, request])
  const { rows } = await tx.query<{ left: number; failed: number; gone: number; finished: boolean }>(
    `select count(*) filter (where s.state not in ${stateSets.dropped})::int as left,
       count(*) filter (where s.state in ${stateSets.failed})::int as failed,
       count(*) filter (where s.erased_at is not null)::int as gone,
       bool_or(r.finished_at is not null) as finished
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     where s.tenant_id = $1 and s.request_id = $2`,
    [tx.tenantId, request],
  )
  const { left, failed, gone, finished } = rows[0] ?? { left: 0, failed: 0, gone: 0, finished: false }
  if (left === 0 || (finished && failed === 0)) {
    // Nobody is left to act on, so nobody needs the key, and there is nothing to conclude.
    await tx.query(
      `update erasure_requests set finished_at = coalesce(finished_at, now()), sealed_key = null
       where tenant_id = $1 and id = $2
       returning pg_notify('lethe', id::text)`,
      [tx.tenantId, request],
    )
  } else if (!finished) {
    enqueueErasure(tx, request, 1)
  }
  await record(tx, { activity: 'ErasureCancelled', object: request, details: { people: rowCount } })
  if (left === 0 || (finished && failed === 0)) await notifyEnded(tx, request)
  return { cancelled: rowCount, gone }
}
