import { inputError } from '../../platform/validation/errors.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'

/** What somebody can be enrolled in: exactly one of the two. */
export type PlaceOptions = { courseId?: string; trainingPlanId?: string }

/** A course or a training plan, and the column of enrollments and certificates that names it. */
export type Place = { column: 'course_id' | 'training_plan_id'; id: string; noun: 'course' | 'training plan' }

/** The course or the training plan that is meant. Throws `input.invalid` unless it is exactly one. */
export function requirePlace({ courseId, trainingPlanId }: PlaceOptions): Place {
  if (courseId !== undefined && trainingPlanId === undefined) {
    return { column: 'course_id', id: requireUuid('courseId', courseId), noun: 'course' }
  }
  if (trainingPlanId !== undefined && courseId === undefined) {
    return { column: 'training_plan_id', id: requireUuid('trainingPlanId', trainingPlanId), noun: 'training plan' }
  }
  throw inputError('input.invalid', {
    field: 'courseId',
    expected: 'exactly one of courseId and trainingPlanId is expected',
  })
}
