import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { enqueueErasure } from './request-erasure.ts'
import { erasureProgress } from './show-erasures.ts'

/**
 * Cancels what has not begun: people who wait stay deleted users and can be restored; who is erased stays erased, and the
 * request ends with a certificate for those. People who failed before anything of them was erased are let go too.
 * Answers how many were let go. Throws `erasure.not_found`, `erasure.wrong_state`.
 */
export async function cancelErasure(tx: TenantTransaction, request: string): Promise<number> {
  const { state } = await erasureProgress(tx, request)
  const { rowCount } = await tx.query(
    `update erasure_subjects set state = 'cancelled', finished_at = now()
     where tenant_id = $1 and request_id = $2
       and (state in ('queued', 'awaiting_approval', 'scheduled', 'held') or (state = 'failed' and erased_at is null))`,
    [tx.tenantId, request],
  )
  if (rowCount === 0) {
    throw new LetheError('erasure.wrong_state', { act: 'cancelled', state, needed: 'waiting, at least in part' })
  }
  const { rows } = await tx.query<{ left: number }>(
    `select count(*)::int as left from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state not in ('cancelled', 'rejected')`,
    [tx.tenantId, request],
  )
  if (rows[0]?.left === 0) {
    // Nobody is left, so nobody needs the key, and there is nothing to conclude.
    await tx.query(
      `update erasure_requests set finished_at = coalesce(finished_at, now()), sealed_key = null where tenant_id = $1 and id = $2`,
      [tx.tenantId, request],
    )
  } else {
    await enqueueErasure(tx, request, 1)
  }
  return rowCount
}
