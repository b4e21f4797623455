import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requirePresent } from '../require-existing.ts'

export type ListedTrainingPlan = {
  id: string
  catalog_id: string
  title: string
  description: string | null
  contact_emails: string[]
  created_at: Date
  /** Null: it is not deleted. */
  deleted_at: Date | null
}

export type TrainingPlanDetails = ListedTrainingPlan & {
  authors: { id: string; display_name: string | null }[]
  /** In the order in which they are to be taken. */
  courses: { id: string; title: string }[]
  /** People who are enrolled now. */
  enrolled: number
}

const columns = 'id, catalog_id, title, description, contact_emails, created_at, deleted_at'

/**
 * Training plans that are not deleted, in the order of their creation: a page of at most `limit` (50, up to 1000) behind the id
 * `after`. `catalogId` and `search` (in the title) choose, and `withoutAuthor` keeps those that have no author. `next`
 * goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, `catalog.not_found`.
 */
export async function listTrainingPlans(
  tx: TenantTransaction,
  options: Paging & { catalogId?: string; search?: string; withoutAuthor?: boolean } = {},
): Promise<{ trainingPlans: ListedTrainingPlan[]; next: string | undefined }> {
  const { catalogId, search, withoutAuthor = false } = options
  const { limit, after } = readPaging(options)
  if (catalogId !== undefined) await requirePresent(tx, 'catalog', [catalogId])
  const { rows } = await tx.query<ListedTrainingPlan>(
    `select ${columns} from training_plans
     where tenant_id = $1 and deleted_at is null and ($2::uuid is null or catalog_id = $2)
       and ($3::text is null or strpos(lower(title), lower($3)) > 0) and ($4::uuid is null or id > $4)
       and not ($6::boolean and exists (
         select from training_plan_authors a where a.tenant_id = $1 and a.training_plan_id = training_plans.id
       ))
     order by id
     limit $5`,
    [
      tx.tenantId,
      catalogId ?? null,
      search === undefined ? null : requireLine('search', search),
      after,
      limit + 1,
      withoutAuthor,
    ],
  )
  const { page, next } = cutPage(rows, limit)
  return { trainingPlans: page, next }
}

/** A training plan with its courses, deleted or not. Throws `input.invalid`, `training_plan.not_found`. */
export async function showTrainingPlan(tx: TenantTransaction, trainingPlanId: string): Promise<TrainingPlanDetails> {
  const id = requireUuid('trainingPlanId', trainingPlanId)
  const of = [tx.tenantId, id]
  const [plan, authors, courses, counts] = await Promise.all([
    tx.query<ListedTrainingPlan>(`select ${columns} from training_plans where tenant_id = $1 and id = $2`, of),
    tx.query<TrainingPlanDetails['authors'][number]>(
      `select u.id, u.display_name
       from training_plan_authors a join users u on u.tenant_id = a.tenant_id and u.id = a.user_id
       where a.tenant_id = $1 and a.training_plan_id = $2
       order by u.id`,
      of,
    ),
    tx.query<TrainingPlanDetails['courses'][number]>(
      `select course.id, course.title
       from training_plan_courses part
       join courses course on course.tenant_id = part.tenant_id and course.id = part.course_id
       where part.tenant_id = $1 and part.training_plan_id = $2
       order by part.position`,
      of,
    ),
    tx.query<{ enrolled: number }>(
      `select count(*) as enrolled from enrollments
       where tenant_id = $1 and training_plan_id = $2 and unenrolled_at is null and deletion_id is null`,
      of,
    ),
  ])
  const [found] = plan.rows
  if (found === undefined) throw learningError('training_plan.not_found', { id })
  return { ...found, authors: authors.rows, courses: courses.rows, enrolled: counts.rows[0]?.enrolled ?? 0 }
}
