import pg from 'pg'
import { LetheError } from '../errors.ts'
import type { Initiator } from '../initiator.ts'
import { Announcements } from './announcements.ts'
import { type Driver, usualDriver } from './driver.ts'
import { driverNamed } from './drivers.ts'
import { databaseError } from './errors.ts'
import { GuardedPool } from './guarded-pool.ts'
import { type Patience, requestPatience, usualConnections, usualWaitSeconds, workPatience } from './patience.ts'
import { sqlstate } from './sqlstates.ts'

/** The application's connections: each one acts as the role `lethe_app`, which owns nothing and sees one tenant at a time. */
export type Database = {
  pool: GuardedPool
  /**
   * A few connections for what reads for long, such as an export: requests and jobs never wait for these. Who holds one of
   * them may ask `pool` for a connection as well, but not the other way round.
   */
  reading: GuardedPool
  /** How its transactions send their statements. */
  driver: Driver
  /** How long its transactions wait, where that is not what the connections were opened with. */
  patience?: Patience | undefined
  /** Wraps every other key: what is recorded about people is encrypted in the transaction that records it. */
  masterKey: Buffer
  /** Who sets in motion what is done with this database; `system` where nobody is named. */
  initiator?: Initiator
  announcements: Announcements
  /**
   * More connections of the same kind for work whose commits need not be on disk at once, because a crash that loses the
   * last of them does no harm. The caller ends the pool.
   */
  openUnflushed(max: number, options?: { waitSeconds?: number }): GuardedPool
  /** From now on the server is at this address: an embedded server may come back on another port. */
  moveTo(url: string): void
  /** Where the server is: the connection string of the application's login. */
  url(): string
  close(): Promise<void>
}

export type PoolOptions = {
  /** Connection string of the application's login. */
  url: string
  /** Most connections at a time. */
  max?: number
  /** The longest wait for a connection, in seconds. */
  waitSeconds?: number
  /** How long statements wait on these connections. */
  patience?: Patience
  /** Shown in pg_stat_activity. */
  applicationName?: string
  /** The role that every connection acts as; undefined: the login itself, who can read nothing. */
  role?: 'lethe_app' | undefined
}

// Dates stay texts (a day has no time zone); 64-bit integers and numerics become numbers: no count here outgrows 2^53.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.DATE, (value) => value)
types.setTypeParser(pg.types.builtins.INT8, Number)
types.setTypeParser(pg.types.builtins.NUMERIC, Number)

/** What reads for long may come in crowds, and waits longer. */
const readers = 4
const readersWaitSeconds = 30

export type DatabaseOptions = PoolOptions & {
  /** Wraps every other key. */
  masterKey: Buffer
  /** How its transactions send their statements; otherwise as usual. */
  driver?: Driver | undefined
}

/** Opens the application's database. Throws like {@link openPool}. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { pool, open, at } = await openPools(options)
  const reading = open({
    max: readers,
    rank: 0,
    waitSeconds: Math.max(readersWaitSeconds, options.waitSeconds ?? 0),
    patience: workPatience,
  })
  const announcements = new Announcements({
    url: () => at.url,
    application_name: `${options.applicationName ?? 'lethe'} announcements`,
  })
  return {
    pool,
    reading,
    masterKey: options.masterKey,
    driver: options.driver ?? driverNamed(usualDriver),
    announcements,
    openUnflushed: (max, { waitSeconds } = {}) =>
      open({ max, rank: 1, waitSeconds, patience: workPatience, settings: ' -c synchronous_commit=off' }),
    moveTo(url) {
      at.url = url
    },
    url: () => at.url,
    async close() {
      await announcements.close()
      await Promise.all([pool.end(), reading.end()])
    },
  }
}

/** The same database, for somebody: what is done with it was set in motion by this initiator. */
export function actingFor(database: Database, initiator: Initiator): Database {
  return { ...database, initiator }
}

/** The same database, for what reads for long: its transactions take the connections that are there for that. */
export function forReading(database: Database): Database {
  return { ...database, pool: database.reading, patience: undefined }
}

/** The same database, for work that takes its time, such as a job or a command: its transactions wait longer. */
export function forWork(database: Database): Database {
  return { ...database, patience: workPatience }
}

/** The same database, for requests: its transactions wait as long as its connections were opened with. */
export function forRequests(database: Database): Database {
  return { ...database, patience: undefined }
}

/**
 * Opens a pool of connections and makes sure that the server and the database can be used. Throws `database.unreachable`,
 * `database.refused`, `database.too_old`, `database.encoding`, `database.locale`.
 */
export async function openPool(options: PoolOptions): Promise<GuardedPool> {
  return (await openPools(options)).pool
}

/**
 * `force_generic_plan`: the engine's statements are prepared once per connection, with lists of people as one array. So
 * a new plan for each value costs more than it gains. No parallel workers: starting them takes longer than any
 * statement here, and there are other connections for the other cores.
 */
async function openPools(options: PoolOptions) {
  const role = 'role' in options ? options.role : 'lethe_app'
  const at = { url: options.url }
  const family = {}
  const open = (given: {
    max: number
    rank: number
    waitSeconds?: number | undefined
    patience?: Patience | undefined
    settings?: string
  }) => {
    const { lockSeconds, statementSeconds, idleSeconds } = given.patience ?? options.patience ?? requestPatience
    const pool = new GuardedPool({
      url: () => at.url,
      family,
      rank: given.rank,
      max: given.max,
      waitSeconds: given.waitSeconds ?? options.waitSeconds ?? usualWaitSeconds,
      application_name: options.applicationName ?? 'lethe',
      options: `${role === undefined ? '' : `-c role=${role} `}-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0 -c lock_timeout=${lockSeconds}s -c statement_timeout=${statementSeconds}s -c idle_in_transaction_session_timeout=${idleSeconds}s${given.settings ?? ''}`,
      // A server that is gone without a word is noticed after minutes, not hours.
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000,
      types,
    })
    tolerateLostConnections(pool)
    return pool
  }
  const pool = open({ max: options.max ?? usualConnections, rank: 1 })
  try {
    await pool.lend(async (client) => {
      await requireVersion(client)
      await requireLocale(client)
    })
  } catch (error) {
    await pool.end()
    throw connectionError(error, options.url)
  }
  return { pool, open, at }
}

/** Opens one connection as the owner of the tables, for migrations. Throws like {@link openPool}. */
export async function connectOwner(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'lethe owner',
    connectionTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    types,
  })
  // The error of a lost connection comes with the statement that waits for an answer.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await requireVersion(client)
    return client
  } catch (error) {
    await client.end()
    throw connectionError(error, url)
  }
}

/**
 * A connection that the server ends is replaced at the next use. Its user gets the error from a statement, so the event
 * must not end the process.
 */
export function tolerateLostConnections(pool: pg.Pool): void {
  const tolerate = () => undefined
  pool.on('error', tolerate)
  pool.on('connect', (client) => client.on('error', tolerate))
}

async function requireVersion(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
  )
  const server = rows[0]
  if (server === undefined || server.number < 150000) {
    throw databaseError('database.too_old', { version: server?.version ?? 'unknown' })
  }
}

/**
 * Makes sure that the database can hold every text and knows its letters. What identifiers are compared by depends on
 * neither (server/identifiers), but the words of trigram indexes do, and searches in lists. Throws `database.encoding`,
 * `database.locale`.
 */
export async function requireLocale(client: pg.ClientBase | pg.Pool): Promise<void> {
  const { rows } = await client.query<{ encoding: string; locale: string }>(
    `select pg_encoding_to_char(encoding) as encoding, datctype as locale
     from pg_database where datname = current_database()`,
  )
  const { encoding = '', locale = '' } = rows[0] ?? {}
  if (encoding !== 'UTF8') throw databaseError('database.encoding', { encoding })
  // Ä, Δ and Ж; in a locale that knows them as letters they have a lower case, whatever its language.
  const { rows: known } = await client.query<{ letters: boolean }>(
    `select lower(capitals) = chr(228) || chr(948) || chr(1078) and capitals ~ '^[[:alpha:]]+$' as letters
     from (select chr(196) || chr(916) || chr(1046) as capitals) given`,
  )
  if (known[0]?.letters !== true) throw databaseError('database.locale', { locale })
}

/** The server is there and does not let this login in. */
const refusals: ReadonlySet<string> = new Set([
  sqlstate.invalidAuthorization,
  sqlstate.invalidPassword,
  sqlstate.invalidCatalogName,
  sqlstate.insufficientPrivilege,
  sqlstate.invalidParameterValue,
  sqlstate.tooManyConnections,
  sqlstate.cannotConnectNow,
])

/** Turns a failure to connect into a sentence with the way out; never shows the password. */
export function connectionError(error: unknown, url: string): Error {
  const address = addressOf(url)
  if (databaseError.is(error, 'database.no_answer')) {
    return databaseError('database.unreachable', { address, reason: 'it does not answer' }, error)
  }
  if (error instanceof LetheError) return error
  const code = codeOf(error)
  if (code !== undefined && refusals.has(code)) {
    return databaseError('database.refused', { address, reason: error instanceof Error ? error.message : code }, error)
  }
  const reason = code ?? (error instanceof Error ? error.message : String(error))
  return databaseError('database.unreachable', { address, reason }, error)
}

/** Host, port and database of a connection string, without the login. */
export function addressOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `${host || 'the local socket'}${pathname}`
  } catch {
    return 'the given connection string'
  }
}

/** The SQLSTATE of a database error, or the code of a system error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
