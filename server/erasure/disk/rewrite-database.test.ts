import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { concludeOnDisk, passLog } from './pass-log.ts'
import { asOwner, type RewriteOptions, rewriteDatabase } from './rewrite-database.ts'
import { runRewrite } from './run-rewrite.ts'
import { showDisk } from './show-disk.ts'
import { alwaysTouched } from './touched-tables.ts'

// What is in the files at each level is in disk.test.ts, on servers of its own.

let test: TestApplication
let rows: TenantRows
let request: string

beforeAll(async () => {
  test = await openTestApplication()
  rows = await newTenant(test.owner)
})
afterAll(() => test.close())

beforeEach(async () => {
  // An erasure that waits, and none of an earlier test.
  await rewrite()
  await test.startWorkers()
  const { id, state } = await test.purge(rows.tenant, [await rows.deletedUser({ email: `ann@leaver.example` })])
  expect(state).toBe('completed')
  request = id
  await test.stopWorkers()
})

const promptly: RewriteOptions = { level: 4, lockTimeout: 200, tries: 2 }

function rewrite(options: Partial<Parameters<typeof rewriteDatabase>[2]> = {}) {
  return asOwner(test.app, (owner) => rewriteDatabase(test.app, owner, { ...promptly, ...options }))
}

async function diskOf(id = request) {
  return (await verifyCertificate(await test.inTenant(rows.tenant, (tx) => readCertificate(tx, id)))).disk?.level
}

/** Another connection that has done this, and has not ended its transaction. */
async function during<T>(statements: string, work: () => Promise<T>): Promise<T> {
  const other = new pg.Client({ connectionString: test.ownerUrl })
  await other.connect()
  try {
    await other.query(statements)
    return await work()
  } finally {
    await other.end()
  }
}

it('rewrites what an erasure may have touched once, and again only after the next one', async () => {
  const { tables, reached } = await rewrite()
  expect(tables.map(({ table }) => table)).toEqual(
    expect.arrayContaining([...alwaysTouched, 'pg_catalog.pg_statistic']),
  )
  expect(tables.at(-1)?.table).toBe('pg_catalog.pg_statistic')
  expect(reached).toEqual({ 3: 0, 4: 1 })
  expect(await diskOf()).toBe(4)
  expect((await rewrite()).tables).toEqual([])
  expect((await rewrite({ all: true })).tables.length).toBeGreaterThan(alwaysTouched.length)
})

it('goes on where it was stopped', async () => {
  const stopping = new AbortController()
  const seen: string[] = []
  const stopped = rewrite({
    signal: stopping.signal,
    onTable({ table }, index) {
      seen.push(table)
      if (index === 3) stopping.abort(new Error('stopped'))
    },
  })
  await expect(stopped).rejects.toThrow('stopped')
  expect(await diskOf()).toBe(2)
  const { tables, reached } = await rewrite()
  for (const table of seen.slice(0, 3)) expect(tables.map((one) => one.table)).not.toContain(table)
  expect(reached[4]).toBe(1)
})

it('claims no level while a transaction may still ask for the dead rows', async () => {
  await test.startWorkers()
  const person = await rows.deletedUser({ email: 'held@leaver.example' })
  const id = await during('begin isolation level repeatable read; select 1', async () => {
    const purged = await test.purge(rows.tenant, [person])
    for (const level of [3, 4] as const) {
      const { held, reached } = await rewrite({ level })
      expect(held).toContain('users')
      expect(reached).toEqual({ 3: 0, 4: 0 })
    }
    return purged.id
  })
  expect(await diskOf(id)).toBe(2)
  expect((await rewrite()).reached[4]).toBe(2)
  expect(await diskOf(id)).toBe(4)
})

it('lets others pass who use a table, and leaves it for the next time', async () => {
  const { busy, reached } = await during('begin; lock table users in row exclusive mode', () => rewrite())
  expect(busy).toEqual(['users'])
  expect(reached).toEqual({ 3: 0, 4: 0 })
  expect(await diskOf()).toBe(2)
})

it('vacuums tables above the limit, which brings the erasure to level 3 only', async () => {
  const { tables, reached } = await rewrite({ sizeLimit: 64 * 1024 })
  expect(tables.find(({ table }) => table === 'users')?.cleaning).toBe('vacuum')
  expect(reached).toEqual({ 3: 1, 4: 0 })
  expect(await diskOf()).toBe(3)
})

it('is done by one process at a time', async () => {
  await asOwner(test.app, async (owner) => {
    const first = rewriteDatabase(test.app, owner, promptly)
    await expect(rewrite()).rejects.toMatchObject({ code: 'database.rewrite_running' })
    await first
  })
})

it('is refused to a login that does not own the database', async () => {
  const url = new URL(test.ownerUrl)
  url.username = `stray_${process.pid}`
  url.password = 'secret'
  await test.owner.query(
    `create role ${url.username} login password 'secret'; grant select on all tables in schema public to ${url.username}`,
  )
  try {
    const app = { ...test.app, ownerUrl: url.href }
    const refused = asOwner(app, (owner) => rewriteDatabase(app, owner, promptly))
    await expect(refused).rejects.toMatchObject({ code: 'database.not_owner' })
  } finally {
    await test.owner.query(`drop owned by ${url.username}; drop role ${url.username}`)
  }
})

it('reaches level 5 when the log is past it, and names the replication slot that keeps it back', async () => {
  await rewrite()
  const slot = `lethe_test_${process.pid}`
  await test.owner.query('select pg_create_physical_replication_slot($1, true)', [slot])
  try {
    const state = await asOwner(test.app, (owner) => passLog(owner))
    expect(state).toMatchObject({ passed: false, mayMove: true })
    expect(state?.keepers).toContainEqual({ what: 'slot', name: slot })
    await concludeOnDisk(test.app.database)
    expect(await diskOf()).toBe(4)
  } finally {
    await test.owner.query('select pg_drop_replication_slot($1)', [slot])
  }
  expect(await asOwner(test.app, (owner) => passLog(owner))).toMatchObject({ passed: true })
  expect((await concludeOnDisk(test.app.database)).log).toBeGreaterThan(0)
  expect(await diskOf()).toBe(5)
})

it('is what the job of the embedded server does, with its limit', async () => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) })
  await runRewrite(test.app, { sizeLimit: 64 * 1024 }, log)
  expect(await diskOf()).toBe(3)
  await runRewrite(test.app, { sizeLimit: undefined }, log)
  expect(await diskOf()).toBe(5)
  expect(lines).toHaveLength(2)
  const status = await showDisk(test.owner)
  expect(status).toMatchObject({ rewritten: alwaysTouched.length + 1, tables: alwaysTouched.length + 1, backups: null })
})
