import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import type { JobPayload } from '../platform/jobs/enqueue.ts'
import { inputError } from '../platform/validation/errors.ts'
import type { Mailer } from './mailer.ts'

type Waiting = { id: string; subject: string; body: string; email: string }

/**
 * The job that sends a notification by e-mail, to the address that the user has by now. It sends nothing without a mail
 * server, a second time, or if notification, user or address are gone. So a waiting e-mail of a purged, anonymized or
 * deleted person is never sent. An address that the server refuses is not tried again; any other failure makes the
 * queue repeat the job.
 */
export async function sendEmail(database: Database, mailer: Mailer | undefined, payload: JobPayload): Promise<void> {
  const { tenant, notification } = payload
  if (tenant === undefined || notification === undefined) {
    throw inputError('input.invalid', { field: 'payload', expected: 'a tenant and a notification are expected' })
  }
  if (mailer === undefined) return
  const waiting = await inTenant(database, tenant, async (tx) => {
    const { rows } = await tx.query<Waiting>(
      `select n.id, n.subject, n.body, u.email
       from notifications n join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
       where n.tenant_id = $1 and n.id = $2 and n.email_state is null
         and u.state in ('active', 'suspended') and u.email is not null`,
      [tx.tenantId, notification],
    )
    return rows[0]
  })
  if (waiting === undefined) return
  const state = await deliver(mailer, waiting)
  await inTenant(database, tenant, (tx) =>
    tx.query('update notifications set email_state = $3 where tenant_id = $1 and id = $2', [
      tx.tenantId,
      waiting.id,
      state,
    ]),
  )
}

/**
 * Sends an e-mail in plain text to one address. Returns `undeliverable` if the server refuses the address or the message
 * for good; throws any other failure.
 */
export async function deliver({ transport, from }: Mailer, waiting: Waiting): Promise<'sent' | 'undeliverable'> {
  try {
    await transport.sendMail({
      from,
      // As one address, so that nothing in it is read as a list or as a name.
      to: { name: '', address: waiting.email },
      subject: waiting.subject,
      text: waiting.body,
      // The same if a crash makes the job run again: mail programs show it once.
      messageId: `<${waiting.id}@${from.address.slice(from.address.lastIndexOf('@') + 1).replace(/[^A-Za-z0-9.-]/g, '')}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    return 'sent'
  } catch (error) {
    if (isRefusal(error)) return 'undeliverable'
    throw error
  }
}

/** The server refuses this recipient or this message for good; trouble with the server itself passes. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error) || !('command' in error)) return false
  return Number(error.responseCode) >= 500 && (error.command === 'RCPT TO' || error.command === 'DATA')
}
