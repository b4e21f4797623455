import { record } from '../../audit/record.ts'
import { contactAddresses } from '../../identifiers/contact-addresses.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { changed, namedColumns } from '../../platform/validation/change-columns.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requireOpen } from '../require-existing.ts'
import { lockNewPart, setPart } from './set-parts.ts'

/** The fields of a training plan that can change; null clears one. Lists replace the ones before. */
export type TrainingPlanChanges = {
  /** Moves it to this catalog. */
  catalogId?: string
  title?: string
  description?: string | null
  contactEmails?: readonly string[]
  /** In the order in which they are to be taken. */
  courseIds?: readonly string[]
  authorIds?: readonly string[]
}

/**
 * Changes the given fields of a training plan. The texts of a deleted one can change too, because transcripts show them.
 *
 * Throws `input.invalid`, `training_plan.not_found`, `catalog.not_found`, `course.not_found`, and for new authors
 * `user.not_found` and `user.wrong_state`.
 */
export async function updateTrainingPlan(
  tx: TenantTransaction,
  options: { trainingPlanId: string; changes: TrainingPlanChanges },
): Promise<void> {
  const { changes } = options
  const id = requireUuid('trainingPlanId', options.trainingPlanId)
  const courseIds = changes.courseIds && [...new Set(changes.courseIds.map((one) => one.toLowerCase()))]
  const set = namedColumns({
    catalog_id: changed(changes.catalogId, (one) => requireUuid('catalogId', one)),
    title: changed(changes.title, (title) => requireLine('title', title)),
    description: changed(changes.description, (text) => requireText('description', text)),
    contact_emails: changed(changes.contactEmails, (addresses) => contactAddresses('contactEmails', addresses)),
  })
  const authorIds =
    changes.authorIds && (await lockNewPart(tx, { part: 'trainingPlanAuthor', id, userIds: changes.authorIds }))
  await lockTrainingPlan(tx, id)
  if (changes.catalogId !== undefined) await requireOpen(tx, 'catalog', [changes.catalogId])
  if (courseIds !== undefined) await setCourses(tx, id, courseIds)
  if (authorIds !== undefined) await setPart(tx, { part: 'trainingPlanAuthor', id, userIds: authorIds })
  const columns = Object.keys(set)
  if (columns.length > 0) {
    await tx.db
      .updateTable('training_plans')
      .set(set)
      .where('tenant_id', '=', tx.tenantId)
      .where('id', '=', id)
      .execute()
  }
  if (courseIds !== undefined) columns.push('courses')
  if (authorIds !== undefined) columns.push('authors')
  if (columns.length > 0) await record(tx, { activity: 'TrainingPlanUpdated', object: id, details: { columns } })
}

/** Locks a training plan, deleted or not, until the transaction ends. Throws `training_plan.not_found`. */
async function lockTrainingPlan(tx: TenantTransaction, id: string): Promise<void> {
  const { rows } = await tx.query('select id from training_plans where tenant_id = $1 and id = $2 for no key update', [
    tx.tenantId,
    id,
  ])
  if (rows.length === 0) throw learningError('training_plan.not_found', { id })
}

async function setCourses(tx: TenantTransaction, id: string, courseIds: readonly string[]): Promise<void> {
  await requireOpen(tx, 'course', courseIds)
  await tx.query('delete from training_plan_courses where tenant_id = $1 and training_plan_id = $2', [tx.tenantId, id])
  await tx.query(
    `insert into training_plan_courses (tenant_id, training_plan_id, course_id, position)
     select $1, $2, course_id, position from unnest($3::uuid[]) with ordinality as course (course_id, position)
     on conflict do nothing`,
    [tx.tenantId, id, courseIds],
  )
}
