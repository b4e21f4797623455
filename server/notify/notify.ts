import { v7 as newId } from 'uuid'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'

/** A message inside the product. Texts name nobody: they outlive the people they are about. */
export type Message = { kind: string; subject: string; body: string; data?: Record<string, unknown> }

/**
 * Puts a message before each of the users. `byEmail`: each gets it by e-mail too, once the transaction has committed and
 * where a mail server is configured. Sends its statements at once. Who is erased meanwhile gets none: the users are locked against it.
 */
export function notify(
  tx: TenantTransaction,
  userIds: string[],
  message: Message,
  options: { byEmail?: boolean } = {},
): void {
  const told = [...new Set(userIds)]
  if (told.length === 0) return
  // With ids made here a message costs no round trip, and an error fails the transaction. An e-mail about a notification
  // that does not come into being is not sent.
  const ids = told.map(() => newId())
  tx.send(
    `insert into notifications (tenant_id, id, user_id, kind, subject, body, data)
     select $1, told.notification, told.id, $4, $5, $6, $7
     from (
       select users.id, given.notification
       from unnest($2::uuid[], $3::uuid[]) as given (id, notification)
       join users on users.tenant_id = $1 and users.id = given.id
       where users.state <> 'anonymized' order by users.id for key share of users
     ) told
     returning id`,
    [tx.tenantId, told, ids, message.kind, message.subject, message.body, JSON.stringify(message.data ?? {})],
    'notify',
  )
  if (options.byEmail !== true) return
  for (const notification of ids) enqueue(tx, 'send_email', { tenant: tx.tenantId, notification })
}
