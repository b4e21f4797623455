import type { TenantTransaction } from '../platform/database/transaction.ts'

/** A message inside the product. Texts name nobody: they outlive the people they are about. */
export type Message = { kind: string; subject: string; body: string; data?: Record<string, unknown> }

/** Puts a message before each of the users. */
export async function notify(tx: TenantTransaction, userIds: string[], message: Message): Promise<void> {
  if (userIds.length === 0) return
  await tx.query(
    `insert into notifications (tenant_id, user_id, kind, subject, body, data)
     select $1, user_id, $3, $4, $5, $6 from unnest($2::uuid[]) as user_id`,
    [tx.tenantId, userIds, message.kind, message.subject, message.body, JSON.stringify(message.data ?? {})],
  )
}
