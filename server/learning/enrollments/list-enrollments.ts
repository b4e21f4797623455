import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import type { EnrollmentState } from './record-enrollments.ts'

export type ListedEnrollment = {
  id: string
  user_id: string
  /** Exactly one of the two is set. */
  course_id: string | null
  training_plan_id: string | null
  session_id: string | null
  state: EnrollmentState
  /** False once it has ended, and while the user is deleted. */
  enrolled: boolean
  result: 'pass' | 'distinction' | 'fail' | 'withdrawn' | null
  /** YYYY-MM-DD */
  registered_on: string | null
  withdrawn_on: string | null
  completed_at: Date | null
  unenrolled_at: Date | null
  credits: number | null
  /** Null: no user did, or the user was purged. */
  enrolled_by: string | null
  /** The API key, OAuth client or operator that did it, where no user did. */
  enrolled_by_credential: string | null
  unenrolled_by: string | null
  unenrolled_by_credential: string | null
  note: string | null
}

export type EnrollmentFilter = {
  userId?: string
  courseId?: string
  trainingPlanId?: string
  state?: EnrollmentState
  /** Only those that are active, or only those that are not. */
  enrolled?: boolean
}

const isActive = 'unenrolled_at is null and deletion_id is null'
const columns = `id, user_id, course_id, training_plan_id, session_id, state, ${isActive} as enrolled, result, registered_on,
  withdrawn_on, completed_at, unenrolled_at, credits, enrolled_by, enrolled_by_credential, unenrolled_by,
  unenrolled_by_credential, note`

/**
 * Enrollments in the order of their creation, ended ones and those of deleted users too: a page of at most `limit` (50, up
 * to 1000) behind the id `after`. `next` goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`.
 */
export async function listEnrollments(
  tx: TenantTransaction,
  options: EnrollmentFilter & Paging = {},
): Promise<{ enrollments: ListedEnrollment[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const values: unknown[] = [tx.tenantId]
  const bind = (value: unknown) => `$${values.push(value)}`
  const conditions = ['tenant_id = $1']
  if (options.userId !== undefined) conditions.push(`user_id = ${bind(requireUuid('userId', options.userId))}`)
  if (options.courseId !== undefined) conditions.push(`course_id = ${bind(requireUuid('courseId', options.courseId))}`)
  if (options.trainingPlanId !== undefined) {
    conditions.push(`training_plan_id = ${bind(requireUuid('trainingPlanId', options.trainingPlanId))}`)
  }
  if (options.state !== undefined) conditions.push(`state = ${bind(options.state)}`)
  if (options.enrolled !== undefined) conditions.push(`(${isActive}) = ${bind(options.enrolled)}`)
  if (after !== null) conditions.push(`id > ${bind(after)}`)
  const { rows } = await tx.query<ListedEnrollment>(
    `select ${columns} from enrollments where ${conditions.join(' and ')} order by id limit ${bind(limit + 1)}`,
    values,
  )
  const { page, next } = cutPage(rows, limit)
  return { enrollments: page, next }
}

/** One enrollment. Throws `input.invalid`, `enrollment.not_found`. */
export async function showEnrollment(tx: TenantTransaction, enrollmentId: string): Promise<ListedEnrollment> {
  const id = requireUuid('enrollmentId', enrollmentId)
  const { rows } = await tx.query<ListedEnrollment>(
    `select ${columns} from enrollments where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  const [enrollment] = rows
  if (enrollment === undefined) throw learningError('enrollment.not_found', { id })
  return enrollment
}
