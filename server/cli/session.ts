import type { Command } from 'commander'
import { type Application, openApplication, type Server, useServer } from '../application.ts'
import { type Config, readConfig } from '../config.ts'
import { actingFor } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { chooseTenant, findTenant, listTenants, type Tenant } from '../tenancy/tenants.ts'
import { createOutput, type Output } from './output.ts'

/** The options that every command takes. */
type GlobalOptions = { data?: string; tenant?: string; json?: boolean; quiet?: boolean }

export type Session = {
  config: Config
  output: Output
  /**
   * Aborted when the user stops the command: long work stops at the next place where nothing is left half done, and
   * returns or throws the signal's reason. What the work uses is closed after that.
   */
  signal: AbortSignal
}

export type ApplicationSession = Session & { application: Application }

export type TenantSession = ApplicationSession & {
  tenant: Tenant
  /** Runs in one transaction of the tenant; in the name of a user where one is given. */
  run<T>(work: (tx: TenantTransaction) => Promise<T>, options?: { as?: string | undefined }): Promise<T>
}

/** Nobody is signed in at the command line. */
const commandLine: Initiator = { from: 'command_line' }

/** What stops a command: Ctrl-C, the service manager, the terminal that is closed. The exit codes are the shell's. */
const stopSignals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type StopSignal = keyof typeof stopSignals

/** The user stopped the command. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: StopSignal) {
    super('Stopped. What was finished before stays done; what was not is undone.')
    this.exitCode = stopSignals[signal]
  }
}

/** Runs a command that needs the PostgreSQL server only, migrated or not. */
export async function withServer(
  command: Command,
  work: (session: Session & { server: Server }) => Promise<void>,
): Promise<void> {
  await withSession(command, {}, async (session) => {
    const server = await useServer(session.config, session.output.note)
    try {
      session.signal.throwIfAborted()
      await work({ ...session, server })
    } finally {
      await server.release()
    }
  })
}

/**
 * Runs a command that needs the application: database and keys. Closes everything when the work ends or fails. For one
 * that works `untilStopped`, being stopped is how it ends, and no failure.
 */
export async function withApplication(
  command: Command,
  work: (session: ApplicationSession) => Promise<void>,
  options: { untilStopped?: boolean } = {},
): Promise<void> {
  await withSession(command, options, async (session) => {
    const application = await openApplication({
      config: session.config,
      onProgress: session.output.note,
      applicationName: 'lethe command line',
    })
    try {
      session.signal.throwIfAborted()
      const database = actingFor(application.database, commandLine)
      await work({ ...session, application: { ...application, database } })
    } finally {
      await application.close()
    }
  })
}

/** Runs a command that works in one tenant: the one of --tenant or LETHE_TENANT, or the only one there is. */
export async function withTenant(command: Command, work: (session: TenantSession) => Promise<void>): Promise<void> {
  await withApplication(command, async (session) => {
    const { database } = session.application
    const tenant = await chooseTenant(database, session.config.tenant)
    await work({
      ...session,
      tenant,
      run: (inTransaction, { as } = {}) =>
        inTenant(database, tenant.id, inTransaction, { initiator: { ...commandLine, userId: as } }),
    })
  })
}

/** Runs the work with a signal. Throws {@link Interrupted} where the user stopped it, once it has come to its end. */
async function withSession(
  command: Command,
  { untilStopped = false }: { untilStopped?: boolean },
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>()
  const config = readConfig(process.env, {
    ...(options.data !== undefined && { dataFolder: options.data }),
    ...(options.tenant !== undefined && { tenant: options.tenant }),
  })
  const controller = new AbortController()
  const { signal } = controller
  const output = createOutput({ json: options.json === true, quiet: options.quiet === true, signal })
  const stop = (name: StopSignal) => {
    const interrupted = new Interrupted(name)
    if (!signal.aborted) {
      output.note('Stopping; what is running ends first. Ctrl-C again stops at once.')
      controller.abort(interrupted)
    } else if (name === 'SIGINT') {
      // The second time the user does not want to wait: the database undoes what is running. Only Ctrl-C counts twice;
      // npm passes SIGTERM on to processes that have it already.
      process.exit(interrupted.exitCode)
    }
  }
  for (const name of Object.keys(stopSignals)) process.on(name, stop)
  try {
    await work({ config, output, signal })
    if (!untilStopped) signal.throwIfAborted()
  } catch (error) {
    throw signal.aborted && isAbortError(error) ? signal.reason : error
  } finally {
    for (const name of Object.keys(stopSignals)) process.off(name, stop)
  }
}

/** What Node's own functions throw when their signal is aborted. */
function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** The ids of the tenants that a command for all of them works in: the one of --tenant or LETHE_TENANT, else every one. */
export async function chosenTenants({ application, config }: ApplicationSession): Promise<string[]> {
  const { database } = application
  if (config.tenant !== undefined) return [(await findTenant(database, config.tenant)).id]
  return (await listTenants(database)).map(({ id }) => id)
}
