import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requirePresent } from '../require-existing.ts'

export type ListedPost = {
  id: string
  parent_id: string | null
  /** Null: the author was erased, or the post was deleted. */
  author_id: string | null
  /** Empty: the author was erased, or the post was deleted; replies keep their place. */
  body: string
  created_at: Date
  edited_at: Date | null
}

/**
 * The posts of a course in the order of their creation: a page of at most `limit` (50, up to 1000) behind the id `after`.
 * `next` goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, `course.not_found`.
 */
export async function listPosts(
  tx: TenantTransaction,
  options: Paging & { courseId: string },
): Promise<{ posts: ListedPost[]; next: string | undefined }> {
  const { courseId } = options
  const { limit, after } = readPaging(options)
  await requirePresent(tx, 'course', [courseId])
  const { rows } = await tx.query<ListedPost>(
    `select id, parent_id, author_id, body, created_at, edited_at from posts
     where tenant_id = $1 and course_id = $2 and ($3::uuid is null or id > $3)
     order by id
     limit $4`,
    [tx.tenantId, courseId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { posts: page, next }
}

type PostName = { courseId: string; postId: string }

/** One post of a course. Throws `input.invalid`, `post.not_found`. */
export async function showPost(tx: TenantTransaction, { courseId, postId }: PostName): Promise<ListedPost> {
  const id = requireUuid('postId', postId)
  const { rows } = await tx.query<ListedPost>(
    `select id, parent_id, author_id, body, created_at, edited_at from posts
     where tenant_id = $1 and id = $2 and course_id = $3`,
    [tx.tenantId, id, requireUuid('courseId', courseId)],
  )
  const [post] = rows
  if (post === undefined) throw learningError('post.not_found', { id })
  return post
}

/** Changes the text of a post of a course. Throws `input.invalid`, `post.not_found`. */
export async function updatePost(tx: TenantTransaction, options: PostName & { body: string }): Promise<void> {
  const body = requireText('body', options.body)
  const id = await lockPost(tx, options)
  await tx.query('update posts set body = $3, edited_at = now() where tenant_id = $1 and id = $2', [
    tx.tenantId,
    id,
    body,
  ])
  await record(tx, { activity: 'PostUpdated', object: id })
}

/**
 * Deletes a post of a course. A post with replies stays as an empty placeholder without an author. Returns the number of
 * replies. Throws `input.invalid`, `post.not_found`.
 */
export async function deletePost(tx: TenantTransaction, options: PostName): Promise<{ replies: number }> {
  const id = await lockPost(tx, options)
  const of = [tx.tenantId, id]
  const { rows } = await tx.query<{ replies: number }>(
    'select count(*) as replies from posts where tenant_id = $1 and parent_id = $2',
    of,
  )
  const replies = rows[0]?.replies ?? 0
  if (replies === 0) await tx.query('delete from posts where tenant_id = $1 and id = $2', of)
  else {
    await tx.query(
      `update posts set author_id = null, body = '', edited_at = now() where tenant_id = $1 and id = $2`,
      of,
    )
  }
  await record(tx, { activity: 'PostDeleted', object: id, details: { replies } })
  return { replies }
}

/** Locks a post, so that no reply comes meanwhile. Returns its id. Throws `input.invalid`, `post.not_found`. */
async function lockPost(tx: TenantTransaction, { courseId, postId }: PostName): Promise<string> {
  const id = requireUuid('postId', postId)
  const { rows } = await tx.query(
    'select id from posts where tenant_id = $1 and id = $2 and course_id = $3 for update',
    [tx.tenantId, id, requireUuid('courseId', courseId)],
  )
  if (rows.length === 0) throw learningError('post.not_found', { id })
  return id
}
