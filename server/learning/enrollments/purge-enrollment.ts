import { record } from '../../audit/record.ts'
import { lockForChange } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { LetheError } from '../../platform/errors.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'

/** What a purge of one enrollment removed, in rows; tables without any are left out. */
export type EnrollmentPurge = { userId: string; removed: Record<string, number> }

type Target = {
  user_id: string
  course_id: string | null
  training_plan_id: string | null
  active: boolean
  /** The person has another enrollment in the same course or training plan, which the records belong to as well. */
  another: boolean
}

const ofCourse = (thing: 'module' | 'assessment') =>
  `user_id = $2 and ${thing}_id in (select id from ${thing}s where tenant_id = $1 and course_id = $3)`

/** What belongs to an enrollment in a course, each after what points to it. */
const recordsOfCourse: readonly [table: string, condition: string][] = [
  ['progress', ofCourse('module')],
  ['record_actions', ofCourse('module')],
  ['assessment_attempts', ofCourse('assessment')],
  [
    'submission_file_chunks',
    `user_id = $2 and file_id in (
       select f.id from submission_files f join submissions s on s.tenant_id = f.tenant_id and s.id = f.submission_id
       join assessments a on a.tenant_id = s.tenant_id and a.id = s.assessment_id
       where f.tenant_id = $1 and f.user_id = $2 and a.course_id = $3
     )`,
  ],
  [
    'submission_files',
    `user_id = $2 and submission_id in (
       select s.id from submissions s join assessments a on a.tenant_id = s.tenant_id and a.id = s.assessment_id
       where s.tenant_id = $1 and s.user_id = $2 and a.course_id = $3
     )`,
  ],
  ['submissions', ofCourse('assessment')],
  ['issued_certificates', 'user_id = $2 and course_id = $3'],
]

const recordsOfPlan: readonly [table: string, condition: string][] = [
  ['issued_certificates', 'user_id = $2 and training_plan_id = $3'],
]

/**
 * Removes one enrollment that is not active, for good, with what it left behind: progress, actions, attempts, submissions
 * with their files, and certificates. Where the person has another enrollment in the same course or training plan, these
 * belong to that one and stay. What the person wrote in discussions and ratings stays too: it is the course's.
 *
 * Throws `input.invalid`, `enrollment.not_found`, `enrollment.active`, `user.erasure_pending`.
 */
export async function purgeEnrollment(tx: TenantTransaction, enrollmentId: string): Promise<EnrollmentPurge> {
  const id = requireUuid('enrollmentId', enrollmentId)
  const before = await readTarget(tx, id)
  await lockForChange(tx, {
    userIds: [before.user_id],
    act: 'relieved of an enrollment',
    from: ['active', 'suspended', 'deleted'],
  })
  // Again, now that nobody else can change it.
  const target = await readTarget(tx, id)
  if (target.active) throw new LetheError('enrollment.active', { id })
  const removed: Record<string, number> = {}
  if (!target.another) {
    for (const [table, condition] of target.course_id === null ? recordsOfPlan : recordsOfCourse) {
      const { rowCount } = await tx.query(`delete from ${table} where tenant_id = $1 and ${condition}`, [
        tx.tenantId,
        target.user_id,
        target.course_id ?? target.training_plan_id,
      ])
      if (rowCount > 0) removed[table] = rowCount
    }
  }
  const { rowCount } = await tx.query('delete from enrollments where tenant_id = $1 and id = $2', [tx.tenantId, id])
  removed.enrollments = rowCount
  await record(tx, { activity: 'EnrollmentPurged', object: id, subject: target.user_id, details: { removed } })
  return { userId: target.user_id, removed }
}

async function readTarget(tx: TenantTransaction, id: string): Promise<Target> {
  const { rows } = await tx.query<Target>(
    `select user_id, course_id, training_plan_id, unenrolled_at is null and state <> 'withdrawn' as active,
       exists (
         select from enrollments other
         where other.tenant_id = $1 and other.user_id = e.user_id and other.id <> e.id
           and (other.course_id = e.course_id or other.training_plan_id = e.training_plan_id)
       ) as another
     from enrollments e
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  const [target] = rows
  if (target === undefined) throw new LetheError('enrollment.not_found', { id })
  return target
}
