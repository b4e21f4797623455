import { record } from '../../audit/record.ts'
import { doneBy } from '../../people/accounts/require-people.ts'
import { lockForChange } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { learningError } from '../errors.ts'
import { chooseEnrollment, type EnrollmentChoice } from './choose-enrollment.ts'
import type { Place } from './enrollment-target.ts'

export type UnenrollOptions = EnrollmentChoice & {
  /** Why; kept with the enrollment. */
  note?: string
}

/**
 * Ends the enrollment of an active or suspended user in a course or a training plan. It stays in the transcript: completed
 * or failed where it was, withdrawn (as of today, UTC) where it was under way. Returns its id and when it ended.
 *
 * Throws `input.invalid`, `enrollment.not_found`, `enrollment.not_enrolled`, `user.not_found`, `user.wrong_state`,
 * `user.erasure_pending`, `user.acting_erased`.
 */
export async function unenroll(
  tx: TenantTransaction,
  options: UnenrollOptions,
): Promise<{ id: string; unenrolledAt: Date }> {
  const { userId, place, column, value } = await chooseEnrollment(tx, options)
  const note = options.note === undefined ? null : requireText('note', options.note)
  await lockForChange(tx, { userIds: [userId], act: 'unenrolled', from: ['active', 'suspended'] })
  const [ended] = await endEnrollments(tx, {
    userIds: [userId],
    where: `${column} = $4`,
    values: [value],
    note,
  })
  if (ended === undefined) throw learningError('enrollment.not_enrolled', { in: place.noun })
  return { id: ended.id, unenrolledAt: ended.unenrolled_at }
}

/**
 * Unenrolls users, whom the caller has locked, from all courses and training plans of a catalog. Returns whose
 * enrollments ended, one entry for each.
 */
export async function unenrollFromCatalog(
  tx: TenantTransaction,
  options: { catalogId: string; userIds: readonly string[] },
): Promise<{ userId: string; enrollmentId: string }[]> {
  const ended = await endEnrollments(tx, {
    userIds: options.userIds,
    where: `(
      course_id in (select id from courses where tenant_id = $1 and catalog_id = $4)
      or training_plan_id in (select id from training_plans where tenant_id = $1 and catalog_id = $4)
    )`,
    values: [options.catalogId],
    note: null,
  })
  return ended.map(({ id, user_id }) => ({ userId: user_id, enrollmentId: id }))
}

/**
 * Unenrolls users, whom the caller has locked, from a course or a training plan. Returns how many enrollments ended.
 */
export async function unenrollFrom(
  tx: TenantTransaction,
  options: { place: Pick<Place, 'column' | 'id'>; userIds: readonly string[] },
): Promise<number> {
  const { place, userIds } = options
  const ended = await endEnrollments(tx, { userIds, where: `${place.column} = $4`, values: [place.id], note: null })
  return ended.length
}

type EndedEnrollment = {
  id: string
  user_id: string
  course_id: string | null
  training_plan_id: string | null
  unenrolled_at: Date
}

/** `where` is a condition with values from $4 on. */
async function endEnrollments(
  tx: TenantTransaction,
  options: { userIds: readonly string[]; where: string; values: readonly unknown[]; note: string | null },
): Promise<EndedEnrollment[]> {
  const noteAt = 4 + options.values.length
  const by = await doneBy(tx)
  const { rows } = await tx.query<EndedEnrollment>(
    `update enrollments
     set unenrolled_at = now(), unenrolled_by = $3, unenrolled_by_credential = $${noteAt + 1}, note = coalesce($${noteAt}, note),
       withdrawn_on = case when state in ('registered', 'in_progress') then (now() at time zone 'utc')::date else withdrawn_on end,
       state = case when state in ('registered', 'in_progress') then 'withdrawn' else state end
     where tenant_id = $1 and user_id = any ($2::uuid[]) and unenrolled_at is null and deletion_id is null and ${options.where}
     returning id, user_id, course_id, training_plan_id, unenrolled_at`,
    [tx.tenantId, options.userIds, by.userId, ...options.values, options.note, by.credentialId],
  )
  await record(
    tx,
    rows.map(({ id, user_id, course_id, training_plan_id }) => ({
      activity: 'UserUnenrolled',
      object: id,
      subject: user_id,
      values: { course: course_id ?? undefined, training_plan: training_plan_id ?? undefined },
    })),
  )
  return rows
}
