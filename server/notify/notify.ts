import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'

/** A message inside the product. Texts name nobody: they outlive the people they are about. */
export type Message = { kind: string; subject: string; body: string; data?: Record<string, unknown> }

/**
 * Puts a message before each of the users. `byEmail`: each gets it by e-mail too, once the transaction has committed and
 * where a mail server is configured.
 */
export async function notify(
  tx: TenantTransaction,
  userIds: string[],
  message: Message,
  options: { byEmail?: boolean } = {},
): Promise<void> {
  if (userIds.length === 0) return
  const { rows } = await tx.query<{ id: string }>(
    `insert into notifications (tenant_id, user_id, kind, subject, body, data)
     select $1, user_id, $3, $4, $5, $6 from unnest($2::uuid[]) as user_id
     returning id`,
    [tx.tenantId, userIds, message.kind, message.subject, message.body, JSON.stringify(message.data ?? {})],
    'notify',
  )
  if (options.byEmail !== true) return
  for (const { id } of rows) enqueue(tx, 'send_email', { tenant: tx.tenantId, notification: id })
}
