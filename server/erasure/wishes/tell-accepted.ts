import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import type { Mailer } from '../../notify/mailer.ts'
import { deliver } from '../../notify/send-email.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import type { JobPayload } from '../../platform/jobs/enqueue.ts'
import { stateSets } from '../states.ts'

/** An erasure waits no longer than this for a mail server that does not answer. */
const longestWait = '1 day'

/**
 * Tells the person whose wish to be erased was accepted, by e-mail, before the erasure of the request begins: afterwards
 * the address is gone. The job of the erasure calls this first. If the mail server does not answer it throws, so the queue
 * repeats the job. A day after the request was made the erasure goes on without the e-mail. The audit trail has the outcome. It sends nothing a second
 * time, nothing without a mail server, and nothing to an address that the server refuses.
 */
export async function tellAccepted(
  database: Database,
  mailer: Mailer | undefined,
  { tenant, request, person }: JobPayload,
): Promise<void> {
  // A job that names its person is of a request whose people are not told: see `tellsPeopleFirst`.
  if (mailer === undefined || tenant === undefined || request === undefined || person !== undefined) return
  const waiting = await inTenant(database, tenant, async (tx) => {
    const { rows } = await tx.query<{ id: string; user_id: string; email: string; operation: Operation }>(
      `select w.id, w.user_id, u.email, r.operation
       from erasure_wishes w
       join erasure_requests r on r.tenant_id = w.tenant_id and r.id = w.request_id
       join users u on u.tenant_id = w.tenant_id and u.id = w.user_id
       join erasure_subjects s on s.tenant_id = w.tenant_id and s.request_id = w.request_id and s.user_id = w.user_id
       where w.tenant_id = $1 and w.request_id = $2 and w.told_at is null and u.email is not null
         and s.state in ${stateSets.claimable} and r.created_at > now() - interval '${longestWait}'`,
      [tx.tenantId, request],
    )
    return rows
  })
  for (const { id, user_id, email, operation } of waiting) {
    const effect =
      operation === 'purge' ? 'all data about you is removed' : 'your identity is removed from your records'
    const outcome = await deliver(mailer, {
      id,
      email,
      subject: 'Your wish to be erased was accepted',
      body: `Your wish ${id} to be erased was accepted: ${effect} now, for good. Your account is closed. This is the last message to this address.`,
    })
    await inTenant(database, tenant, async (tx) => {
      await tx.query('update erasure_wishes set told_at = now() where tenant_id = $1 and id = $2', [tx.tenantId, id])
      await record(tx, { activity: 'ErasureWishAnswered', object: user_id, details: { wish: id, outcome } })
    })
  }
}
