import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { FirstState } from '../requests/insert-request.ts'
import { stateSets } from '../states.ts'
import { isUnapproved } from './conditions.ts'
import { notifyApprovers } from './notices.ts'
import { requesterOf } from './requesters.ts'
import { enqueueStart } from './start-scheduled.ts'

/**
 * Answers the state of a request that was just inserted. If it waits for an approval, the people who may approve are
 * notified; if it waits for the end of its cooling-off period, a job starts it then. `first`: its state, which may still be
 * under way. `requesting`: see `requesterOf`.
 */
export async function beginWaiting(
  tx: TenantTransaction,
  given: { request: string; first: Promise<FirstState>; people: number; requesting: Promise<string | undefined> },
): Promise<FirstState> {
  const { request, people } = given
  const [{ state, runAt }, requester] = await Promise.all([given.first, given.requesting])
  if (state === 'awaiting_approval') await notifyApprovers(tx, { request, people, requester })
  if (runAt !== null) enqueueStart(tx, request, runAt)
  return { state, runAt }
}

/**
 * Lets the people of a request who were just put into the queue wait for the approval that it lacks, and notifies the
 * people who may approve. Answers false where it lacks none.
 */
export async function awaitApproval(tx: TenantTransaction, request: string): Promise<boolean> {
  const { rows } = await tx.query<{ userId: string | null; credentialId: string | null; people: number }>(
    `with people as (
       update erasure_subjects s set state = 'awaiting_approval'
       from erasure_requests r
       where s.tenant_id = $1 and s.request_id = $2 and s.state in ${stateSets.claimable}
         and r.tenant_id = $1 and r.id = $2 and ${isUnapproved('r')}
       returning s.user_id, pg_notify('lethe', $2::text)
     )
     select r.requested_by as "userId", r.requested_by_credential as "credentialId", count(p.user_id)::int as people
     from erasure_requests r cross join people p
     where r.tenant_id = $1 and r.id = $2
     group by r.requested_by, r.requested_by_credential`,
    [tx.tenantId, request],
  )
  const [waiting] = rows
  if (waiting === undefined) return false
  const requester = await requesterOf(tx, waiting)
  await notifyApprovers(tx, { request, people: waiting.people, requester })
  return true
}
