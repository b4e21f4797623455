import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { LetheError } from '../../platform/errors.ts'
import { pendingStates, sqlList } from './erasure-states.ts'

const pending = sqlList(pendingStates)

/** For statements over many users: selects the ids of those with a pending erasure; $1 is the tenant. */
export const pendingErasures = `
  select user_id from erasure_subjects
  where tenant_id = $1 and state in ${pending}`

/**
 * Throws `user.erasure_pending` where an erasure of one of the users is pending; a failed one may go on at
 * any time. The caller has locked the users' rows, as every request for an erasure does, so that the answer stays true.
 */
export async function requireNoPendingErasure(tx: TenantTransaction, userIds: readonly string[]): Promise<void> {
  const { rows } = await tx.query<{ request_id: string }>(
    `select request_id from erasure_subjects
     where tenant_id = $1 and user_id = any($2)
       and state in ${pending}
     limit 1`,
    [tx.tenantId, userIds],
    'pending_erasure',
  )
  const request = rows[0]?.request_id
  if (request !== undefined) throw new LetheError('user.erasure_pending', { request })
}

/** The pending erasure of the user; undefined where there is none. */
export async function findPendingErasure(
  tx: TenantTransaction,
  userId: string,
): Promise<{ request_id: string; state: string } | undefined> {
  const { rows } = await tx.query<{ request_id: string; state: string }>(
    `select request_id, state from erasure_subjects
     where tenant_id = $1 and user_id = $2
       and state in ${pending}`,
    [tx.tenantId, userId],
  )
  return rows[0]
}
