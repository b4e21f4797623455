import { record } from '../../audit/record.ts'
import { contactAddresses } from '../../identifiers/contact-addresses.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'
import { requireOpen } from '../require-existing.ts'

export type NewTrainingPlan = {
  catalogId: string
  title: string
  description?: string
  contactEmails?: readonly string[]
  /** In the order in which they are to be taken; of the same or of other catalogs. */
  courseIds: readonly string[]
  authorIds?: readonly string[]
}

/**
 * Creates a training plan. Returns its id.
 *
 * Throws `input.invalid`, `catalog.not_found`, `course.not_found`, and for authors `user.not_found` and
 * `user.wrong_state`.
 */
export async function createTrainingPlan(tx: TenantTransaction, plan: NewTrainingPlan): Promise<{ id: string }> {
  const courseIds = [...new Set(plan.courseIds.map((id) => id.toLowerCase()))]
  const authorIds = plan.authorIds ?? []
  await requireActiveUsers(tx, { userIds: authorIds, act: 'made an author' })
  await requireOpen(tx, 'catalog', [plan.catalogId])
  await requireOpen(tx, 'course', courseIds)
  const { id } = await tx.db
    .insertInto('training_plans')
    .values({
      tenant_id: tx.tenantId,
      catalog_id: plan.catalogId,
      title: requireLine('title', plan.title),
      description: plan.description === undefined ? null : requireText('description', plan.description),
      contact_emails: contactAddresses('contactEmails', plan.contactEmails),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx.query(
    `insert into training_plan_courses (tenant_id, training_plan_id, course_id, position)
     select $1, $2, course_id, position from unnest($3::uuid[]) with ordinality as course (course_id, position)`,
    [tx.tenantId, id, courseIds],
  )
  await tx.query(
    `insert into training_plan_authors (tenant_id, training_plan_id, user_id)
     select $1, $2, user_id from unnest($3::uuid[]) as user_id
     on conflict do nothing`,
    [tx.tenantId, id, authorIds],
  )
  await record(tx, {
    activity: 'TrainingPlanCreated',
    object: id,
    details: { catalog: plan.catalogId, courses: courseIds.length },
  })
  return { id }
}
