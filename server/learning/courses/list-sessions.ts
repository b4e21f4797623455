import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requirePresent } from '../require-existing.ts'

export type ListedSession = {
  id: string
  course_id: string
  title: string
  starts_at: Date | null
  ends_at: Date | null
  location: string | null
  contact_emails: string[]
  /** Its key in the data set that it was imported from. */
  external_key: string | null
  /** Null: it is not deleted. */
  deleted_at: Date | null
  /** Nobody: the session needs an instructor, unless it is over. */
  instructors: { id: string; display_name: string | null }[]
}

const columns = `s.id, s.course_id, s.title, s.starts_at, s.ends_at, s.location, s.contact_emails, s.external_key, s.deleted_at, (
    select coalesce(json_agg(json_build_object('id', u.id, 'display_name', u.display_name) order by u.id), '[]')
    from session_instructors i join users u on u.tenant_id = i.tenant_id and u.id = i.user_id
    where i.tenant_id = $1 and i.session_id = s.id
  ) as instructors`

/**
 * Sessions that are not deleted, in the order of their creation: a page of at most `limit` (50, up to 1000) behind the id
 * `after`. `courseId` chooses those of a course, and `withoutInstructor` those that have no instructor and are not over.
 * `next` goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, `course.not_found`.
 */
export async function listSessions(
  tx: TenantTransaction,
  options: Paging & { courseId?: string; withoutInstructor?: boolean },
): Promise<{ sessions: ListedSession[]; next: string | undefined }> {
  const { courseId, withoutInstructor = false } = options
  const { limit, after } = readPaging(options)
  if (courseId !== undefined) await requirePresent(tx, 'course', [courseId])
  const { rows } = await tx.query<ListedSession>(
    `select ${columns} from sessions s
     where s.tenant_id = $1 and ($2::uuid is null or s.course_id = $2) and s.deleted_at is null
       and ($3::uuid is null or s.id > $3)
       and (not $5::boolean or (s.ends_at is null or s.ends_at > now()) and not exists (
         select from session_instructors i where i.tenant_id = $1 and i.session_id = s.id
       ))
     order by s.id
     limit $4`,
    [tx.tenantId, courseId ?? null, after, limit + 1, withoutInstructor],
  )
  const { page, next } = cutPage(rows, limit)
  return { sessions: page, next }
}

/** A session of the course. Throws `input.invalid`, `session.not_found`. */
export async function showSession(
  tx: TenantTransaction,
  options: { courseId: string; sessionId: string },
): Promise<ListedSession> {
  const id = requireUuid('sessionId', options.sessionId)
  const { rows } = await tx.query<ListedSession>(
    `select ${columns} from sessions s where s.tenant_id = $1 and s.id = $2 and s.course_id = $3`,
    [tx.tenantId, id, requireUuid('courseId', options.courseId)],
  )
  const [session] = rows
  if (session === undefined) throw learningError('session.not_found', { id })
  return session
}
