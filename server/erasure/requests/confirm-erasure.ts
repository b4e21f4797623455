import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { lockSubjectStates } from '../../personal-data/subjects.ts'
import { newKey, seal } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { erasureError } from '../errors.ts'
import { findChanged } from '../plans/find-changed.ts'
import { markPlanChanged } from '../plans/mark-plan-changed.ts'
import { requirePlan } from '../plans/require-plan.ts'
import { awaitApproval } from '../safeguards/begin-waiting.ts'
import { stateSets } from '../states.ts'
import { deleteThose } from './delete-and-request.ts'
import { enqueueErasure } from './insert-request.ts'
import { requireErasable, saltSubjects } from './request-erasure.ts'
import { erasureProgress } from './request-progress.ts'

/**
 * Confirms the erasure of people whose rows were not those of their plan, under the plan of a new preview of them, or of
 * some of them. The request has ended and goes on with these people; its certificate gets a successor. A plan that was made
 * with `deleteFirst` deletes those who are not deleted. Returns the number of people, and of an anonymization the salt of
 * their lines in the certificate, which is stored nowhere: it is another one than that of the request.
 *
 * Throws `erasure.not_found`, `erasure.wrong_state`, `erasure.of_contact`, `plan.not_of_request`, what `requirePlan` throws, and for the people the
 * same as `requestErasure`; then nothing has changed.
 */
export async function confirmErasure(
  tx: TenantTransaction,
  { request, plan: digest }: { request: string; plan: string },
): Promise<{ people: number; salt?: string }> {
  const { state } = await erasureProgress(tx, request)
  const { rows: requests } = await tx.query<{
    operation: Operation
    about: 'users' | 'contacts'
    finished_at: Date | null
  }>(
    'select operation, about, finished_at from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
    'lock_request_to_confirm',
  )
  const changed = await peopleOfChangedPlan(tx, request)
  const [found] = requests
  if (found === undefined || found.finished_at === null || changed.length === 0) {
    throw erasureError('erasure.wrong_state', {
      act: 'confirmed',
      state,
      needed: 'ended, with people whose plan has changed',
    })
  }
  if (found.about === 'contacts') throw erasureError('erasure.of_contact', { request })
  const plan = await requirePlan(tx, digest, { operation: found.operation })
  const waiting = new Set(changed)
  const others = plan.userIds.filter((id) => !waiting.has(id)).length
  if (others > 0) throw erasureError('plan.not_of_request', { people: others })

  const again = plan.deleteFirst ? await findChanged(tx, plan) : new Map<string, never>()
  const ids = plan.userIds.filter((id) => !again.has(id))
  if (plan.deleteFirst) await deleteThose(tx, ids)
  const acting = actingUser(tx)
  const salt = found.operation === 'anonymize' ? newKey() : undefined
  const subjects =
    salt === undefined
      ? (await Promise.all([requireErasable(tx, ids, lockSubjectStates(tx, ids)), acting]))[0]
      : await saltSubjects(tx, ids, salt, acting)
  await tx.query(
    `update erasure_subjects s
     set state = 'queued', plan_id = $3, plan_changes = null, finished_at = null, salted_hashes = given.salted_hashes,
       commitments = given.commitments
     from unnest($4::uuid[], $5::text[], $6::text[]) as given (user_id, salted_hashes, commitments)
     where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id`,
    [
      tx.tenantId,
      request,
      plan.id,
      subjects.map(({ id }) => id),
      subjects.map((subject) => ('saltedLine' in subject ? subject.saltedLine : null)),
      subjects.map((subject) => ('commitments' in subject ? subject.commitments : null)),
    ],
    'confirm_subjects',
  )
  await record(tx, { activity: 'ErasureConfirmed', object: request, details: { people: ids.length } })
  if (again.size > 0) await markPlanChanged(tx, { request, plan: plan.id, found: again })
  if (ids.length === 0) return { people: 0 }
  // The key of a request whose people are all done is destroyed. Nothing is sealed under it for these people yet.
  await tx.query(
    `with request as (
       update erasure_requests set finished_at = null, sealed_key = coalesce(sealed_key, $3) where tenant_id = $1 and id = $2
     )
     update erasure_steps set state = 'queued', failed = 0, finished_at = null, error_code = null, error_reason = null
     where tenant_id = $1 and request_id = $2 and step <> 'resolve'`,
    [tx.tenantId, request, seal(tx.masterKey, newKey(), 'request key')],
    'continue_request',
  )
  // If no person of the request was left for an approver to decide about, there is no decision yet.
  if (!(await awaitApproval(tx, request))) enqueueErasure(tx, request, ids.length)
  return { people: ids.length, ...(salt !== undefined && { salt: salt.toString('base64url') }) }
}

/** The people of a request whose plan has changed, by internal id, sorted. Throws `erasure.not_found`, `input.invalid`. */
export async function listChanged(tx: TenantTransaction, request: string): Promise<string[]> {
  await erasureProgress(tx, request)
  return await peopleOfChangedPlan(tx, request)
}

async function peopleOfChangedPlan(tx: TenantTransaction, request: string): Promise<string[]> {
  const { rows } = await tx.query<{ user_id: string }>(
    `select user_id from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.planChanged} order by user_id`,
    [tx.tenantId, request],
    'all_people_of_changed_plan',
  )
  return rows.map(({ user_id }) => user_id)
}
