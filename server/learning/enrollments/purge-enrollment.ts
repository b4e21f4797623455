import { record } from '../../audit/record.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import type { EnrollmentPart } from '../../datamap/plan.ts'
import { requireNotHeld } from '../../holds/held-people.ts'
import { lockForChange } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'

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

/**
 * Removes one enrollment that is not active, for good, with what it left behind, as the data map says: progress, actions,
 * attempts, submissions with their files, and certificates. Where the person has another enrollment in the same course or training plan, these
 * belong to that one and stay. What the person wrote in discussions and ratings stays too: it is the course's.
 *
 * Throws `input.invalid`, `enrollment.not_found`, `enrollment.active`, `user.erasure_pending`,
 * `user.held`.
 */
export async function purgeEnrollment(tx: TenantTransaction, enrollmentId: string): Promise<EnrollmentPurge> {
  const id = requireUuid('enrollmentId', enrollmentId)
  const before = await readTarget(tx, id)
  await lockForChange(tx, {
    userIds: [before.user_id],
    act: 'relieved of an enrollment',
    from: ['active', 'suspended', 'deleted'],
  })
  // A foreign key takes a share of this lock, so no record can be added between the count before and the count after.
  await tx.query('select from users where tenant_id = $1 and id = $2 for update', [tx.tenantId, before.user_id])
  // Again, now that nobody else can change it.
  const target = await readTarget(tx, id)
  if (target.active) throw learningError('enrollment.active', { id })
  await requireNotHeld(tx, [target.user_id])
  const { enrollment } = compiledMap
  if (enrollment === undefined) throw new Error('The data map has no table of enrollments')
  const place = target.course_id === null ? 'training_plan_id' : 'course_id'
  const left = target.another ? undefined : enrollment.left[place]
  const removed = {
    ...(await removePart(tx, enrollment.own, { userId: target.user_id, of: id })),
    ...(left !== undefined && (await removePart(tx, left, { userId: target.user_id, of: target[place] }))),
  }
  await record(tx, { activity: 'EnrollmentPurged', object: id, subject: target.user_id, details: { removed } })
  return { userId: target.user_id, removed }
}

/** Deletes what there is of a part, and makes sure that nothing of it is left. Answers the numbers of rows by table. */
async function removePart(
  tx: TenantTransaction,
  { locate, acts }: EnrollmentPart,
  { userId, of }: { userId: string; of: string | null },
): Promise<Record<string, number>> {
  const values = [tx.tenantId, userId, of]
  const count = () => tx.query<{ act: number; row_count: number }>(locate.text, values, locate.name)
  const { rows: located } = await count()
  const wanted = new Set(located.map(({ act }) => act))
  const removed: Record<string, number> = {}
  for (const [index, { table, name, text }] of acts.entries()) {
    if (!wanted.has(index)) continue
    const { rowCount } = await tx.query(text, values, name)
    removed[table] = rowCount
  }
  const { rows: remaining } = await count()
  if (remaining.length > 0) throw new Error('A purge of an enrollment left rows of it behind')
  return removed
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
  if (target === undefined) throw learningError('enrollment.not_found', { id })
  return target
}
