import os from 'node:os'
import type { Command } from 'commander'
import { listOperators } from '../access/operators.ts'
import { type Application, openApplication, type Server, useServer } from '../application.ts'
import { type Config, readConfig } from '../config.ts'
import { addCandidates } from '../people/accounts/candidates.ts'
import { findByAnyIdentifier } from '../people/accounts/find-users.ts'
import { peopleError } from '../people/errors.ts'
import { actingFor, codeOf, type Database, forWork } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { chooseTenant, findTenant, listTenants, type Tenant } from '../tenancy/tenants.ts'
import { reportFailure } from './failure.ts'
import { Interrupted, type StopSignal, stopSignals } from './interrupted.ts'
import { createOutput, type Output } from './output.ts'

/** The options that every command takes. */
type GlobalOptions = { data?: string; tenant?: string; as?: string; json?: boolean; quiet?: boolean }

export type Session = {
  config: Config
  output: Output
  /**
   * Aborted when the user stops the command: long work stops at the next place where nothing is left half done, and
   * returns or throws the signal's reason. What the work uses is closed after that.
   */
  signal: AbortSignal
  /** What Ctrl-C says about work that goes on without this command, or stays as far as it came. */
  onStop(say: Stopping): void
}

/**
 * What the user learns from Ctrl-C. `sentence` says what is so at this moment, from what the command knows; it is asked at
 * each signal and when the command has ended.
 */
export type Stopping = { sentence: () => string }

export type ApplicationSession = Session & { application: Application }

export type TenantSession = ApplicationSession & {
  tenant: Tenant
  /**
   * Runs in one transaction of the tenant, in the name of the person of `--as`. Throws `subject.ambiguous` with the
   * candidates beside it: see `candidatesOf`.
   */
  run<T>(work: (tx: TenantTransaction) => Promise<T>): Promise<T>
}

/** Within so many milliseconds a SIGTERM is the same one: npm passes it on to processes that have it already. */
const sameSignal = 500

/** Nobody is signed in at the command line; the trail knows the account of the operating system. */
function commandLine(): Initiator {
  return { from: 'command_line', systemAccount: systemAccount() }
}

function systemAccount(): string {
  try {
    return os.userInfo().username
  } catch (error) {
    // A container may run as a number that no name belongs to.
    if (codeOf(error) !== 'ERR_SYSTEM_ERROR' && codeOf(error) !== 'ENOENT') throw error
    return `uid ${process.getuid?.() ?? 'unknown'}`
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
      const database = forWork(actingFor(application.database, await actorOf(application.database, session)))
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
      run: (inTransaction) => withCandidates(database, tenant.id, () => inTenant(database, tenant.id, inTransaction)),
    })
  })
}

/** Whether the error says that a name was not clear enough. */
const isAboutNaming = (error: unknown) =>
  peopleError.is(error, 'subject.ambiguous') ||
  peopleError.is(error, 'user.not_found') ||
  peopleError.is(error, 'user.known_before')

/** Puts the candidates beside an error that says that a name was not clear enough. */
async function withCandidates<T>(database: Database, tenant: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isAboutNaming(error)) {
      await inTenant(database, tenant, (tx) => addCandidates(tx, error), { readOnly: true })
    }
    throw error
  }
}

/**
 * Who acts: the one of `--as`, else the command line. `--as` names an operator by name; or an active user of the tenant
 * that the command works in, by any identifier.
 *
 * Throws `user.not_found`, `user.wrong_state`, `subject.ambiguous`, and what choosing a tenant throws.
 */
async function actorOf(database: Database, { as, config }: Session & { as: string | undefined }): Promise<Initiator> {
  const account = commandLine()
  if (as === undefined) return account
  const operator = (await listOperators(database)).find(({ name }) => name === as.trim())
  if (operator !== undefined) return { ...account, credential: { kind: 'operator', id: operator.id } }
  const { id: tenant } = await chooseTenant(database, config.tenant)
  return await withCandidates(database, tenant, () =>
    inTenant(
      database,
      tenant,
      async (tx) => {
        const user = await findByAnyIdentifier(tx, as)
        if (user.state !== 'active') {
          throw peopleError('user.wrong_state', { act: 'named with --as', state: user.state, needed: 'active' })
        }
        return { ...account, userId: user.id }
      },
      { readOnly: true },
    ),
  )
}

/** Runs the work with a signal. Throws {@link Interrupted} where the user stopped it, once it has come to its end. */
async function withSession(
  command: Command,
  { untilStopped = false }: { untilStopped?: boolean },
  work: (session: Session & { as: string | undefined }) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>()
  const config = readConfig(process.env, {
    ...(options.data !== undefined && { dataFolder: options.data }),
    ...(options.tenant !== undefined && { tenant: options.tenant }),
  })
  const controller = new AbortController()
  const { signal } = controller
  let answered = false
  let stopping: Stopping | undefined
  let stoppedBy: StopSignal = 'SIGINT'
  let stoppedAt = 0
  const inner = createOutput({ json: options.json === true, quiet: options.quiet === true, signal })
  const output: Output = {
    ...inner,
    result(document, text) {
      answered = true
      inner.result(document, text)
    },
  }
  /** What came of the command, once it has ended. */
  const outcome = () => {
    if (stopping !== undefined) return `Stopped. ${stopping.sentence()}`
    return answered ? 'Stopped, but the work was already done; see above.' : 'Stopped. Nothing was changed.'
  }
  const stop = (name: StopSignal) => {
    if (!signal.aborted) {
      stoppedBy = name
      stoppedAt = performance.now()
      const known = stopping === undefined ? '' : `\n${stopping.sentence()}`
      inner.say(`Stopping after the running step. Press Ctrl-C again to stop immediately.${known}`)
      controller.abort(new Interrupted(name, outcome()))
    } else if (name === 'SIGINT' || performance.now() - stoppedAt > sameSignal) {
      // The second time nobody wants to wait: the database undoes what is running.
      const known =
        stopping?.sentence() ?? 'Changes that were already committed stay, so check them before you repeat the command.'
      const interrupted = new Interrupted(
        name,
        `Stopped immediately. The database rolls back the running step. ${known}`,
      )
      process.exit(reportFailure(interrupted, { json: options.json === true, debug: false }))
    }
  }
  for (const name of Object.keys(stopSignals)) process.on(name, stop)
  try {
    await work({
      config,
      output,
      signal,
      as: options.as,
      onStop: (say) => {
        stopping = say
      },
    })
    if (signal.aborted && !untilStopped) throw new Interrupted(stoppedBy, outcome())
  } catch (error) {
    const stopped = signal.aborted && (isAbortError(error) || error instanceof Interrupted)
    throw stopped ? new Interrupted(stoppedBy, outcome()) : error
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
