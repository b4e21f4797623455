import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { type Place, type PlaceOptions, requirePlace } from './enrollment-target.ts'

/** Which enrollment is meant: by its id, or that of a user in a course or a training plan. */
export type EnrollmentChoice =
  | (PlaceOptions & { userId: string; enrollmentId?: undefined })
  | { enrollmentId: string; userId?: undefined; courseId?: undefined; trainingPlanId?: undefined }

/** Whose it is, where, and what finds it among the user's enrollments: a column with its value. */
export type ChosenEnrollment = { userId: string; place: Place; column: 'id' | Place['column']; value: string }

/**
 * Finds out whose enrollment is meant, and where. By an id, exactly that enrollment is meant, not another one of the same
 * user in the same place.
 *
 * Throws `input.invalid`, and for an id `enrollment.not_found`.
 */
export async function chooseEnrollment(tx: TenantTransaction, choice: EnrollmentChoice): Promise<ChosenEnrollment> {
  if (choice.enrollmentId === undefined) {
    const place = requirePlace(choice)
    return { userId: requireUuid('userId', choice.userId), place, column: place.column, value: place.id }
  }
  const id = requireUuid('enrollmentId', choice.enrollmentId)
  // None of these ever changes, so nothing needs a lock.
  const { rows } = await tx.query<{ user_id: string; course_id: string | null; training_plan_id: string | null }>(
    'select user_id, course_id, training_plan_id from enrollments where tenant_id = $1 and id = $2',
    [tx.tenantId, id],
  )
  const [found] = rows
  if (found === undefined) throw learningError('enrollment.not_found', { id })
  const place = requirePlace({
    ...(found.course_id !== null && { courseId: found.course_id }),
    ...(found.training_plan_id !== null && { trainingPlanId: found.training_plan_id }),
  })
  return { userId: found.user_id, place, column: 'id', value: id }
}
