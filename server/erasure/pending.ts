import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'

export type PendingErasure = { user_id: string; request_id: string; state: string }

/** The unfinished erasures of these users. A failed one counts: it may go on at any time. */
export async function findPendingErasures(
  tx: TenantTransaction,
  userIds: readonly string[],
): Promise<PendingErasure[]> {
  const { rows } = await tx.query<PendingErasure>(
    `select user_id, request_id, state from erasure_subjects
     where user_id = any ($1::uuid[])
       and state in ('queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'failed')
     order by user_id`,
    [userIds],
  )
  return rows
}

/**
 * Throws `user.erasure_pending` where an erasure of one of the users is not finished. The caller holds the lock on the
 * users' rows (see lockUsers), which whoever requests an erasure takes as well, so the answer stays true.
 */
export async function requireNoPendingErasure(tx: TenantTransaction, userIds: readonly string[]): Promise<void> {
  const [pending] = await findPendingErasures(tx, userIds)
  if (pending !== undefined) throw new LetheError('user.erasure_pending', { request: pending.request_id })
}
