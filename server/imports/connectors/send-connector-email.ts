import { showConnector } from '../../connectors/connectors.ts'
import { connectorError } from '../../connectors/errors.ts'
import type { Mailer } from '../../notify/mailer.ts'
import { deliver } from '../../notify/send-email.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import type { JobPayload } from '../../platform/jobs/enqueue.ts'

/** What the notification addresses and the user of a connector are told. `asks`: the rows of the feed that stopped the run. */
export function messageOf(asks: { rows: number; before: number } | undefined): { subject: string; body: string } {
  if (asks === undefined) {
    return {
      subject: 'A connector failed',
      body: 'A run of a connector failed. No user was changed. The log of the run says why.',
    }
  }
  return {
    subject: 'A connector asks',
    body: `A run of a connector stopped: its feed has ${asks.rows} good rows, and the last good one had ${asks.before}. No user was changed. Check the feed, then confirm the run.`,
  }
}

/**
 * The job that tells the notification addresses of a connector, as they are by now, that a run failed or asks. It sends
 * nothing without a mail server, and nothing about a question that is answered. A repeated job may send an e-mail again,
 * under the same message id.
 */
export async function sendConnectorEmail(
  database: Database,
  mailer: Mailer | undefined,
  payload: JobPayload,
): Promise<void> {
  const { tenant, connector: id, run, kind } = payload
  if (tenant === undefined || id === undefined || run === undefined) {
    throw new TypeError('the job of an e-mail names a tenant, a connector and a run')
  }
  if (mailer === undefined) return
  const connector = await inTenant(database, tenant, async (tx) => {
    try {
      return await showConnector(tx, id)
    } catch (error) {
      if (connectorError.is(error, 'connector.not_found')) return undefined
      throw error
    }
  })
  if (connector === undefined || (kind === 'asks' && connector.asking_rows === null)) return
  const { asking_rows: rows, last_rows: before } = connector
  const message = messageOf(kind === 'asks' ? { rows: rows ?? 0, before: before ?? 0 } : undefined)
  for (const [index, email] of connector.notify_emails.entries()) {
    await deliver(mailer, { id: `${run}-${index}`, email, ...message })
  }
}
