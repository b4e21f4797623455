import { record } from '../../audit/record.ts'
import { contactAddresses } from '../../identifiers/contact-addresses.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { changed, namedColumns } from '../../platform/validation/change-columns.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requireTime } from '../../platform/validation/require-time.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { lockNewPart, setPart } from './set-parts.ts'

/** The fields of a session that can change; null clears one. Lists replace the ones before. */
export type SessionChanges = {
  title?: string
  startsAt?: Date | null
  endsAt?: Date | null
  location?: string | null
  contactEmails?: readonly string[]
  externalKey?: string | null
  instructorIds?: readonly string[]
}

type SessionName = { courseId: string; sessionId: string }

/**
 * Changes the given fields of a session of a course, deleted or not.
 *
 * Throws `input.invalid`, `session.not_found`, and for new instructors `user.not_found` and `user.wrong_state`.
 */
export async function updateSession(
  tx: TenantTransaction,
  options: SessionName & { changes: SessionChanges },
): Promise<void> {
  const { changes } = options
  const id = requireUuid('sessionId', options.sessionId)
  const set = namedColumns({
    title: changed(changes.title, (title) => requireLine('title', title)),
    starts_at: changed(changes.startsAt, (time) => requireTime('startsAt', time)),
    ends_at: changed(changes.endsAt, (time) => requireTime('endsAt', time)),
    location: changed(changes.location, (location) => requireLine('location', location)),
    contact_emails: changed(changes.contactEmails, (addresses) => contactAddresses('contactEmails', addresses)),
    external_key: changed(changes.externalKey, (key) => requireLine('externalKey', key)),
  })
  const instructorIds =
    changes.instructorIds && (await lockNewPart(tx, { part: 'instructor', id, userIds: changes.instructorIds }))
  const session = await lockSession(tx, options)
  const startsAt = set.starts_at === undefined ? session.starts_at : set.starts_at
  const endsAt = set.ends_at === undefined ? session.ends_at : set.ends_at
  if (startsAt !== null && endsAt !== null && endsAt < startsAt) {
    throw inputError('input.invalid', { field: 'endsAt', expected: 'a session cannot end before it starts' })
  }
  if (instructorIds !== undefined) await setPart(tx, { part: 'instructor', id, userIds: instructorIds })
  const columns = Object.keys(set)
  if (columns.length > 0) {
    await tx.db.updateTable('sessions').set(set).where('tenant_id', '=', tx.tenantId).where('id', '=', id).execute()
  }
  if (instructorIds !== undefined) columns.push('instructors')
  if (columns.length > 0) await record(tx, { activity: 'SessionUpdated', object: id, details: { columns } })
}

type LockedSession = { starts_at: Date | null; ends_at: Date | null; deleted_at: Date | null }

/** Locks a session, deleted or not, until the transaction ends. Throws `input.invalid`, `session.not_found`. */
async function lockSession(tx: TenantTransaction, { courseId, sessionId }: SessionName): Promise<LockedSession> {
  const { rows } = await tx.query<LockedSession>(
    'select starts_at, ends_at, deleted_at from sessions where tenant_id = $1 and id = $2 and course_id = $3 for update',
    [tx.tenantId, sessionId, requireUuid('courseId', courseId)],
  )
  const [session] = rows
  if (session === undefined) throw learningError('session.not_found', { id: sessionId })
  return session
}

/** What the deletion of a session does, in numbers. */
export type SessionDeletion = {
  /** Instructors who teach it no more. */
  instructors: number
  /** Active enrollments that stay, in the course but in no session. */
  enrollments: number
}

/**
 * Counts, without changing anything, what {@link deleteSession} would do. Throws `input.invalid`, and
 * `session.not_found` for a deleted session too.
 */
export async function previewSessionDeletion(
  tx: TenantTransaction,
  { courseId, sessionId }: SessionName,
): Promise<SessionDeletion> {
  const id = requireUuid('sessionId', sessionId)
  const { rows } = await tx.query<SessionDeletion>(
    `select (select count(*) from session_instructors where tenant_id = $1 and session_id = $2) as instructors,
       (
         select count(*) from enrollments
         where tenant_id = $1 and session_id = $2 and unenrolled_at is null and state <> 'completed'
       ) as enrollments
     from sessions where tenant_id = $1 and id = $2 and course_id = $3 and deleted_at is null`,
    [tx.tenantId, id, requireUuid('courseId', courseId)],
  )
  const [counts] = rows
  if (counts === undefined) throw learningError('session.not_found', { id })
  return counts
}

/**
 * Deletes a session: it leaves every list, and it has no instructors and no contacts any more. Enrollments in it stay in
 * the course; completed ones still name the session. Returns what {@link previewSessionDeletion} counted.
 *
 * Throws `input.invalid`, and `session.not_found` for a deleted session too.
 */
export async function deleteSession(tx: TenantTransaction, session: SessionName): Promise<SessionDeletion> {
  const id = requireUuid('sessionId', session.sessionId)
  await lockSession(tx, { ...session, sessionId: id })
  const deletion = await previewSessionDeletion(tx, session)
  const of = [tx.tenantId, id]
  await tx.query('delete from session_instructors where tenant_id = $1 and session_id = $2', of)
  await tx.query(
    `update enrollments set session_id = null
     where tenant_id = $1 and session_id = $2 and unenrolled_at is null and state <> 'completed'`,
    of,
  )
  await tx.query(
    `update sessions set deleted_at = now(), contact_emails = '{}', external_key = null
     where tenant_id = $1 and id = $2`,
    of,
  )
  await record(tx, { activity: 'SessionDeleted', object: id, details: deletion })
  return deletion
}
