import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { erasureError } from '../errors.ts'

/** The report of one run of a retention policy. */
export type RetentionRun = {
  id: string
  policy_id: string
  /** The day (YYYY-MM-DD, UTC) whose run it is. Null: a person or a program ran it. */
  scheduled_on: string | null
  started_at: Date
  finished_at: Date
  /** It looked for people who were deleted at this time or before. */
  deleted_before: Date
  found: number
  /** Of the found people, members of excluded groups. */
  excluded: number
  /** Of the others, people with a pending erasure. */
  pending: number
  /** The rest: the people of the erasure request. */
  requested: number
  /** Of the requested people, those that a legal hold covered at that moment. */
  held: number
  /** Null if there was no person to purge. */
  request_id: string | null
}

/** SQL: the report of a run. */
export const runColumns = `id, policy_id, scheduled_on::text, started_at, finished_at, deleted_before, found, excluded, pending,
  requested, held, request_id`

/**
 * The runs of the tenant's policies, the newest first: a page of at most `limit` (50, up to 1000) behind the id `after`.
 * `policyId`: only the runs of this policy, which may be deleted. Throws `input.invalid`.
 */
export async function listRetentionRuns(
  tx: TenantTransaction,
  options: Paging & { policyId?: string | undefined } = {},
): Promise<{ runs: RetentionRun[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const policyId = options.policyId === undefined ? null : requireUuid('policy', options.policyId)
  const { rows } = await tx.query<RetentionRun>(
    `select ${runColumns} from retention_runs
     where tenant_id = $1 and ($2::uuid is null or policy_id = $2) and ($3::uuid is null or id < $3)
     order by id desc limit $4`,
    [tx.tenantId, policyId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { runs: page, next }
}

/** The report of one run. Throws `input.invalid`, `retention.no_run`. */
export async function showRetentionRun(tx: TenantTransaction, runId: string): Promise<RetentionRun> {
  const id = requireUuid('run', runId)
  const { rows } = await tx.query<RetentionRun>(
    `select ${runColumns} from retention_runs where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  const [run] = rows
  if (run === undefined) throw erasureError('retention.no_run', { run: id })
  return run
}
