import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'

/** A message inside the product. Texts name nobody: they outlive the people they are about. */
export type Message = { kind: string; subject: string; body: string; data?: Record<string, unknown> }

/**
 * Puts a message before each of the users. `byEmail`: each gets it by e-mail too, once the transaction has committed and
 * where a mail server is configured. Who is erased meanwhile gets none: the users are locked against it.
 */
export async function notify(
  tx: TenantTransaction,
  userIds: string[],
  message: Message,
  options: { byEmail?: boolean } = {},
): Promise<void> {
  if (userIds.length === 0) return
  const statement = [
    `insert into notifications (tenant_id, user_id, kind, subject, body, data)
     select $1, told.id, $3, $4, $5, $6
     from (
       select id from users
       where tenant_id = $1 and id = any ($2::uuid[]) and state <> 'anonymized' order by id for key share
     ) told
     returning id`,
    [tx.tenantId, userIds, message.kind, message.subject, message.body, JSON.stringify(message.data ?? {})],
    'notify',
  ] as const
  // Without an e-mail the ids are not needed: the message costs no round trip, and an error fails the transaction.
  if (options.byEmail !== true) {
    tx.send(...statement)
    return
  }
  const { rows } = await tx.query<{ id: string }>(...statement)
  for (const { id } of rows) enqueue(tx, 'send_email', { tenant: tx.tenantId, notification: id })
}
