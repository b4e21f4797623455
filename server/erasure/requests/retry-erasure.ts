import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { erasureError } from '../errors.ts'
import { stateSets } from '../states.ts'
import { enqueueErasure } from './insert-request.ts'
import { erasureProgress } from './request-progress.ts'

/**
 * Tries the failed people of an ended request again, from where each of them stopped; who is done stays done. The result
 * gets a certificate of its own beside the earlier one. Throws `erasure.not_found`, `erasure.wrong_state`.
 */
export async function retryErasure(tx: TenantTransaction, request: string): Promise<void> {
  const { state } = await erasureProgress(tx, request)
  const { rowCount } = await tx.query(
    `with request as (
       select id from erasure_requests where tenant_id = $1 and id = $2 and finished_at is not null for update
     )
     update erasure_subjects s
     set state = 'queued', error_code = null, error_reason = null
     from request
     where s.tenant_id = $1 and s.request_id = request.id and s.state in ${stateSets.failed}`,
    [tx.tenantId, request],
  )
  if (rowCount === 0) {
    throw erasureError('erasure.wrong_state', { act: 'retried', state, needed: 'partial or failed' })
  }
  await tx.query(
    `with request as (
       update erasure_requests set finished_at = null where tenant_id = $1 and id = $2
     )
     update erasure_steps set state = 'queued', failed = 0, finished_at = null, error_code = null, error_reason = null
     where tenant_id = $1 and request_id = $2 and step <> 'resolve'`,
    [tx.tenantId, request],
  )
  enqueueErasure(tx, request, rowCount)
  await record(tx, { activity: 'ErasureRetried', object: request, details: { people: rowCount } })
}
