import type { Database } from '../../platform/database/pool.ts'
import { isUuid, outsideTenants, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { erasureError } from '../errors.ts'
import { type ErasureSummary, isOverdue, type SummaryRow, selectSummaries, summaryOf } from './request-progress.ts'

/**
 * The newest requests first. `before`: only requests older than this one. `overdue`: only requests that are past their due
 * date and have not ended, or have people who failed. Throws `input.invalid`.
 */
export async function listErasures(
  tx: TenantTransaction,
  options: { limit?: number; before?: string; overdue?: boolean } = {},
): Promise<ErasureSummary[]> {
  if (options.before !== undefined && !isUuid(options.before)) {
    throw inputError('input.invalid', { field: 'before', expected: 'the UUID of a request' })
  }
  const { rows } = await tx.query<SummaryRow>(
    `${selectSummaries} and ($2::uuid is null or (r.created_at, r.id) < (
       select b.created_at, b.id from erasure_requests b where b.tenant_id = $1 and b.id = $2
     )) ${options.overdue === true ? `and ${isOverdue}` : ''} order by r.created_at desc, r.id desc limit $3`,
    [tx.tenantId, options.before ?? null, options.limit ?? 50],
  )
  return rows.map(summaryOf)
}

/** The id of the newest request. Throws `erasure.none`. */
export async function newestErasure(tx: TenantTransaction): Promise<string> {
  const [newest] = await listErasures(tx, { limit: 1 })
  if (newest === undefined) throw erasureError('erasure.none')
  return newest.id
}

/** How many requests of all tenants are overdue. */
export async function countOverdue(database: Database): Promise<number> {
  const rows = await outsideTenants(database, 'select request_id from overdue_erasure_requests()')
  return rows.length
}

/** The requests of all tenants that have not ended, the oldest first. */
export async function unfinishedErasures(database: Database): Promise<{ tenant: string; request: string }[]> {
  return await outsideTenants(
    database,
    'select tenant_id as tenant, request_id as request from unfinished_erasure_requests() order by request_id',
  )
}
