import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requirePresent } from '../require-existing.ts'
import type { CourseKind } from './create-course.ts'

export type ListedCourse = {
  id: string
  catalog_id: string
  kind: CourseKind
  title: string
  description: string | null
  contact_emails: string[]
  reply_to_email: string | null
  /** YYYY-MM-DD */
  starts_on: string | null
  length_days: number | null
  /** Its key in the data set that it was imported from. */
  external_key: string | null
  created_at: Date
  /** Null: it is not deleted. */
  deleted_at: Date | null
}

export type CourseDetails = ListedCourse & {
  authors: { id: string; display_name: string | null }[]
  modules: {
    id: string
    title: string
    kind: string
    week_from: number | null
    week_to: number | null
    external_key: string | null
  }[]
  /** The weight is in percent of the course's result, `due_on` as YYYY-MM-DD. */
  assessments: {
    id: string
    title: string
    kind: string
    weight: number | null
    due_on: string | null
    external_key: string | null
  }[]
  training_plans: { id: string; title: string }[]
  sessions: number
  /** People who are enrolled now. */
  enrolled: number
}

const columns = `id, catalog_id, kind, title, description, contact_emails, reply_to_email, starts_on, length_days, external_key, created_at, deleted_at`

/**
 * Courses that are not deleted, in the order of their creation: a page of at most `limit` (50, up to 1000) behind the id
 * `after`. `catalogId` and `search` (in the title) choose, and `withoutAuthor` keeps those that have no author. `next`
 * goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, `catalog.not_found`.
 */
export async function listCourses(
  tx: TenantTransaction,
  options: Paging & { catalogId?: string; search?: string; withoutAuthor?: boolean } = {},
): Promise<{ courses: ListedCourse[]; next: string | undefined }> {
  const { catalogId, search, withoutAuthor = false } = options
  const { limit, after } = readPaging(options)
  if (catalogId !== undefined) await requirePresent(tx, 'catalog', [catalogId])
  const { rows } = await tx.query<ListedCourse>(
    `select ${columns} from courses
     where tenant_id = $1 and deleted_at is null and ($2::uuid is null or catalog_id = $2)
       and ($3::text is null or strpos(lower(title), lower($3)) > 0) and ($4::uuid is null or id > $4)
       and not ($6::boolean and exists (
         select from course_authors a where a.tenant_id = $1 and a.course_id = courses.id
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
  return { courses: page, next }
}

/** A course with its parts, deleted or not. Throws `input.invalid`, `course.not_found`. */
export async function showCourse(tx: TenantTransaction, courseId: string): Promise<CourseDetails> {
  const id = requireUuid('courseId', courseId)
  const of = [tx.tenantId, id]
  const [course, authors, modules, assessments, plans, counts] = await Promise.all([
    tx.query<ListedCourse>(`select ${columns} from courses where tenant_id = $1 and id = $2`, of),
    tx.query<CourseDetails['authors'][number]>(
      `select u.id, u.display_name from course_authors a join users u on u.tenant_id = a.tenant_id and u.id = a.user_id
       where a.tenant_id = $1 and a.course_id = $2
       order by u.id`,
      of,
    ),
    tx.query<CourseDetails['modules'][number]>(
      'select id, title, kind, week_from, week_to, external_key from modules where tenant_id = $1 and course_id = $2 order by id',
      of,
    ),
    tx.query<CourseDetails['assessments'][number]>(
      'select id, title, kind, weight, due_on, external_key from assessments where tenant_id = $1 and course_id = $2 order by id',
      of,
    ),
    tx.query<CourseDetails['training_plans'][number]>(
      `select plan.id, plan.title
       from training_plan_courses part
       join training_plans plan on plan.tenant_id = part.tenant_id and plan.id = part.training_plan_id
       where part.tenant_id = $1 and part.course_id = $2 and plan.deleted_at is null
       order by plan.id`,
      of,
    ),
    tx.query<{ sessions: number; enrolled: number }>(
      `select (select count(*) from sessions where tenant_id = $1 and course_id = $2 and deleted_at is null) as sessions,
         (select count(*) from enrollments
          where tenant_id = $1 and course_id = $2 and unenrolled_at is null and deletion_id is null) as enrolled`,
      of,
    ),
  ])
  const [found] = course.rows
  if (found === undefined) throw learningError('course.not_found', { id })
  return {
    ...found,
    authors: authors.rows,
    modules: modules.rows,
    assessments: assessments.rows,
    training_plans: plans.rows,
    ...(counts.rows[0] ?? { sessions: 0, enrolled: 0 }),
  }
}
