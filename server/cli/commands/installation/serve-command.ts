import { once } from 'node:events'
import { type Command, Option } from 'commander'
import type { Logger } from 'pino'
import { unfinishedErasures } from '../../../erasure/requests/list-requests.ts'
import { cleanSpool } from '../../../exports/spool.ts'
import { httpError } from '../../../http/errors.ts'
import { type Address, listen } from '../../../http/listen.ts'
import { readPublicUrl } from '../../../http/public-address.ts'
import { claimDataFolder } from '../../../platform/database/embedded.ts'
import { forRequests } from '../../../platform/database/pool.ts'
import type { Workers } from '../../../platform/jobs/work.ts'
import { holdLines, openLog } from '../../../platform/log.ts'
import { requireWholeNumber } from '../../../platform/validation/require-number.ts'
import { helpText } from '../../help-text.ts'
import { startOwnWorkers } from '../../own-workers.ts'
import { type ApplicationSession, withApplication } from '../../session.ts'
import { watchRequests } from '../../stopped-requests.ts'

/** What one process does: answer requests, work on erasure requests, or both. */
export const serveRoles = ['all', 'api', 'worker'] as const
export type ServeRole = (typeof serveRoles)[number]

export const usualAddress: Address = { host: '127.0.0.1', port: 8080 }

type ServeCommandOptions = { role: ServeRole; host: string; port: string; trustedProxies: string; publicUrl?: string }

/** `lethe serve` */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('serve HTTP and work on erasure requests until Ctrl-C')
    .addOption(new Option('--role <role>', 'the work of this process').choices(serveRoles).default('all'))
    .option('--host <address>', 'the address to listen on; 0.0.0.0 for all', usualAddress.host)
    .option('--port <number>', 'the port to listen on; 0 for any free port', String(usualAddress.port))
    .option('--trusted-proxies <number>', "the number of proxies to trust for the caller's address", '0')
    .option('--public-url <url>', 'the public address of the server, for links')
    .addHelpText(
      'after',
      helpText({
        notes: `
Without --public-url or LETHE_PUBLIC_URL, links lead to the host that a request names.
Several processes need a PostgreSQL server of your own (DATABASE_URL); then you can run any number of each role.
"lethe purge" and "lethe anonymize" need no running server.`,
        exitCodes: { 0: 'stopped with Ctrl-C, after the running work had ended' },
        examples: [
          'lethe serve',
          'lethe serve --role api --host 0.0.0.0 --port 80 --trusted-proxies 1',
          'lethe serve --role worker --quiet',
          'lethe serve --public-url https://lethe.example.org',
        ],
      }),
    )
    .action(async (options: ServeCommandOptions, command: Command) => {
      const { role, host } = options
      const port = requireWholeNumber('--port', Number(options.port), { from: 0, to: 65_535 })
      const trustedProxies = requireWholeNumber('--trusted-proxies', Number(options.trustedProxies), {
        from: 0,
        to: 16,
      })
      const publicUrl = options.publicUrl === undefined ? undefined : readPublicUrl(options.publicUrl)
      await withApplication(
        command,
        (session) =>
          serve(session, { command: 'lethe serve', role, address: { host, port }, trustedProxies, publicUrl }),
        { untilStopped: true },
      )
    })
}

export type ServeOptions = {
  /** Kept in the data folder for whoever wants to know what runs there. */
  command: string
  role: ServeRole
  address: Address
  trustedProxies?: number
  /** Default: that of the configuration. */
  publicUrl?: string | undefined
  /** The lowest level of lines in the log; by default `info`. */
  logLevel?: 'warn'
  /** Shows what is logged only after `onListening` has had its say. */
  logAfterListening?: boolean
  /** Listens on a free port where another program has the one of the address. */
  orAnyPort?: boolean
  /** Comes first, when the data folder is this process's alone. */
  prepare?: () => Promise<void>
  /** Comes when the server answers. */
  onListening?: (url: string) => Promise<void>
}

/**
 * Serves until the session is stopped. Then no new request is let in; requests and jobs that run are finished first.
 *
 * Throws `data_folder.in_use` where another process serves the data folder, and `server.address_unusable`.
 */
export async function serve(session: ApplicationSession, options: ServeOptions): Promise<void> {
  const { application, signal, output, config } = session
  const { role, prepare, onListening } = options
  const claim = config.databaseUrl === undefined ? await claimDataFolder(config.dataFolder, options.command) : undefined
  const lines = options.logAfterListening === true ? holdLines() : undefined
  const log = openLog(options.logLevel, lines)
  application.keepServerRunning?.(log)
  try {
    await cleanSpool(config)
    await prepare?.()
    signal.throwIfAborted()
    const workers = role === 'api' ? undefined : await startOwnWorkers(application, log)
    try {
      const http = role === 'worker' ? undefined : await startHttp(session, log, { ...options, workers })
      try {
        if (http !== undefined) await onListening?.(http.url)
        lines?.release()
        const parts = [
          ...(http === undefined ? [] : [`Listening at ${http.url}; the APIs are documented at ${http.url}/docs.`]),
          ...(workers === undefined ? [] : ['Working on erasure requests.']),
        ]
        output.note(`${parts.join(' ')} Press Ctrl-C to stop.`)
        if (!signal.aborted) await once(signal, 'abort')
      } finally {
        await http?.close()
      }
    } finally {
      await stopWorkers(session, workers)
    }
  } finally {
    lines?.release()
    await claim?.release()
  }
}

/** Stops the workers, and says what they leave for later. */
async function stopWorkers(session: ApplicationSession, workers: Workers | undefined): Promise<void> {
  if (workers === undefined) return
  if (!session.signal.aborted) {
    await workers.stop()
    return
  }
  const watch = await watchRequests(session, await unfinishedErasures(session.application.database))
  await watch.stop(workers)
  const left = await unfinishedErasures(session.application.database)
  if (left.length > 0) session.output.say((await watchRequests(session, left)).sentence())
}

async function startHttp(
  session: ApplicationSession,
  log: Logger,
  {
    address,
    orAnyPort,
    trustedProxies = 0,
    publicUrl = session.application.config.publicUrl,
    workers,
  }: ServeOptions & { workers: Workers | undefined },
): Promise<{ url: string; close(): Promise<void> }> {
  const application = { ...session.application, database: forRequests(session.application.database) }
  const options = { log, trustedProxies, publicUrl, workers }
  // Loaded only here: other commands do not need the server, and would start later.
  const { buildServer } = await import('../../../server.ts')
  const server = await buildServer(application, options)
  try {
    return { url: await listen(server, address), close: () => server.close() }
  } catch (error) {
    await server.close()
    if (orAnyPort !== true || !httpError.is(error, 'server.address_unusable')) throw error
    const another = await buildServer(application, options)
    return { url: await listen(another, { ...address, port: 0 }), close: () => another.close() }
  }
}
