import { statfs } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { databaseError } from '../../platform/database/errors.ts'
import { codeOf, connectOwner, type Database } from '../../platform/database/pool.ts'
import {
  type Cleaning,
  type CleaningOptions,
  cleanTable,
  otherTables,
  ownsDatabase,
  sizesOf,
  statisticsTable,
} from '../../platform/database/rewrite-table.ts'
import { sqlstate } from '../../platform/database/sqlstates.ts'
import { inTenant, tenantIds } from '../../platform/database/transaction.ts'
import { addDiskStatement, type EndedRequest, readEndedRequests } from './add-statement.ts'
import { rewriteError } from './errors.ts'
import { markLog } from './pass-log.ts'
import { alwaysTouched, mappedTables, tellingColumns } from './touched-tables.ts'

/** One at a time works on the files of a database. */
const rewritersLock = 0x6c657472

/** What is rewritten in a second where nothing was rewritten yet to tell, in bytes. */
const assumedSpeed = 40 * 2 ** 20

/** What a rewritten table needs besides its own size, in bytes. */
const spareRoom = 64 * 2 ** 20

/** The database, and who owns its tables: only the owner may rewrite them. */
export type OwnedDatabase = {
  database: Database
  /** The owner's connection string; undefined where it is not configured. */
  ownerUrl?: string | undefined
  /** Where the embedded server keeps its files; undefined with a server of one's own. */
  embeddedFolder?: string | undefined
}

export type RewriteOptions = {
  /** 3: dead rows and statistics go, and nobody is held up. 4: the tables are rewritten, one at a time. */
  level: 3 | 4
  /** Rewrites every table that an erasure may have touched, whether or not an erasure waits for it. */
  all?: boolean | undefined
  /** Larger tables are vacuumed only, in bytes with their indexes; what they hold up stays at level 3. */
  sizeLimit?: number | undefined
  /** Pauses after each table for as long as it took, so that others have half of the time. */
  gentle?: boolean | undefined
} & CleaningOptions

/** A table that is to be cleaned, in bytes with its indexes, and about how long it is locked, in seconds. */
export type PlannedTable = { table: string; cleaning: Cleaning; size: number; seconds: number }

export type RewritePlan = {
  requests: number
  tables: PlannedTable[]
  /** Free bytes of the disk that holds the database; undefined where it is on another machine. */
  free: number | undefined
}

export type RewriteResult = {
  tables: { table: string; cleaning: Cleaning; sizeBefore: number; sizeAfter: number; seconds: number }[]
  /** Tables with dead rows that somebody may still ask for. */
  held: string[]
  /** Tables whose statistics could not be replaced. */
  stale: string[]
  /** Tables that others used all the time. */
  busy: string[]
  /** Tables that somebody made beside Lethe's and that this login does not own. */
  foreign: string[]
  /** How many requests reached which level. */
  reached: { 3: number; 4: number }
}

type Waiting = EndedRequest & { tenant: string; tables: string[] }

type Work = { waiting: Waiting[]; plan: RewritePlan; others: { table: string; own: boolean }[] }

/** Connects as the owner of the tables, for as long as `work` takes. Throws `database.rewrite_owner_missing`. */
export async function asOwner<T>(owned: OwnedDatabase, work: (owner: pg.Client) => Promise<T>): Promise<T> {
  const url = ownerUrlOf(owned)
  if (url === undefined) throw rewriteError('database.rewrite_owner_missing')
  const owner = await connectOwner(url)
  try {
    return await work(owner)
  } finally {
    await owner.end()
  }
}

/** What {@link rewriteDatabase} would do, and for how long about each table would be locked. */
export async function planRewrite(
  owned: OwnedDatabase,
  owner: pg.Client,
  options: RewriteOptions,
): Promise<RewritePlan> {
  return (await prepare(owned, owner, options)).plan
}

/**
 * Cleans, one after the other, the tables that ended erasures touched, unless they were cleaned since. Adds a signed
 * addendum to every request that reaches a level. It may be stopped and repeated: a table that was rewritten counts
 * from then on. `onTable` hears of each table before it is worked on.
 *
 * Throws `database.rewrite_running`, `database.not_owner` and `database.no_room`.
 */
export async function rewriteDatabase(
  owned: OwnedDatabase,
  owner: pg.Client,
  options: RewriteOptions & { onTable?: (table: PlannedTable, index: number, of: number) => void },
): Promise<RewriteResult> {
  const { rows } = await owner.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [rewritersLock])
  if (rows[0]?.got !== true) throw rewriteError('database.rewrite_running')
  try {
    const { waiting, plan, others } = await prepare(owned, owner, options)
    const foreign = waiting.length === 0 ? [] : others.filter(({ own }) => !own).map(({ table }) => table)
    const result: RewriteResult = { tables: [], held: [], stale: [], busy: [], foreign, reached: { 3: 0, 4: 0 } }
    const cleaned = new Set<string>()
    for (const [index, planned] of plan.tables.entries()) {
      options.signal?.throwIfAborted()
      options.onTable?.(planned, index, plan.tables.length)
      const began = Date.now()
      await cleanOne(owned, owner, planned, options, result, cleaned)
      if (options.gentle) await pause(Date.now() - began, undefined, { signal: options.signal })
    }
    await addLevels(
      owned,
      owner,
      waiting,
      others.map(({ table }) => table),
      cleaned,
      result,
    )
    return result
  } finally {
    await owner.query('select pg_advisory_unlock($1)', [rewritersLock])
  }
}

async function prepare(owned: OwnedDatabase, owner: pg.Client, options: RewriteOptions): Promise<Work> {
  const { level, all = false, sizeLimit = Number.POSITIVE_INFINITY } = options
  if (!(await ownsDatabase(owner))) {
    throw databaseError('database.not_owner', { table: statisticsTable, login: owner.user ?? 'the owner' })
  }
  const waiting = await readWaiting(owned, level)
  const others = await otherTables(owner, mappedTables)
  const always = [...alwaysTouched, ...others.filter(({ own }) => own).map(({ table }) => table), statisticsTable]
  /** Until when erasures have touched a table. */
  const touched = new Map<string, Date>()
  const touch = (table: string, at: Date) => {
    const known = touched.get(table)
    if (known === undefined || known < at) touched.set(table, at)
  }
  for (const { tables, finishedAt } of waiting) {
    for (const table of [...always, ...tables]) touch(table, finishedAt)
  }
  if (all) for (const table of always) touch(table, new Date())
  const rewritten = await readRewrites(owner)
  const speed = await measuredSpeed(owner)
  const sizes = await sizesOf(owner, [...touched.keys()])
  const tables = [...sizes]
    .map(([table, size]): PlannedTable => {
      const cleaning: Cleaning = level === 4 && size <= sizeLimit ? 'rewrite' : 'vacuum'
      return { table, cleaning, size, seconds: size / speed }
    })
    .filter(({ table, cleaning }) => {
      const [began, until] = [rewritten.get(table), touched.get(table)]
      return all || cleaning === 'vacuum' || began === undefined || until === undefined || began <= until
    })
    // The small ones first, and last the statistics, which the others replace.
    .sort((a, b) => Number(a.table === statisticsTable) - Number(b.table === statisticsTable) || a.size - b.size)
  return { waiting, others, plan: { requests: waiting.length, tables, free: await freeBytes(owned) } }
}

async function readWaiting(owned: OwnedDatabase, level: 3 | 4): Promise<Waiting[]> {
  const waiting: Waiting[] = []
  for (const tenant of await tenantIds(owned.database)) {
    await inTenant(owned.database, tenant, async (tx) => {
      const requests = (await readEndedRequests(tx)).filter((request) => request.level < level)
      if (requests.length === 0) return
      const { rows } = await tx.query<{ request_id: string; tables: string[] }>(
        `select request_id, array_agg(distinct table_name) as tables from erasure_receipts
         where tenant_id = $1 and request_id = any($2) group by request_id`,
        [tenant, requests.map(({ id }) => id)],
      )
      const tables = new Map(rows.map((row) => [row.request_id, row.tables]))
      waiting.push(...requests.map((request) => ({ ...request, tenant, tables: tables.get(request.id) ?? [] })))
    })
  }
  return waiting
}

/** When the last rewriting of each table began that left no dead row. */
async function readRewrites(owner: pg.Client): Promise<Map<string, Date>> {
  const { rows } = await owner.query<{ table_name: string; began_at: Date }>(
    'select table_name, began_at from table_rewrites',
  )
  return new Map(rows.map(({ table_name, began_at }) => [table_name, began_at]))
}

/** Bytes in a second, of what was rewritten here before. */
async function measuredSpeed(owner: pg.Client): Promise<number> {
  const { rows } = await owner.query<{ speed: number | null }>(
    `select (sum(size_before) / nullif(sum(extract(epoch from ended_at - began_at)), 0))::float8 as speed
     from table_rewrites having sum(size_before) > $1`,
    [assumedSpeed],
  )
  return rows[0]?.speed ?? assumedSpeed
}

async function freeBytes({ embeddedFolder }: OwnedDatabase): Promise<number | undefined> {
  if (embeddedFolder === undefined) return undefined
  const { bavail, bsize } = await statfs(embeddedFolder)
  return bavail * bsize
}

async function cleanOne(
  owned: OwnedDatabase,
  owner: pg.Client,
  { table, cleaning, size }: PlannedTable,
  options: RewriteOptions,
  result: RewriteResult,
  cleaned: Set<string>,
): Promise<void> {
  if (cleaning === 'rewrite') {
    const free = await freeBytes(owned)
    if (free !== undefined && free < size + spareRoom) {
      throw rewriteError('database.no_room', { table, needed: size + spareRoom, free })
    }
  }
  const began = await databaseTime(owner)
  try {
    const { deadRowsLeft } = await cleanTable(owner, table, cleaning, options)
    if (deadRowsLeft > 0) {
      result.held.push(table)
      return
    }
  } catch (error) {
    if (!databaseError.is(error, 'database.table_busy')) throw error
    result.busy.push(table)
    return
  }
  const ended = await databaseTime(owner)
  if (table !== statisticsTable && !(await replaceStatistics(owner, table))) {
    result.stale.push(table)
    return
  }
  cleaned.add(table)
  const sizeAfter = (await sizesOf(owner, [table])).get(table) ?? 0
  const seconds = (ended.getTime() - began.getTime()) / 1000
  result.tables.push({ table, cleaning, sizeBefore: size, sizeAfter, seconds })
  if (cleaning === 'vacuum') return
  await owner.query(
    `insert into table_rewrites (table_name, began_at, ended_at, size_before, size_after) values ($1, $2, $3, $4, $5)
     on conflict (table_name) do update set began_at = excluded.began_at, ended_at = excluded.ended_at,
       size_before = excluded.size_before, size_after = excluded.size_after`,
    [table, began, ended, size, sizeAfter],
  )
  // A table just rewritten has no page marked as visible to all, which index-only scans need.
  if (table !== statisticsTable) await cleanTable(owner, table, 'vacuum', options)
}

/** Only a superuser may, or others work on the table; undefined: it is in a schema of somebody else. */
const staying: ReadonlySet<string> = new Set([
  sqlstate.objectNotInPrerequisiteState,
  sqlstate.lockNotAvailable,
  sqlstate.undefinedTable,
])

/**
 * Takes new statistics of all columns. Of a table without rows PostgreSQL keeps the old ones: there, those of the columns
 * that name or describe people are removed. False: only a superuser may do that, or others work on the table.
 */
async function replaceStatistics(owner: pg.Client, table: string): Promise<boolean> {
  const { rows } = await owner.query<{ columns: string[] }>(
    `select array(
       select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
     ) as columns`,
    [table],
  )
  const columns = mappedTables.includes(table) ? tellingColumns(table) : rows[0]?.columns
  try {
    await owner.query('select refresh_statistics($1, $2)', [table, columns])
    return true
  } catch (error) {
    if (staying.has(codeOf(error) ?? '')) return false
    throw error
  }
}

async function databaseTime(owner: pg.Client): Promise<Date> {
  const { rows } = await owner.query<{ now: Date }>('select clock_timestamp() as now')
  const [row] = rows
  if (row === undefined) throw new Error('the server tells no time')
  return row.now
}

/**
 * Adds the level to every request whose tables are all clean. The time of a rewriting is compared with the end of the
 * request, although its transaction was committed a moment later. Until then it locked the tables, so the rewriting
 * waited for it.
 */
async function addLevels(
  owned: OwnedDatabase,
  owner: pg.Client,
  waiting: Waiting[],
  others: string[],
  cleaned: Set<string>,
  result: RewriteResult,
): Promise<void> {
  const rewritten = await readRewrites(owner)
  const known = await sizesOf(owner, [...new Set(waiting.flatMap(({ tables }) => tables)), ...alwaysTouched])
  const at = await databaseTime(owner)
  for (const { tenant, id, finishedAt, level, tables } of waiting) {
    const all = [...new Set([...alwaysTouched, ...tables])].filter((table) => known.has(table))
    const isRewritten = (table: string) => (rewritten.get(table)?.getTime() ?? 0) > finishedAt.getTime()
    const everywhere = [...all, ...others, statisticsTable]
    const reached = everywhere.every(isRewritten)
      ? 4
      : everywhere.every((table) => isRewritten(table) || cleaned.has(table))
        ? 3
        : undefined
    if (reached === undefined || reached <= level) continue
    const added = await inTenant(owned.database, tenant, (tx) => addDiskStatement(tx, id, { level: reached, at }))
    if (added) result.reached[reached]++
  }
  if (result.reached[4] > 0) await markLog(owner)
}

/** The owner's connection string, where the server is now; undefined where it is not configured. */
function ownerUrlOf(owned: OwnedDatabase): string | undefined {
  if (owned.ownerUrl === undefined || owned.embeddedFolder === undefined) return owned.ownerUrl
  const url = new URL(owned.ownerUrl)
  url.port = new URL(owned.database.url()).port
  return url.href
}
