import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { importedTables, importOulad } from '../server/imports/oulad/import-oulad.ts'
import { newKey } from '../server/platform/crypto/seal.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { openDatabase } from '../server/platform/database/pool.ts'

export type ImportBenchmark = {
  /** importOulad, from the CSV files, as the application's role under row level security. */
  ours_ms: number
  /** A bare COPY of the resulting rows into the same empty tables, as the owner, with indexes and foreign keys. */
  floor_ms: number
  ratio: number
  rows: number
  /** Most memory that the importing process held, in bytes. */
  peak_memory: number
  floor_ms_by_table: Record<string, number>
}

/**
 * Imports the data set of `folder` into a fresh database of the server, then copies the imported rows into a second one
 * with bare COPY. Compares the times. Both databases are dropped.
 *
 * `serverUrl` and `loginUrl` are connection strings of the owner (who may create databases) and of the application.
 */
export async function benchImportOulad(options: {
  serverUrl: string
  loginUrl: string
  folder: string
}): Promise<ImportBenchmark> {
  const tenantId = randomUUID()
  const copies = await mkdtemp(path.join(os.tmpdir(), 'lethe-bench-'))
  try {
    return await withFreshDatabase(options, tenantId, async (ours) => {
      const database = await openDatabase({ url: ours.appUrl, masterKey: newKey() })
      let peakMemory = 0
      const watch = setInterval(() => {
        peakMemory = Math.max(peakMemory, process.memoryUsage.rss())
      }, 50)
      let started = performance.now()
      try {
        await importOulad(database, tenantId, { folder: options.folder })
      } finally {
        clearInterval(watch)
        await database.close()
      }
      const oursMs = performance.now() - started

      const columns = new Map<string, string>()
      let rows = 0
      for (const table of importedTables) {
        const list = await writtenColumns(ours.owner, table)
        columns.set(table, list)
        const copying = ours.owner.query(copyTo(`copy ${table} (${list}) to stdout`))
        await pipeline(copying, createWriteStream(path.join(copies, table)))
        rows += copying.rowCount
      }

      return await withFreshDatabase(options, tenantId, async (floor) => {
        const byTable: Record<string, number> = {}
        for (const table of importedTables) {
          started = performance.now()
          await pipeline(
            createReadStream(path.join(copies, table), { highWaterMark: 256 * 1024 }),
            floor.owner.query(copyFrom(`copy ${table} (${columns.get(table)}) from stdin`)),
          )
          byTable[table] = Math.round(performance.now() - started)
        }
        const floorMs = Object.values(byTable).reduce((sum, ms) => sum + ms, 0)
        return {
          ours_ms: Math.round(oursMs),
          floor_ms: floorMs,
          ratio: Number((oursMs / floorMs).toFixed(2)),
          rows,
          peak_memory: peakMemory,
          floor_ms_by_table: byTable,
        }
      })
    })
  } finally {
    await rm(copies, { recursive: true, force: true })
  }
}

type FreshDatabase = { owner: pg.Client; appUrl: string }

/** A migrated database with one tenant, after a checkpoint, so that nobody pays for what was written before. */
async function withFreshDatabase<T>(
  server: { serverUrl: string; loginUrl: string },
  tenantId: string,
  work: (database: FreshDatabase) => Promise<T>,
): Promise<T> {
  const name = `lethe_bench_${randomUUID().slice(0, 8)}`
  const ownerUrl = withDatabase(server.serverUrl, name)
  const appUrl = withDatabase(server.loginUrl, name)
  await migrate({ ownerUrl, appUrl })
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query(`insert into tenants (id, name, kind) values ($1, 'Benchmark', 'enterprise')`, [tenantId])
    await owner.query('checkpoint')
    return await work({ owner, appUrl })
  } finally {
    await owner.end()
    const admin = new pg.Client({ connectionString: withDatabase(server.serverUrl, 'postgres') })
    await admin.connect()
    await admin.query(`drop database ${pg.escapeIdentifier(name)} with (force)`)
    await admin.end()
  }
}

/** The columns that a COPY can fill: all but the generated ones. */
async function writtenColumns(owner: pg.Client, table: string): Promise<string> {
  const { rows } = await owner.query<{ list: string }>(
    `select string_agg(quote_ident(attname), ', ' order by attnum) as list
     from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  )
  return rows[0]?.list ?? ''
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
