import { record } from '../../audit/record.ts'
import { contactAddresses } from '../../identifiers/contact-addresses.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requireTime } from '../../platform/validation/require-time.ts'
import { requireOpen } from '../require-existing.ts'

export type NewSession = {
  courseId: string
  title: string
  startsAt?: Date
  endsAt?: Date
  location?: string
  contactEmails?: readonly string[]
  instructorIds?: readonly string[]
}

/**
 * Schedules a session of a course, taught by active users. Returns its id.
 *
 * Throws `input.invalid`, `course.not_found`, and for instructors `user.not_found` and `user.wrong_state`.
 */
export async function scheduleSession(tx: TenantTransaction, session: NewSession): Promise<{ id: string }> {
  const instructorIds = session.instructorIds ?? []
  const startsAt = session.startsAt && requireTime('startsAt', session.startsAt)
  const endsAt = session.endsAt && requireTime('endsAt', session.endsAt)
  if (startsAt !== undefined && endsAt !== undefined && endsAt < startsAt) {
    throw inputError('input.invalid', { field: 'endsAt', expected: 'a session cannot end before it starts' })
  }
  await requireActiveUsers(tx, { userIds: instructorIds, act: 'made an instructor' })
  await requireOpen(tx, 'course', [session.courseId])
  const { id } = await tx.db
    .insertInto('sessions')
    .values({
      tenant_id: tx.tenantId,
      course_id: session.courseId,
      title: requireLine('title', session.title),
      starts_at: startsAt ?? null,
      ends_at: endsAt ?? null,
      location: session.location === undefined ? null : requireLine('location', session.location),
      contact_emails: contactAddresses('contactEmails', session.contactEmails),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx.query(
    `insert into session_instructors (tenant_id, session_id, user_id)
     select $1, $2, user_id from unnest($3::uuid[]) as user_id
     on conflict do nothing`,
    [tx.tenantId, id, instructorIds],
  )
  await record(tx, {
    activity: 'SessionScheduled',
    object: id,
    details: { course: session.courseId, instructors: instructorIds.length },
  })
  return { id }
}
