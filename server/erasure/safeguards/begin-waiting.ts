import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { erasureProgress } from '../requests/request-progress.ts'
import type { RequestState } from '../states.ts'
import { notifyApprovers } from './notices.ts'
import { enqueueStart } from './start-scheduled.ts'

/**
 * Answers the state of a request that was just inserted. If it waits for an approval, the people who may approve are
 * notified; if it waits for the end of its cooling-off period, a job starts it then. `requesting`: see `requesterOf`.
 */
export async function beginWaiting(
  tx: TenantTransaction,
  { request, people, requesting }: { request: string; people: number; requesting: Promise<string | undefined> },
): Promise<{ state: RequestState; runAt: Date | null }> {
  const [{ state, runAt }, requester] = await Promise.all([erasureProgress(tx, request), requesting])
  if (state === 'awaiting_approval') await notifyApprovers(tx, { request, people, requester })
  if (runAt !== null) enqueueStart(tx, request, runAt)
  return { state, runAt }
}
