import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { notifyError } from './errors.ts'
import { countUnread } from './list-notifications.ts'

/**
 * Marks notifications of a user as read: those of these ids, or all. One that was read before keeps its time, so it is safe
 * to repeat. Answers how many are read now that were not, and how many are still unread. It is not recorded in the audit
 * trail, as little as the notification: the trail has the act that it tells of.
 *
 * Throws `input.invalid`, and `notification.not_found` where one of the ids is no notification of the user; then none is
 * marked.
 */
export async function markNotificationsRead(
  tx: TenantTransaction,
  options: { userId: string; ids?: readonly string[] },
): Promise<{ marked: number; unread: number }> {
  const userId = requireUuid('user id', options.userId)
  const ids = options.ids === undefined ? null : [...new Set(options.ids.map((id) => requireUuid('id', id)))]
  if (ids !== null) {
    const { rows } = await tx.query<{ id: string }>(
      `select id from notifications where tenant_id = $1 and user_id = $2 and id = any ($3::uuid[])`,
      [tx.tenantId, userId, ids],
    )
    const known = new Set(rows.map(({ id }) => id))
    const missing = ids.filter((id) => !known.has(id))
    if (missing.length > 0) throw notifyError('notification.not_found', { ids: missing })
  }
  const { rowCount } = await tx.query(
    `update notifications set read_at = now()
     where tenant_id = $1 and user_id = $2 and read_at is null and ($3::uuid[] is null or id = any ($3::uuid[]))`,
    [tx.tenantId, userId, ids],
  )
  return { marked: rowCount, unread: await countUnread(tx, userId) }
}
