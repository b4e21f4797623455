import { record } from '../../audit/record.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { LetheError } from '../../platform/errors.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { learningError } from '../errors.ts'
import { type ChosenEnrollment, chooseEnrollment, type EnrollmentChoice } from './choose-enrollment.ts'

export type CompletionOptions = EnrollmentChoice & {
  /** Default: pass. */
  result?: 'pass' | 'distinction'
  credits?: number
  /** When it happened, where that is recorded afterwards. */
  at?: Date
}

/**
 * Completes the enrollment of an active user in a course or a training plan, whatever the progress in its parts. Returns
 * its id and the time of completion.
 *
 * Throws `input.invalid`, `enrollment.not_found`, `enrollment.not_enrolled`, `enrollment.completed`, `user.not_found`, `user.wrong_state`.
 */
export async function completeEnrollment(
  tx: TenantTransaction,
  options: CompletionOptions,
): Promise<{ id: string; completedAt: Date }> {
  const { result = 'pass', credits } = options
  const at = requirePast('at', options.at)
  if (credits !== undefined) requireWholeNumber('credits', credits, { from: 0, to: 10_000 })
  const chosen = await chooseEnrollment(tx, options)
  const { userId, place, column, value } = chosen
  await requireActiveUser(tx, { userId, act: 'given a completion' })
  const { rows } = await tx.query<{ id: string; completed_at: Date }>(
    `update enrollments
     set state = 'completed', result = $4, completed_at = coalesce($5, now()), credits = coalesce($6, credits),
       withdrawn_on = null
     where tenant_id = $1 and user_id = $2 and ${column} = $3 and unenrolled_at is null and state <> 'completed'
     returning id, completed_at`,
    [tx.tenantId, userId, value, result, at ?? null, credits ?? null],
  )
  const [completed] = rows
  if (completed === undefined) throw await notCompletable(tx, chosen)
  await record(tx, {
    activity: 'EnrollmentCompleted',
    object: completed.id,
    subject: userId,
    values: { [place.column === 'course_id' ? 'course' : 'training_plan']: place.id, result },
  })
  return { id: completed.id, completedAt: completed.completed_at }
}

async function notCompletable(
  tx: TenantTransaction,
  { userId, place, column, value }: ChosenEnrollment,
): Promise<LetheError> {
  const { rows } = await tx.query(
    `select from enrollments where tenant_id = $1 and user_id = $2 and ${column} = $3 and unenrolled_at is null`,
    [tx.tenantId, userId, value],
  )
  return rows.length > 0
    ? learningError('enrollment.completed', { of: place.noun })
    : learningError('enrollment.not_enrolled', { in: place.noun })
}
