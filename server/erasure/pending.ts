import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'

/** Throws `user.erasure_pending` where an erasure of one of the users is ordered and not ended. */
export async function requireNoPendingErasure(tx: TenantTransaction, userIds: string[]): Promise<void> {
  const { rows } = await tx.query<{ request_id: string }>(
    `select request_id from erasure_subjects
     where tenant_id = $1 and user_id = any($2)
       and state in ('queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'failed')
     limit 1`,
    [tx.tenantId, userIds],
    'pending_erasure',
  )
  const request = rows[0]?.request_id
  if (request !== undefined) throw new LetheError('user.erasure_pending', { request })
}
