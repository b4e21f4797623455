import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgresql15, type Postgresql15, startPostgresql15 } from '../../../test/postgresql-15.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { type Application, openApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import { importUsers } from '../../imports/users/import-users.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import { migrate } from '../../platform/database/migrate.ts'
import { connectOwner } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { startWorkers } from '../../workers.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { waitForErasure } from '../requests/wait-for-erasure.ts'
import { declareBackups } from './declare-backups.ts'
import { concludeOnDisk, passLog } from './pass-log.ts'
import { asOwner, type RewriteOptions, rewriteDatabase } from './rewrite-database.ts'

// What is on disk at each level of an erasure: the server is stopped, and every file of it is searched for what only the
// purged people had. Ten random characters cannot be shortened by compression, and are found wherever they stand.

const random = () =>
  `q${BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .slice(0, 9)}`

/** In every identifier and name of the purged people. */
const canary = random()
/** In every row of a file that was imported as a dry run. */
const stranger = random()

const promptly: Omit<RewriteOptions, 'level'> = { lockTimeout: 5_000, tries: 10 }

type Server = {
  name: string
  folder: string
  open(): Promise<Application>
  /** Closes the application and stops the server. */
  close(app: Application): Promise<void>
  /** A superuser's connection string. */
  superuser: string
  remove(): Promise<void>
}

async function embedded(): Promise<Server> {
  const base = await mkdtemp(path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'lethe-disk-'))
  await chmod(base, 0o711)
  const folder = path.join(base, 'data')
  const server: Server = {
    name: 'the embedded PostgreSQL 18',
    folder,
    superuser: '',
    async open() {
      const app = await openApplication({ config: readConfig({ LETHE_DATA: folder }) })
      server.superuser = app.ownerUrl ?? ''
      return app
    },
    close: (app) => app.close(),
    remove: () => rm(base, { recursive: true, force: true }),
  }
  return server
}

/** The owner is no superuser: what it needs beyond the tables is granted. */
async function debian(): Promise<Server> {
  const postgresql: Postgresql15 = await startPostgresql15({ durable: true })
  const superuser = postgresql.ownerUrlOf('lethe')
  const admin = new pg.Client({ connectionString: postgresql.ownerUrlOf('postgres') })
  await admin.connect()
  await admin.query(`
    create role keeper login createrole createdb;
    grant pg_monitor, pg_checkpoint to keeper;
    grant execute on function pg_switch_wal() to keeper`)
  await admin.query('create database lethe owner keeper')
  await admin.end()
  const ownerUrl = superuser.replace('postgres@', 'keeper@')
  const appUrl = superuser.replace('postgres@', 'lethe_server:secret@')
  // What the function of the migrations needs: it was granted on one database only.
  const lethe = new pg.Client({ connectionString: superuser })
  await lethe.connect()
  await lethe.query('grant execute on function pg_switch_wal() to keeper')
  await lethe.end()
  await migrate({ ownerUrl, appUrl })
  const master = newKey().toString('base64')
  return {
    name: 'PostgreSQL 15 with an owner who is no superuser',
    folder: postgresql.data,
    superuser,
    async open() {
      postgresql.resume()
      const environment = { DATABASE_URL: appUrl, DATABASE_OWNER_URL: ownerUrl, LETHE_MASTER_KEY: master }
      return openApplication({ config: readConfig(environment) })
    },
    async close(app) {
      await app.close()
      postgresql.pause()
    },
    remove: () => postgresql.stop(),
  }
}

/** The files below a folder that hold the text, by their path. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    if ((await readFile(file)).includes(text)) found.push(path.relative(folder, file))
  }
  return found.sort()
}

const isLog = (file: string) => file.includes('pg_wal/')

const kinds = [
  { make: embedded, there: true },
  { make: debian, there: hasPostgresql15 },
]

describe.each(kinds.filter(({ there }) => there))('$make.name', ({ make }) => {
  let server: Server
  let app: Application | undefined
  let rows: TenantRows
  let request: string

  const opened = (): Application => {
    if (app === undefined) throw new Error('the application is closed')
    return app
  }

  async function reopen(): Promise<Application> {
    app ??= await server.open()
    return app
  }

  /** Stops the server and looks into its files. */
  async function searchFiles(text = canary): Promise<{ log: string[]; others: string[] }> {
    if (app !== undefined) await server.close(app)
    app = undefined
    const found = await filesWith(server.folder, text)
    return { log: found.filter(isLog), others: found.filter((file) => !isLog(file)) }
  }

  async function asSuperuser<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: server.superuser })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  const certified = async () =>
    verifyCertificate(await inTenant((await reopen()).database, rows.tenant, (tx) => readCertificate(tx, request)))

  beforeAll(async () => {
    server = await make()
    await reopen()
    const owner = await connectOwner(server.superuser)
    try {
      rows = await newTenant(owner)
      const leaver = (number: number, name = '') => ({
        email: `${canary}.${number}${name}@leaver.example`,
        login_name: `${canary}.${number}`,
        ref: `${canary}-${number}`,
        first_name: `Ann${canary}`,
        last_name: `Aster${canary}${number}`,
        department: `${canary} ${number}`,
      })
      const leavers: string[] = []
      // Between those who stay, so that pages are kept.
      for (let number = 0; number < 300; number++) {
        await rows.user({ email: `stays.${number}@acme.example`, first_name: 'Bea', last_name: `Borage${number}` })
        if (number % 10 === 0) leavers.push(await rows.deletedUser(leaver(number)))
      }
      for (const [number, id] of leavers.entries()) {
        const { email, ref } = leaver(number * 10)
        await rows.catalog({ contact_emails: [email], description: `Ask ${email}, or ${ref}.` })
        // Nobody else has messages: the purge empties their table.
        await rows.insert('notifications', { user_id: id, kind: 'mail', subject: `For ${canary} ${number}`, body: ref })
        // An address that the person had before.
        await owner.query('update users set email = $2 where id = $1', [id, leaver(number * 10, '.new').email])
        await owner.query('update users set email = $2 where id = $1', [id, email])
      }
      // A table beside Lethe's own, from which somebody deleted what the search would have found.
      const { rows: keeper } = await owner.query<{ name: string }>(
        `select rolname as name from pg_database join pg_roles r on r.oid = datdba where datname = current_database()`,
      )
      await owner.query(`create table "Pay.roll" (remark text)`)
      await owner.query(`alter table "Pay.roll" owner to ${keeper[0]?.name}`)
      await owner.query(`grant select on "Pay.roll" to lethe_auditor`)
      await owner.query(`insert into "Pay.roll" select 'pays ${canary} ' || n from generate_series(1, 300) n`)
      await owner.query('analyze')
      await owner.query('delete from "Pay.roll"')
      const held = await owner.query(
        `select from pg_stats where concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text) like $1`,
        [`%${canary}%`],
      )
      expect(held.rowCount).toBeGreaterThan(5)
      // New people, and others of whom it says something new.
      const lines = [
        ...Array.from({ length: 50 }, (_, n) => `${stranger}.${n}@a.example,${stranger}-${n},${stranger}`),
        ...Array.from({ length: 50 }, (_, n) => `stays.${n}@acme.example,,${stranger}`),
      ]
      const { counts } = await importUsers(opened().database, rows.tenant, {
        source: Readable.from([Buffer.from(`email,ref,first_name\n${lines.join('\n')}\n`)]),
        file: 'strangers.csv',
        dryRun: true,
      })
      expect(counts).toMatchObject({ created: 50, updated: 50 })
      const workers = await startWorkers(opened(), pino({ level: 'silent' }))
      try {
        const ordered = await inTenant(opened().database, rows.tenant, (tx) =>
          requestErasure(tx, { operation: 'purge', userIds: leavers }),
        )
        request = ordered.request
        await waitForErasure(opened().database, rows.tenant, request, { until: 'ended' })
      } finally {
        await workers.stop()
      }
    } finally {
      await owner.end()
    }
  }, 240_000)
  afterAll(async () => {
    if (app !== undefined) await server.close(app)
    await server.remove()
  })

  it('has no value of purged people in the statistics of its tables once a purge has ended', async () => {
    const { rowCount } = await asSuperuser((client) =>
      client.query(
        `select from pg_stats where tablename <> 'Pay.roll' and concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text) like $1`,
        [`%${canary}%`],
      ),
    )
    expect(rowCount).toBe(0)
    expect(await certified()).toMatchObject({ verdict: 'clean', disk: { level: 2 }, outstanding: ['disk', 'backups'] })
  })

  it('keeps the bytes of purged people in its files at level 2, and none of a dry run of an import', async () => {
    const { log, others } = await searchFiles()
    expect(others.length).toBeGreaterThan(5)
    expect(log.length).toBeGreaterThan(0)
    expect(await filesWith(server.folder, stranger)).toEqual([])
  })

  it('has no dead row of them at level 3', async () => {
    await reopen()
    await asSuperuser((client) => client.query('create extension if not exists pageinspect'))
    const dead = () =>
      asSuperuser(async (client) => {
        const { rows: found } = await client.query<{ table: string; items: number }>(
          `select c.relname as table, count(*)::int as items
           from pg_class c cross join generate_series(0, pg_relation_size(c.oid) / 8192 - 1) page
           cross join heap_page_items(get_raw_page(c.oid::regclass::text, page)) item
           where c.relkind = 'r' and (c.relnamespace = 'public'::regnamespace or c.relname = 'pg_statistic')
             and position(convert_to($1, 'UTF8') in item.t_data) > 0
           group by 1`,
          [canary],
        )
        return found
      })
    const before = await dead()
    expect(before.map(({ table }) => table)).toContain('catalogs')
    const result = await asOwner(opened(), (owner) => rewriteDatabase(opened(), owner, { level: 3, ...promptly }))
    expect(result).toMatchObject({ held: [], stale: [], busy: [], reached: { 3: 1, 4: 0 } })
    expect(await dead()).toEqual([])
    const { rowCount } = await asSuperuser((client) =>
      client.query(
        `select from pg_stats where concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text) like $1`,
        [`%${canary}%`],
      ),
    )
    expect(rowCount).toBe(0)
    expect((await certified()).disk).toMatchObject({ level: 3 })
    expect((await searchFiles()).others.length).toBeGreaterThan(0)
  })

  it('keeps them nowhere but in the log at level 4', async () => {
    await reopen()
    const result = await asOwner(opened(), (owner) => rewriteDatabase(opened(), owner, { level: 4, ...promptly }))
    expect(result).toMatchObject({ held: [], stale: [], busy: [], reached: { 3: 0, 4: 1 } })
    expect((await certified()).disk).toMatchObject({ level: 4 })
    const again = await asOwner(opened(), (owner) => rewriteDatabase(opened(), owner, { level: 4, ...promptly }))
    expect(again.tables).toEqual([])
    const { log, others } = await searchFiles()
    expect(others).toEqual([])
    expect(log.length).toBeGreaterThan(0)
  })

  it('keeps them nowhere at level 5, and says so of the backups once they are declared', async () => {
    await reopen()
    expect(await asOwner(opened(), (owner) => passLog(owner))).toMatchObject({ passed: true })
    await concludeOnDisk(opened().database)
    expect(await certified()).toMatchObject({ disk: { level: 5 }, outstanding: ['backups'] })
    await declareBackups(opened().database, { kind: 'files', oldest: new Date(Date.now() - 86_400_000) })
    expect((await certified()).outstanding).toEqual(['backups'])
    await declareBackups(opened().database, { kind: 'files', oldest: new Date() })
    expect(await certified()).toMatchObject({ verdict: 'clean', disk: { level: 5 }, outstanding: [] })
    expect(await searchFiles()).toEqual({ log: [], others: [] })
  })
})
