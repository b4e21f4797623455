import { record } from '../../audit/record.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requireOpen } from '../require-existing.ts'

export type NewPost = {
  courseId: string
  authorId: string
  /** The post of the same course that this one answers. */
  parentId?: string
  body: string
  /** When it happened, where that is recorded afterwards. */
  at?: Date
}

/**
 * Writes a post of an active user into the discussion of a course. Returns its id.
 *
 * Throws `input.invalid`, `course.not_found`, `post.not_found`, `user.not_found`, `user.wrong_state`.
 */
export async function writePost(tx: TenantTransaction, post: NewPost): Promise<{ id: string }> {
  const { courseId, authorId, parentId } = post
  const body = requireText('body', post.body)
  const at = requirePast('at', post.at)
  await requireActiveUser(tx, { userId: authorId, act: 'the author of a post' })
  await requireOpen(tx, 'course', [courseId])
  if (parentId !== undefined) await requireParent(tx, courseId, requireUuid('parentId', parentId))
  const written = await tx.db
    .insertInto('posts')
    .values({
      tenant_id: tx.tenantId,
      course_id: courseId,
      parent_id: parentId ?? null,
      author_id: authorId,
      body,
      ...(at !== undefined && { created_at: at }),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await record(tx, { activity: 'PostWritten', object: written.id, subject: authorId })
  return written
}

async function requireParent(tx: TenantTransaction, courseId: string, parentId: string): Promise<void> {
  const parent = await tx.db
    .selectFrom('posts')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', parentId)
    .where('course_id', '=', courseId)
    .executeTakeFirst()
  if (parent === undefined) throw learningError('post.not_found', { id: parentId })
}
