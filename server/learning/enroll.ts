import { record } from '../audit/record.ts'
import { requireActiveUser } from '../people/require-active.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { requireUuid } from '../platform/require-uuid.ts'

export type EnrollOptions = {
  userId: string
  /** Exactly one of the two. */
  courseId?: string
  trainingPlanId?: string
  /** A session of the course. */
  sessionId?: string
  /** The user who enrolls somebody else. */
  enrolledBy?: string
}

/**
 * Enrolls an active user in a course or a training plan, from today on (UTC). Returns the id of the enrollment.
 *
 * Throws `input.invalid`, `user.not_found`, `user.wrong_state`, `course.not_found`, `training_plan.not_found`,
 * `session.not_found`, `enrollment.exists`.
 */
export async function enroll(tx: TenantTransaction, options: EnrollOptions): Promise<{ id: string }> {
  const { userId, courseId, trainingPlanId, sessionId } = options
  if ((courseId === undefined) === (trainingPlanId === undefined)) {
    throw new LetheError('input.invalid', {
      field: 'courseId',
      expected: 'exactly one of courseId and trainingPlanId is expected',
    })
  }
  for (const field of ['userId', 'courseId', 'trainingPlanId', 'sessionId', 'enrolledBy'] as const) {
    if (options[field] !== undefined) requireUuid(field, options[field])
  }
  await requireActiveUser(tx, { userId, act: 'enrolled' })
  await requirePlace(tx, { courseId, trainingPlanId, sessionId })
  const { rows } = await tx.query<{ id: string }>(
    `insert into enrollments (tenant_id, user_id, course_id, training_plan_id, session_id, enrolled_by, registered_on)
     values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, (now() at time zone 'utc')::date)
     on conflict do nothing
     returning id`,
    [tx.tenantId, userId, courseId ?? null, trainingPlanId ?? null, sessionId ?? null, options.enrolledBy ?? null],
  )
  const [enrollment] = rows
  if (enrollment === undefined) {
    throw new LetheError('enrollment.exists', { in: courseId === undefined ? 'training plan' : 'course' })
  }
  await record(tx, {
    activity: 'UserEnrolled',
    object: enrollment.id,
    subject: userId,
    values: { course: courseId, training_plan: trainingPlanId, session: sessionId },
  })
  return enrollment
}

async function requirePlace(
  tx: TenantTransaction,
  {
    courseId,
    trainingPlanId,
    sessionId,
  }: { [Name in 'courseId' | 'trainingPlanId' | 'sessionId']: string | undefined },
): Promise<void> {
  if (courseId !== undefined) {
    const course = await tx.db
      .selectFrom('courses')
      .select('id')
      .where('tenant_id', '=', tx.tenantId)
      .where('id', '=', courseId)
      .executeTakeFirst()
    if (course === undefined) throw new LetheError('course.not_found', { id: courseId })
  }
  if (trainingPlanId !== undefined) {
    const plan = await tx.db
      .selectFrom('training_plans')
      .select('id')
      .where('tenant_id', '=', tx.tenantId)
      .where('id', '=', trainingPlanId)
      .executeTakeFirst()
    if (plan === undefined) throw new LetheError('training_plan.not_found', { id: trainingPlanId })
  }
  if (sessionId !== undefined) {
    const session = await tx.db
      .selectFrom('sessions')
      .select('course_id')
      .where('tenant_id', '=', tx.tenantId)
      .where('id', '=', sessionId)
      .executeTakeFirst()
    if (session === undefined || session.course_id !== courseId) {
      throw new LetheError('session.not_found', { id: sessionId })
    }
  }
}
