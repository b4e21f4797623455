import { record } from '../../audit/record.ts'
import { doneBy } from '../../people/accounts/require-people.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requireOpen } from '../require-existing.ts'
import { type PlaceOptions, requirePlace } from './enrollment-target.ts'

export type EnrollOptions = PlaceOptions & {
  userId: string
  /** A session of the course. */
  sessionId?: string
  /** The user who enrolls somebody else. Default: who acts. */
  enrolledBy?: string
}

/**
 * Enrolls an active user in a course or a training plan, from today on (UTC); after an unenrollment, anew. Returns the
 * id of the enrollment.
 *
 * Throws `input.invalid`, `user.not_found`, `user.wrong_state`, `course.not_found`, `training_plan.not_found`,
 * `session.not_found`, `enrollment.exists`, `user.acting_erased`.
 */
export async function enroll(tx: TenantTransaction, options: EnrollOptions): Promise<{ id: string }> {
  const { userId, courseId, trainingPlanId, sessionId } = options
  const place = requirePlace(options)
  for (const field of ['userId', 'sessionId', 'enrolledBy'] as const) {
    if (options[field] !== undefined) requireUuid(field, options[field])
  }
  await requireActiveUser(tx, { userId, act: 'enrolled' })
  await requireOpen(tx, place.column === 'course_id' ? 'course' : 'training_plan', [place.id])
  if (sessionId !== undefined) await requireSession(tx, sessionId, courseId)
  const by = await doneBy(tx, 'enrolledBy', options.enrolledBy)
  const { rows } = await tx.query<{ id: string }>(
    `insert into enrollments (tenant_id, user_id, course_id, training_plan_id, session_id, enrolled_by, enrolled_by_credential,
       registered_on)
     values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, $7::uuid, (now() at time zone 'utc')::date)
     on conflict do nothing
     returning id`,
    [tx.tenantId, userId, courseId ?? null, trainingPlanId ?? null, sessionId ?? null, by.userId, by.credentialId],
  )
  const [enrollment] = rows
  if (enrollment === undefined) {
    throw learningError('enrollment.exists', { in: place.noun })
  }
  await record(tx, {
    activity: 'UserEnrolled',
    object: enrollment.id,
    subject: userId,
    values: { course: courseId, training_plan: trainingPlanId, session: sessionId },
  })
  return enrollment
}

async function requireSession(tx: TenantTransaction, sessionId: string, courseId: string | undefined): Promise<void> {
  const session = await tx.db
    .selectFrom('sessions')
    .select('course_id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', sessionId)
    .where('deleted_at', 'is', null)
    .forKeyShare()
    .executeTakeFirst()
  if (session === undefined || session.course_id !== courseId?.toLowerCase()) {
    throw learningError('session.not_found', { id: sessionId })
  }
}
