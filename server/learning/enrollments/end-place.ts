import { lockForChange } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { Place } from './enrollment-target.ts'

/** What becomes of the learners of a course or training plan that is deleted, in numbers. */
export type LearnersLeft = {
  /** Active enrollments that end. */
  unenrolled: number
  /** Completions that stay in transcripts. */
  completions: number
  /** Certificates that stay. */
  certificates: number
}

type Target = Pick<Place, 'column' | 'id'>

/** Counts the enrollments and certificates of a course or a training plan. */
export async function readLearnersLeft(tx: TenantTransaction, { column, id }: Target): Promise<LearnersLeft> {
  const { rows } = await tx.query<LearnersLeft>(
    `select count(*) filter (where unenrolled_at is null and deletion_id is null) as unenrolled,
       count(*) filter (where state = 'completed') as completions,
       (select count(*) from issued_certificates where tenant_id = $1 and ${column} = $2) as certificates
     from enrollments where tenant_id = $1 and ${column} = $2`,
    [tx.tenantId, id],
  )
  const [counts] = rows
  if (counts === undefined) throw new Error('a count has no row')
  return counts
}

/**
 * Locks the users who are enrolled in a course or a training plan now, before the caller locks that. Returns their ids.
 *
 * Throws `user.erasure_pending`.
 */
export async function lockEnrolled(tx: TenantTransaction, { column, id }: Target): Promise<string[]> {
  const { rows } = await tx.query<{ user_id: string }>(
    `select distinct user_id from enrollments
     where tenant_id = $1 and ${column} = $2 and unenrolled_at is null and deletion_id is null`,
    [tx.tenantId, id],
  )
  const userIds = rows.map(({ user_id }) => user_id)
  if (userIds.length > 0) await lockForChange(tx, { userIds, act: 'unenrolled', from: ['active', 'suspended'] })
  return userIds
}
