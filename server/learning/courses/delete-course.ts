import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { type LearnersLeft, lockEnrolled, readLearnersLeft } from '../enrollments/end-place.ts'
import { unenrollFrom } from '../enrollments/unenroll.ts'
import { learningError } from '../errors.ts'

/** What the deletion of a course does, in numbers. */
export type CourseDeletion = LearnersLeft & {
  /** Sessions that are deleted with it. */
  sessions: number
  /** Training plans that lose it. */
  training_plans: number
  /** Directory groups that it is closed to. */
  groups: number
}

/**
 * Counts, without changing anything, what {@link deleteCourse} would do. Throws `input.invalid`, and `course.not_found`
 * for a deleted course too.
 */
export async function previewCourseDeletion(tx: TenantTransaction, courseId: string): Promise<CourseDeletion> {
  const id = requireUuid('courseId', courseId)
  const { rows } = await tx.query<Omit<CourseDeletion, keyof LearnersLeft>>(
    `select
       (select count(*) from sessions where tenant_id = $1 and course_id = $2 and deleted_at is null) as sessions,
       (
         select count(*) from training_plan_courses part
         join training_plans plan on plan.tenant_id = part.tenant_id and plan.id = part.training_plan_id
         where part.tenant_id = $1 and part.course_id = $2 and plan.deleted_at is null
       ) as training_plans,
       (select count(*) from course_groups where tenant_id = $1 and course_id = $2) as groups
     from courses where tenant_id = $1 and id = $2 and deleted_at is null`,
    [tx.tenantId, id],
  )
  const [counts] = rows
  if (counts === undefined) throw learningError('course.not_found', { id })
  return { ...(await readLearnersLeft(tx, { column: 'course_id', id })), ...counts }
}

/**
 * Deletes a course: it leaves every list, its sessions and its place in training plans go, directory groups lose it, and
 * active enrollments end. Nothing that a learner earned goes: completions and certificates stay, with the title of the
 * course. Contact addresses and keys of imports are cleared. Returns what {@link previewCourseDeletion} counted.
 *
 * Throws `input.invalid`, and `course.not_found` for a deleted course too.
 */
export async function deleteCourse(tx: TenantTransaction, courseId: string): Promise<CourseDeletion> {
  const id = requireUuid('courseId', courseId)
  const place = { column: 'course_id', id } as const
  await lockEnrolled(tx, place)
  // The lock waits for those who use the course right now, and an enrollment that waits for it finds it deleted.
  await tx.query('select id from courses where tenant_id = $1 and id = $2 for update', [tx.tenantId, id])
  const userIds = await lockEnrolled(tx, place)
  const deletion = await previewCourseDeletion(tx, id)
  await unenrollFrom(tx, { place, userIds })
  const of = [tx.tenantId, id]
  await tx.query(
    `delete from session_instructors
     where tenant_id = $1 and session_id in (
       select id from sessions where tenant_id = $1 and course_id = $2 and (ends_at is null or ends_at > now())
     )`,
    of,
  )
  await tx.query(
    `update sessions
     set deleted_at = now(), contact_emails = '{}', external_key = null
     where tenant_id = $1 and course_id = $2 and deleted_at is null`,
    of,
  )
  await tx.query(
    `delete from training_plan_courses
     where tenant_id = $1 and course_id = $2
       and training_plan_id in (select id from training_plans where tenant_id = $1 and deleted_at is null)`,
    of,
  )
  await tx.query('delete from course_groups where tenant_id = $1 and course_id = $2', of)
  await tx.query('update modules set external_key = null where tenant_id = $1 and course_id = $2', of)
  await tx.query('update assessments set external_key = null where tenant_id = $1 and course_id = $2', of)
  await tx.query(
    `update courses set deleted_at = now(), contact_emails = '{}', reply_to_email = null, external_key = null
     where tenant_id = $1 and id = $2`,
    of,
  )
  await record(tx, { activity: 'CourseDeleted', object: id, details: deletion })
  return deletion
}
