import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { type LearnersLeft, lockEnrolled, readLearnersLeft } from '../enrollments/end-place.ts'
import { unenrollFrom } from '../enrollments/unenroll.ts'
import { learningError } from '../errors.ts'

/** What the deletion of a training plan does, in numbers. */
export type TrainingPlanDeletion = LearnersLeft & {
  /** Courses that it consists of; they stay. */
  courses: number
}

/**
 * Counts, without changing anything, what {@link deleteTrainingPlan} would do. Throws `input.invalid`, and
 * `training_plan.not_found` for a deleted one too.
 */
export async function previewTrainingPlanDeletion(
  tx: TenantTransaction,
  trainingPlanId: string,
): Promise<TrainingPlanDeletion> {
  const id = requireUuid('trainingPlanId', trainingPlanId)
  const { rows } = await tx.query<{ courses: number }>(
    `select (select count(*) from training_plan_courses where tenant_id = $1 and training_plan_id = $2) as courses
     from training_plans where tenant_id = $1 and id = $2 and deleted_at is null`,
    [tx.tenantId, id],
  )
  const [counts] = rows
  if (counts === undefined) throw learningError('training_plan.not_found', { id })
  return { ...(await readLearnersLeft(tx, { column: 'training_plan_id', id })), ...counts }
}

/**
 * Deletes a training plan: it leaves every list, and active enrollments in it end. Its courses stay. Nothing that a
 * learner earned goes: completions and certificates stay, with the title of the plan. Contact addresses are cleared.
 * Returns what {@link previewTrainingPlanDeletion} counted.
 *
 * Throws `input.invalid`, and `training_plan.not_found` for a deleted one too.
 */
export async function deleteTrainingPlan(tx: TenantTransaction, trainingPlanId: string): Promise<TrainingPlanDeletion> {
  const id = requireUuid('trainingPlanId', trainingPlanId)
  const place = { column: 'training_plan_id', id } as const
  await lockEnrolled(tx, place)
  // The lock waits for those who use the plan right now, and an enrollment that waits for it finds it deleted.
  await tx.query('select id from training_plans where tenant_id = $1 and id = $2 for update', [tx.tenantId, id])
  const userIds = await lockEnrolled(tx, place)
  const deletion = await previewTrainingPlanDeletion(tx, id)
  await unenrollFrom(tx, { place, userIds })
  await tx.query(
    `update training_plans set deleted_at = now(), contact_emails = '{}' where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  await record(tx, { activity: 'TrainingPlanDeleted', object: id, details: deletion })
  return deletion
}
