import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, readPaging } from '../../platform/validation/page.ts'
import { type ErasureSummary, type SummaryRow, selectSummaries, summaryOf } from '../requests/request-progress.ts'
import { stateSets } from '../states.ts'

/** A request that waits for an approval, with the reason that the requester gave. */
export type AwaitingApproval = ErasureSummary & {
  reason: string | null
  requestedBy: string | null
  requestedByCredential: string | null
}

/**
 * The requests that wait for an approval, the oldest first: a page of at most `limit` (50, up to 1000) behind the id
 * `after`. Throws `input.invalid`.
 */
export async function listAwaitingApproval(
  tx: TenantTransaction,
  options: { limit?: number; after?: string } = {},
): Promise<{ erasures: AwaitingApproval[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<SummaryRow>(
    `${selectSummaries} and r.finished_at is null and r.approval_required and ($2::uuid is null or r.id > $2)
       and exists (
         select from erasure_subjects a
         where a.tenant_id = $1 and a.request_id = r.id and a.state in ${stateSets.awaitingApproval}
       )
     order by r.id limit $3`,
    [tx.tenantId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  const erasures = page.map((row) => ({
    ...summaryOf(row),
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedByCredential: row.requested_by_credential,
  }))
  return { erasures, next }
}
