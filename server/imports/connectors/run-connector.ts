import {
  type Connector,
  credentialsPurpose,
  disableConnector,
  requireMayImport,
  showConnector,
} from '../../connectors/connectors.ts'
import { connectorError } from '../../connectors/errors.ts'
import { type Credentials, fetchHttps } from '../../connectors/fetch-https.ts'
import { openFolderFile } from '../../connectors/open-folder-file.ts'
import { acceptFeed, recordGoodFeed, recordQuestion } from '../../connectors/runs.ts'
import { type ConnectorSettings, largestFeed } from '../../connectors/settings.ts'
import { spool } from '../../exports/spool.ts'
import { endRunsOfConnector, failRun, startRun } from '../../import-runs/record-run.ts'
import { openWith } from '../../keyring/identifier-hash-key.ts'
import { notify } from '../../notify/notify.ts'
import { peopleError } from '../../people/errors.ts'
import { actingFor, codeOf, type Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { isLetheError } from '../../platform/errors.ts'
import { enqueue, type JobPayload } from '../../platform/jobs/enqueue.ts'
import { importUsers } from '../users/import-users.ts'
import { messageOf } from './send-connector-email.ts'

/** What a run of a connector needs beside the database. */
export type RunSettings = ConnectorSettings & { spoolFolder: string }

/**
 * The job of a connector: fetches the feed, and imports it in the name of the connector's user. An empty or much smaller
 * feed changes no user, and neither does any other failure. The run says why, the connector's user and its notification
 * addresses are told, and the last good run stays. People who are missing in the feed stay as they are.
 *
 * Runs of one connector run one after the other, so a run that has not ended was killed, and is marked so.
 */
export async function runConnector(
  database: Database,
  settings: RunSettings,
  payload: JobPayload,
  signal?: AbortSignal,
): Promise<void> {
  const { tenant, connector: id } = payload
  if (tenant === undefined || id === undefined)
    throw new TypeError('the job of a connector names a tenant and a connector')
  const begun = await begin(database, tenant, id)
  if (begun === undefined) return
  const { connector, run, acting } = begun
  const { credentials } = begun
  try {
    const fetched = await spool(settings.spoolFolder, (take) =>
      take(feedOf(connector, tenant, settings, { credentials, signal })),
    )
    await importUsers(acting, tenant, {
      source: fetched.stream,
      file: 'feed.csv',
      withRoles: connector.with_roles,
      signal,
      connector: {
        run,
        accept: (tx, rows) => acceptFeed(tx, id, rows),
        accepted: (tx, rows) => recordGoodFeed(tx, id, rows),
      },
    })
  } catch (error) {
    const code = isLetheError(error) ? error.code : (codeOf(error) ?? 'internal.unexpected')
    await inTenant(database, tenant, (tx) => failRun(tx, run, code))
    await tell(database, tenant, connector, run, error)
    // What may pass is tried again at the next time of the schedule, not by the queue.
    if (!isLetheError(error)) throw error
    return
  }
}

type Begun = {
  connector: Connector
  run: string
  /** Acts as the connector's user. */
  acting: Database
  credentials: Credentials | undefined
}

async function begin(database: Database, tenant: string, id: string): Promise<Begun | undefined> {
  const found = await inTenant(database, tenant, async (tx) => {
    const { rows } = await tx.query<{ run_as: string | null; sealed_credentials: Buffer | null }>(
      'select run_as, sealed_credentials from connectors where tenant_id = $1 and id = $2 and enabled',
      [tenant, id],
    )
    const [row] = rows
    if (row === undefined) return undefined
    await endRunsOfConnector(tx, id)
    try {
      await requireMayImport(tx, row.run_as ?? '00000000-0000-0000-0000-000000000000')
    } catch (error) {
      if (!connectorError.is(error, 'connector.run_as_not_permitted') && !peopleError.is(error, 'user.not_found'))
        throw error
      await disableConnector(tx, id, 'run_as_not_permitted')
      return undefined
    }
    return row
  })
  if (found?.run_as == null) return undefined
  const acting = actingFor(database, { from: 'policy', userId: found.run_as })
  return await inTenant(acting, tenant, async (tx) => {
    const connector = await showConnector(tx, id)
    const run = await startRun(tx, { format: 'users', connectorId: id, fileName: 'feed' })
    const { sealed_credentials: sealed } = found
    const credentials =
      sealed === null
        ? undefined
        : (JSON.parse(openWith(tx.masterKey, sealed, credentialsPurpose(id)).toString('utf8')) as Credentials)
    return { connector, run, acting, credentials }
  })
}

async function* feedOf(
  connector: Connector,
  tenant: string,
  settings: RunSettings,
  options: { credentials: Credentials | undefined; signal: AbortSignal | undefined },
): AsyncGenerator<Buffer> {
  if (connector.kind === 'https') {
    yield* fetchHttps(connector.address, settings, options)
    return
  }
  const file = await openFolderFile(connector.address, tenant, settings)
  const stream = file.createReadStream()
  let read = 0
  for await (const piece of stream as AsyncIterable<Buffer>) {
    options.signal?.throwIfAborted()
    read += piece.length
    if (read > largestFeed) {
      throw connectorError('connector.source_too_large', { mebibytes: largestFeed / 2 ** 20 })
    }
    yield piece
  }
}

/** Tells the connector's user and its notification addresses; of the same question once. */
async function tell(database: Database, tenant: string, connector: Connector, run: string, error: unknown) {
  const asks = connectorError.is(error, 'connector.feed_smaller') ? error.details : undefined
  await inTenant(database, tenant, async (tx) => {
    if (asks !== undefined && !(await recordQuestion(tx, connector.id, asks.rows))) return
    const message = messageOf(asks)
    const data = { connector: connector.id, import_run: run }
    if (connector.run_as !== null) await notify(tx, [connector.run_as], { kind: 'connector_stopped', ...message, data })
    if (connector.notify_emails.length > 0) {
      const kind = asks === undefined ? 'failed' : 'asks'
      enqueue(tx, 'send_connector_email', { tenant, connector: connector.id, run, kind })
    }
  })
}
