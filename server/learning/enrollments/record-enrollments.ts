import { recordEach } from '../../audit/record-each.ts'
import { requirePeople } from '../../people/accounts/require-people.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { requireDay, requirePast } from '../../platform/validation/require-time.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requireOpen } from '../require-existing.ts'

export const enrollmentStates = ['registered', 'in_progress', 'completed', 'failed', 'withdrawn'] as const
export type EnrollmentState = (typeof enrollmentStates)[number]

/** How an enrollment stands. What is left out of one that exists stays as it is. */
export type EnrollmentRecord = {
  userId: string
  /** Exactly one of the two. */
  courseId?: string
  trainingPlanId?: string
  /** A session of the course. */
  sessionId?: string
  state: EnrollmentState
  result?: 'pass' | 'distinction' | 'fail' | 'withdrawn'
  /** YYYY-MM-DD (UTC). Default: today. */
  registeredOn?: string
  /** Default for the state withdrawn: today. */
  withdrawnOn?: string
  /** Default for the state completed: now. */
  completedAt?: Date
  credits?: number
  /** The user who enrolled somebody else. */
  enrolledBy?: string
  note?: string
}

/**
 * Records how enrollments of active users stand, any number at once: creates those that do not exist, and sets the
 * others to the given state. An ended enrollment stays as it is, and the user gets a new one. Of several records for
 * one enrollment the last counts. Returns how many there are.
 *
 * Throws `input.invalid`, `course.not_found`, `training_plan.not_found`, `session.not_found`, `user.not_found`,
 * `user.wrong_state`; then nothing was recorded.
 */
export async function recordEnrollments(
  tx: TenantTransaction,
  records: readonly EnrollmentRecord[],
): Promise<{ recorded: number }> {
  const byEnrollment = new Map(records.map((record) => [placeOf(record), toRow(record)]))
  const rows = [...byEnrollment.values()]
  const courseIds = rows.flatMap(({ course_id }) => course_id ?? [])
  const planIds = rows.flatMap(({ training_plan_id }) => training_plan_id ?? [])
  await requireActiveUsers(tx, { userIds: rows.map(({ user_id }) => user_id), act: 'enrolled' })
  await requireOpen(tx, 'course', courseIds)
  await requireOpen(tx, 'training_plan', planIds)
  await requireSessions(tx, records)
  await requirePeople(
    tx,
    'enrolledBy',
    rows.map(({ enrolled_by }) => enrolled_by),
  )
  let recorded = 0
  for (const place of ['course_id', 'training_plan_id'] as const) {
    const { rowCount } = await tx.query(
      `insert into enrollments as enrollment (tenant_id, user_id, course_id, training_plan_id, session_id, state, result,
         registered_on, withdrawn_on, completed_at, credits, enrolled_by, note, enrolled_by_credential)
       select $1, user_id, course_id, training_plan_id, session_id, state, result,
         coalesce(registered_on, (now() at time zone 'utc')::date),
         coalesce(withdrawn_on, case when state = 'withdrawn' then (now() at time zone 'utc')::date end),
         coalesce(completed_at, case when state = 'completed' then now() end), credits, enrolled_by, note,
         case when enrolled_by is null then $3::uuid end
       from jsonb_to_recordset($2::jsonb) as given (user_id uuid, course_id uuid, training_plan_id uuid, session_id uuid,
         state text, result text, registered_on date, withdrawn_on date, completed_at timestamptz, credits int,
         enrolled_by uuid, note text)
       where ${place} is not null
       on conflict (tenant_id, user_id, ${place}) where ${place} is not null and unenrolled_at is null do update
         set state = excluded.state,
           session_id = coalesce(excluded.session_id, enrollment.session_id),
           result = coalesce(excluded.result, enrollment.result),
           withdrawn_on = coalesce(excluded.withdrawn_on, enrollment.withdrawn_on),
           completed_at = coalesce(excluded.completed_at, enrollment.completed_at),
           credits = coalesce(excluded.credits, enrollment.credits),
           note = coalesce(excluded.note, enrollment.note)`,
      [tx.tenantId, JSON.stringify(rows), actorColumns(tx.initiator).credentialId],
    )
    recorded += rowCount
  }
  await recordEach(
    tx,
    'EnrollmentsRecorded',
    rows.map(({ user_id }) => user_id),
  )
  return { recorded }
}

function placeOf({ userId, courseId, trainingPlanId }: EnrollmentRecord): string {
  return [userId, courseId, trainingPlanId].join(' ').toLowerCase()
}

function toRow(record: EnrollmentRecord) {
  const { userId, courseId, trainingPlanId, state, credits, note, completedAt } = record
  if ((courseId === undefined) === (trainingPlanId === undefined)) {
    throw inputError('input.invalid', {
      field: 'courseId',
      expected: 'exactly one of courseId and trainingPlanId is expected',
    })
  }
  if (!enrollmentStates.includes(state)) {
    throw inputError('input.invalid', {
      field: 'state',
      expected: `one of ${enrollmentStates.join(', ')} is expected`,
    })
  }
  return {
    user_id: requireUuid('userId', userId),
    course_id: courseId,
    training_plan_id: trainingPlanId,
    session_id: record.sessionId && requireUuid('sessionId', record.sessionId),
    state,
    result: record.result,
    registered_on: record.registeredOn && requireDay('registeredOn', record.registeredOn),
    withdrawn_on: record.withdrawnOn && requireDay('withdrawnOn', record.withdrawnOn),
    completed_at: requirePast('completedAt', completedAt),
    credits: credits === undefined ? undefined : requireWholeNumber('credits', credits, { from: 0, to: 10_000 }),
    enrolled_by: record.enrolledBy && requireUuid('enrolledBy', record.enrolledBy),
    note: note === undefined ? undefined : requireText('note', note),
  }
}

async function requireSessions(tx: TenantTransaction, records: readonly EnrollmentRecord[]): Promise<void> {
  const chosen = records.filter(({ sessionId }) => sessionId !== undefined)
  if (chosen.length === 0) return
  const { rows } = await tx.query<{ session_id: string }>(
    `select session_id from unnest($2::uuid[], $3::uuid[]) as chosen (session_id, course_id)
     where not exists (
       select from sessions
       where sessions.tenant_id = $1 and sessions.id = chosen.session_id and sessions.course_id = chosen.course_id
         and sessions.deleted_at is null
     )
     limit 1`,
    [tx.tenantId, chosen.map(({ sessionId }) => sessionId), chosen.map(({ courseId }) => courseId)],
  )
  const [missing] = rows
  if (missing !== undefined) throw learningError('session.not_found', { id: missing.session_id })
}
