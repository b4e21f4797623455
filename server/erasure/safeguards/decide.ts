import { record } from '../../audit/record.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import type { SubjectState } from '../../people/lifecycle/erasure-states.ts'
import { type RefusalReason, refusalReasonCodes } from '../../people/lifecycle/justifications.ts'
import { requireActingPermission } from '../../permissions/grants.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { erasureError } from '../errors.ts'
import { erasureProgress } from '../requests/request-progress.ts'
import { stateSets } from '../states.ts'
import { runAt, stateAfterApproval } from './conditions.ts'
import { notifyOfDecision } from './notices.ts'
import { requesterOf } from './requesters.ts'
import { enqueueTaken } from './resume-held.ts'
import { enqueueStart } from './start-scheduled.ts'

const maxNoteLength = 2000

/**
 * Approves an erasure request that waits for it. Its cooling-off period begins, or workers take it at once. The approver is
 * a person with the permission, and not the person who made the request. For an API key or an OAuth client, that is the
 * user who created it.
 *
 * Throws `input.invalid`, `erasure.not_found`, `erasure.wrong_state`, `erasure.approver_needed`, `erasure.own_approval`,
 * `access.forbidden`, `user.acting_erased`.
 */
export async function approveErasure(
  tx: TenantTransaction,
  request: string,
  { note }: { note?: string | undefined } = {},
): Promise<void> {
  const text = note === undefined ? null : requireText('note', note, maxNoteLength)
  const { requester } = await requireDecidable(tx, request, 'approved')
  const { rows } = await tx.query<{ run_at: Date | null }>(
    `update erasure_requests set run_at = ${runAt('cooling_off_hours')} where tenant_id = $1 and id = $2 returning run_at`,
    [tx.tenantId, request],
  )
  await insertDecision(tx, request, { decision: 'approved', reason: null, note: text })
  const { rows: people } = await tx.query<{ state: SubjectState }>(
    `update erasure_subjects s
     set state = ${stateAfterApproval({ hours: 'r.cooling_off_hours', person: 's.user_id' })}
     from erasure_requests r
     where s.tenant_id = $1 and s.request_id = $2 and s.state = 'awaiting_approval' and r.tenant_id = $1 and r.id = $2
     returning s.state, pg_notify('lethe', $2::text)`,
    [tx.tenantId, request],
  )
  const startsAt = rows[0]?.run_at ?? null
  if (startsAt === null) enqueueTaken(tx, request, people)
  else enqueueStart(tx, request, startsAt)
  await notifyOfDecision(tx, { request, requester, decision: 'approved' })
  await record(tx, { activity: 'ErasureApproved', object: request, details: { people: people.length } })
}

/**
 * Refuses an erasure request that waits for an approval. The request ends, and its people stay as they are, also those
 * whose plan has changed: no new plan can confirm them. The same people may refuse who may approve, and the requester may
 * not: "cancel" is for the requester.
 *
 * Throws like {@link approveErasure}.
 */
export async function rejectErasure(
  tx: TenantTransaction,
  request: string,
  given: { reason: RefusalReason; note?: string | undefined },
): Promise<void> {
  const reason = refusalReasonCodes.find((code) => code === given.reason)
  if (reason === undefined) {
    throw inputError('input.invalid', {
      field: 'reason_code',
      expected: `one of ${refusalReasonCodes.join(', ')} is expected`,
    })
  }
  const note = given.note === undefined ? null : requireText('note', given.note, maxNoteLength)
  const { requester } = await requireDecidable(tx, request, 'rejected')
  await insertDecision(tx, request, { decision: 'rejected', reason, note })
  const { rowCount } = await tx.query(
    `with people as (
       update erasure_subjects set state = 'rejected', finished_at = now(), salted_hashes = null, commitments = null
       where tenant_id = $1 and request_id = $2 and state in ${stateSets.refusable}
       returning user_id
     ), request as (
       update erasure_requests set finished_at = now(), sealed_key = null where tenant_id = $1 and id = $2
       returning pg_notify('lethe', id::text)
     )
     select people.user_id from people, request`,
    [tx.tenantId, request],
  )
  await notifyOfDecision(tx, { request, requester, decision: 'rejected', reason })
  await record(tx, { activity: 'ErasureRejected', object: request, details: { people: rowCount, reason } })
}

/**
 * Locks the request and its people, and makes sure that the acting person may decide about it. Answers the person who made
 * the request.
 */
async function requireDecidable(
  tx: TenantTransaction,
  request: string,
  act: 'approved' | 'rejected',
): Promise<{ requester: string | undefined }> {
  const approver = await actingUser(tx)
  const { state } = await erasureProgress(tx, request)
  if (approver === null) throw erasureError('erasure.approver_needed')
  await requireActingPermission(tx, 'erasures.approve')
  // The people first, then the request: like the engine and a cancel.
  const { rowCount } = await tx.query(
    `select from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.awaitingApproval} order by user_id for update`,
    [tx.tenantId, request],
  )
  const { rows } = await tx.query<{ userId: string | null; credentialId: string | null }>(
    `select requested_by as "userId", requested_by_credential as "credentialId"
     from erasure_requests where tenant_id = $1 and id = $2 for update`,
    [tx.tenantId, request],
  )
  const [by] = rows
  if (rowCount === 0 || by === undefined) {
    throw erasureError('erasure.wrong_state', { act, state, needed: 'awaiting approval' })
  }
  const requester = await requesterOf(tx, by)
  if (requester === approver) throw erasureError('erasure.own_approval')
  return { requester }
}

async function insertDecision(
  tx: TenantTransaction,
  request: string,
  given: { decision: 'approved' | 'rejected'; reason: RefusalReason | null; note: string | null },
): Promise<void> {
  await tx.query(
    `insert into erasure_decisions (tenant_id, request_id, decision, reason_code, note, decided_by)
     values ($1, $2, $3, $4, $5, $6)`,
    [tx.tenantId, request, given.decision, given.reason, given.note, tx.initiator.userId],
  )
}
