import { record } from '../../audit/record.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { requireOpen } from '../require-existing.ts'

export type Rating = {
  userId: string
  courseId: string
  /** 1 to 5 */
  stars: number
  comment?: string
  /** When it happened, where that is recorded afterwards. */
  at?: Date
}

/**
 * Records what an active user thinks of a course. A user has one opinion of a course: a later rating replaces the one
 * before, with its comment.
 *
 * Throws `input.invalid`, `course.not_found`, `user.not_found`, `user.wrong_state`.
 */
export async function rateCourse(tx: TenantTransaction, rating: Rating): Promise<void> {
  const { userId, courseId } = rating
  const stars = requireWholeNumber('stars', rating.stars, { from: 1, to: 5 })
  const comment = rating.comment === undefined ? null : requireText('comment', rating.comment)
  const at = requirePast('at', rating.at)
  await requireActiveUser(tx, { userId, act: 'the author of a rating' })
  await requireOpen(tx, 'course', [courseId])
  await tx.query(
    `insert into ratings (tenant_id, user_id, course_id, stars, comment, created_at)
     values ($1, $2, $3, $4, $5, coalesce($6, now()))
     on conflict (tenant_id, user_id, course_id) do update
       set stars = excluded.stars, comment = excluded.comment, created_at = excluded.created_at`,
    [tx.tenantId, userId, courseId, stars, comment, at ?? null],
  )
  await record(tx, { activity: 'CourseRated', object: courseId, subject: userId })
}
