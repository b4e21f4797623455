import type { Command } from 'commander'
import { type Application, openApplication, type Server, useServer } from '../application.ts'
import { type Config, readConfig } from '../config.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { chooseTenant, type Tenant } from '../tenancy/tenants.ts'
import { createOutput, type Output } from './output.ts'

/** The options that every command takes. */
type GlobalOptions = { data?: string; tenant?: string; json?: boolean; quiet?: boolean }

export type Session = {
  config: Config
  output: Output
  /** Aborted by Ctrl-C or SIGTERM: long work stops at the next place where nothing is left half done. */
  signal: AbortSignal
}

export type ApplicationSession = Session & { application: Application }

export type TenantSession = ApplicationSession & {
  tenant: Tenant
  /** Runs in one transaction of the tenant. */
  run<T>(work: (tx: TenantTransaction) => Promise<T>): Promise<T>
  /** Nobody is signed in at the command line. */
  initiator: Initiator
}

/** The user stopped the command. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('Stopped. What was finished before stays done; what was not is undone.')
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** Runs a command that needs the PostgreSQL server only, migrated or not. */
export async function withServer(
  command: Command,
  work: (session: Session & { server: Server }) => Promise<void>,
): Promise<void> {
  await withSession(command, async (session, race) => {
    const server = await useServer(session.config, session.output.note)
    try {
      await race(() => work({ ...session, server }))
    } finally {
      await server.release()
    }
  })
}

/** Runs a command that needs the application: database and keys. Closes everything when the work ends or fails. */
export async function withApplication(
  command: Command,
  work: (session: ApplicationSession) => Promise<void>,
): Promise<void> {
  await withSession(command, async (session, race) => {
    const application = await openApplication({
      config: session.config,
      onProgress: session.output.note,
      applicationName: 'lethe command line',
    })
    try {
      await race(() => work({ ...session, application }))
    } finally {
      // Waits for the transaction that is running.
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
      run: (inTransaction) => inTenant(database, tenant.id, inTransaction),
      initiator: { from: 'command_line' },
    })
  })
}

/** Runs the work, unless or until the user stops the command; then it rejects at once with {@link Interrupted}. */
type Race = (work: () => Promise<void>) => Promise<void>

async function withSession(command: Command, work: (session: Session, race: Race) => Promise<void>): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>()
  const config = readConfig(process.env, {
    ...(options.data !== undefined && { dataFolder: options.data }),
    ...(options.tenant !== undefined && { tenant: options.tenant }),
  })
  const controller = new AbortController()
  const { signal } = controller
  const output = createOutput({ json: options.json === true, quiet: options.quiet === true, signal })
  const stop = (name: 'SIGINT' | 'SIGTERM') => {
    const interrupted = new Interrupted(name)
    // The second time the user does not want to wait: the database undoes what is running.
    if (signal.aborted) process.exit(interrupted.exitCode)
    output.note('Stopping; the running transaction ends first. Ctrl-C again stops at once.')
    controller.abort(interrupted)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const race: Race = async (raced) => {
    signal.throwIfAborted()
    await Promise.race([
      raced(),
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
    ])
  }
  try {
    await work({ config, output, signal }, race)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
