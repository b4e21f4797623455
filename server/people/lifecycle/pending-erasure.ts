import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { peopleError } from '../errors.ts'
import { pendingStates, sqlList } from './erasure-states.ts'

const pending = sqlList(pendingStates)

/** For statements over many users: selects the ids of users whose erasure is pending; $1 is the tenant. */
export const pendingErasures = `
  select user_id from erasure_subjects
  where tenant_id = $1 and state in ${pending}`

/**
 * Throws `user.erasure_pending` if an erasure of one of the users is pending: requested and not ended, or failed, because
 * a retry may come at any time. The caller has locked the users' rows, as each erasure request does, so that the answer
 * stays true.
 */
export async function requireNoPendingErasure(tx: TenantTransaction, userIds: readonly string[]): Promise<void> {
  const { rows } = await tx.query<{ request_id: string }>(
    `select request_id from erasure_subjects
     where tenant_id = $1 and user_id = any($2) and state in ${pending}
     limit 1`,
    [tx.tenantId, userIds],
    'pending_erasure',
  )
  const request = rows[0]?.request_id
  if (request !== undefined) throw peopleError('user.erasure_pending', { request })
}

/** A pending erasure of a user. `ended`: its request has ended, so it can only be tried again. */
export type PendingErasure = { user_id: string; request_id: string; state: string; ended: boolean }

/** The pending erasures of these users: at most one for each. */
export async function findPendingErasures(
  tx: TenantTransaction,
  userIds: readonly string[],
): Promise<PendingErasure[]> {
  const { rows } = await tx.query<PendingErasure>(
    `select s.user_id, s.request_id, s.state, r.finished_at is not null as ended
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     where s.tenant_id = $1 and s.user_id = any($2) and s.state in ${pending}`,
    [tx.tenantId, userIds],
    'pending_erasures',
  )
  return rows
}
