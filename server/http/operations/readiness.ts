import { statfs } from 'node:fs/promises'
import { transientFailure } from '../../platform/database/failures.ts'
import type { GuardedPool } from '../../platform/database/guarded-pool.ts'
import { requireMigrated } from '../../platform/database/migrate.ts'
import { codeOf, type Database } from '../../platform/database/pool.ts'
import { isLetheError, platformError } from '../../platform/errors.ts'
import type { Workers } from '../../platform/jobs/work.ts'
import { httpError } from '../errors.ts'

/** What a request may wait for a connection before the process counts as overloaded, in milliseconds. */
const longWait = 5000

/** How long nothing may take jobs, or jobs may lie there although something could take them, in milliseconds. */
const missingTooLong = 30_000
const stuckTooLong = 5 * 60_000

/** What must be left on the disk of the embedded server, in bytes: four files of its log. */
const leastDiskSpace = 64 * 2 ** 20

/** So long an answer of the database counts, in milliseconds: whoever asks often does not load it. */
const freshFor = 1000

export type ReadinessOptions = {
  database: Database
  /** Where the embedded database keeps its files; undefined where the database is another server's. */
  dataFolder?: string | undefined
  /** What takes jobs in this process, where anything does. */
  workers?: Pick<Workers, 'missingFor' | 'idleFor'> | undefined
}

/** Finds out whether this process can work. */
export class Readiness {
  readonly #database: Database
  readonly #dataFolder: string | undefined
  readonly #workers: ReadinessOptions['workers']
  /** A connection that nothing else uses: the truth about the others must not wait for them. */
  #pool: GuardedPool | undefined
  #asked: { at: number; reasons: Promise<string[]> } | undefined

  constructor({ database, dataFolder, workers }: ReadinessOptions) {
    this.#database = database
    this.#dataFolder = dataFolder
    this.#workers = workers
  }

  /** Throws `service.not_ready` with every reason in words. Names no address, tenant or person. */
  async require(): Promise<void> {
    const reasons = [...this.#busy(), ...(await this.#askedLately())]
    if (reasons.length > 0) throw httpError('service.not_ready', { reasons })
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }

  /** What this process knows by itself. */
  #busy(): string[] {
    const { longestWait } = this.#database.pool
    const missing = this.#workers?.missingFor() ?? 0
    return [
      ...(longestWait < longWait
        ? []
        : [`Requests have waited for a connection to the database for ${seconds(longestWait)}.`]),
      ...(missing < missingTooLong ? [] : [`Nothing has taken jobs for ${seconds(missing)}.`]),
    ]
  }

  #askedLately(): Promise<string[]> {
    const now = Date.now()
    if (this.#asked === undefined || now - this.#asked.at > freshFor) this.#asked = { at: now, reasons: this.#ask() }
    return this.#asked.reasons
  }

  async #ask(): Promise<string[]> {
    const [disk, database] = await Promise.all([this.#diskReasons(), this.#databaseReasons()])
    return [...disk, ...database]
  }

  async #diskReasons(): Promise<string[]> {
    if (this.#dataFolder === undefined) return []
    const { bavail, bsize } = await statfs(this.#dataFolder)
    const left = bavail * bsize
    if (left >= leastDiskSpace) return []
    return [`The disk of the data folder is full: ${Math.floor(left / 2 ** 20)} MiB are left. Free space there.`]
  }

  async #databaseReasons(): Promise<string[]> {
    this.#pool ??= this.#database.openUnflushed(1, { waitSeconds: 5 })
    const pool = this.#pool
    try {
      return await pool.lend(async (client) => {
        await requireMigrated(client)
        const { rows } = await client.query<{ standby: boolean; read_only: boolean }>(
          `select pg_is_in_recovery() as standby, current_setting('default_transaction_read_only')::boolean as read_only`,
        )
        const [state] = rows
        const { rows: jobs } = await client.query<{ waited: number | null }>(
          `select (extract(epoch from now() - min(run_at)) * 1000)::float8 as waited
           from graphile_worker._private_jobs where is_available and run_at <= now()`,
        )
        await client.query(spill)
        const waited = jobs[0]?.waited ?? 0
        const stuck = this.#workers !== undefined && Math.min(waited, this.#workers.idleFor()) > stuckTooLong
        return [
          ...(state?.standby
            ? ['The database is a standby and accepts no changes. Connect to the primary server.']
            : []),
          ...(state?.read_only && !state.standby ? ['The database is set to read-only. End that.'] : []),
          ...(stuck ? [`A job has waited for ${seconds(waited)}, and nothing takes it. Restart this process.`] : []),
        ]
      })
    } catch (error) {
      if (codeOf(error) === 'ECONNREFUSED' || platformError.is(error, 'service.unavailable')) return [unreachable]
      if (isLetheError(error)) return [error.message]
      const known = transientFailure(error)
      if (known === undefined) throw error
      return [known.code === 'service.unavailable' ? unreachable : known.message]
    }
  }
}

const unreachable = 'The database does not answer.'

/**
 * Writes a megabyte to the server's disk and forgets it: a sort that does not fit into memory. Nothing else that the
 * application may do tells that the disk is full without leaving something there.
 */
const spill = `begin; set local work_mem = '64kB'; set local statement_timeout = '5s';
  select count(*) from (select g from generate_series(1, 20000) as g order by md5(g::text)) as sorted; commit`

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} seconds`
}
