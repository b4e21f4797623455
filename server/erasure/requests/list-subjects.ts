import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import type { PlanChange } from '../plans/plan-parts.ts'
import { erasureProgress } from './request-progress.ts'

/** One person of an erasure request, by internal id. */
export type ErasureSubject = {
  user_id: string
  state: string
  error_code: string | null
  error_reason: string | null
  erased_at: Date | null
  finished_at: Date | null
  /** Of a person in the state `plan_changed`: where the rows are not those of the plan. Empty: no plan has the person. */
  plan_changes: PlanChange[] | null
}

/**
 * A page of the people of an erasure request, by internal id, and where the next one begins; undefined at the end.
 *
 * Throws `input.invalid`, `erasure.not_found`.
 */
export async function listSubjects(
  tx: TenantTransaction,
  options: { request: string; limit?: number; after?: string | undefined },
): Promise<{ subjects: ErasureSubject[]; next: string | undefined }> {
  const { request, limit = 100, after } = options
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw inputError('input.invalid', { field: 'limit', expected: 'a number from 1 to 1000 is expected' })
  }
  if (after !== undefined && !isUuid(after)) {
    throw inputError('input.invalid', {
      field: 'after',
      expected: 'the value of `next` in the previous page is expected',
    })
  }
  await erasureProgress(tx, request)
  const { rows } = await tx.query<ErasureSubject>(
    `select user_id, state, error_code, error_reason, erased_at, finished_at, plan_changes from erasure_subjects
     where tenant_id = $1 and request_id = $2 and ($3::uuid is null or user_id > $3)
     order by user_id limit $4`,
    [tx.tenantId, request, after ?? null, limit + 1],
    'list_erasure_subjects',
  )
  const subjects = rows.slice(0, limit)
  return { subjects, next: rows.length > limit ? subjects.at(-1)?.user_id : undefined }
}
