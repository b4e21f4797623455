import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { installUnzip, readFolder, unzipIsThere, unzipped } from '../../test/unzip.ts'
import { startWorkerProcess } from '../../test/workers.ts'
import { submitWork } from '../learning/records/submit-work.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { newKey } from '../platform/crypto/seal.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { cleanExports } from './clean-exports.ts'
import { exportToFolder, makeExportFolder } from './export-folder.ts'
import { deleteExport, keepExport, listExports, showExport } from './kept-exports.ts'
import { writeNewFile } from './new-file.ts'
import { openExport } from './open-export.ts'
import { runExport } from './run-export.ts'
import { waitForExport } from './wait-for-export.ts'

let test: TestApplication
let rows: TenantRows
let root: string
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  root = await mkdtemp(path.join(os.tmpdir(), 'lethe-kept-'))
})
afterEach(async () => {
  await test.stopWorkers()
  await rm(root, { recursive: true })
})

/** A user who handed in something that cannot be compressed, so that the archive has several chunks. */
async function userWithFile(bytes = 1_000_000, values = {}): Promise<{ user: string; content: Buffer }> {
  const user = await rows.user(values)
  const assessment = await rows.insert('assessments', {
    course_id: await rows.course(),
    title: 'A test',
    kind: 'exam',
  })
  const content = randomBytes(bytes)
  await test.inTenant(rows.tenant, (tx) =>
    submitWork(tx, {
      userId: user,
      assessmentId: assessment,
      files: [{ name: 'work.bin', mediaType: 'application/octet-stream', content }],
    }),
  )
  return { user, content }
}

const order = async (userId: string, keepDays?: number) =>
  (await test.inTenant(rows.tenant, (tx) => keepExport(tx, { userId, ...(keepDays !== undefined && { keepDays }) }))).id

/** Orders one and has it written, in this process. */
async function kept(userId: string): Promise<string> {
  const id = await order(userId)
  await runExport(test.app.database, { tenant: rows.tenant, export: id })
  return id
}

const show = (id: string) => test.inTenant(rows.tenant, (tx) => showExport(tx, id))
const openIt = (id: string) => openExport(test.app.database, rows.tenant, id)
const expire = (id: string) =>
  test.owner.query(`update exports set expires_at = now() - interval '1 millisecond' where id = $1`, [id])

async function bytesOf(id: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync((await openIt(id)).content))
}

async function filesOf(id: string): Promise<Map<string, Buffer>> {
  const file = path.join(root, `${id}.zip`)
  const { content } = await openIt(id)
  await writeNewFile(file, (take) => take(content))
  return await unzipped(file)
}

/** What the database holds of exports: how many rows of each table. */
async function stored(id: string): Promise<{ exports: number; chunks: number; keys: number }> {
  const { rows } = await test.owner.query(
    `select (select count(*)::int from exports where id = $1) as exports,
       (select count(*)::int from export_chunks where export_id = $1) as chunks,
       (select count(sealed_key)::int from exports where id = $1) as keys`,
    [id],
  )
  return rows[0]
}

describe('a kept export', () => {
  it('is written by a worker, and has what the folder has', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const { user, content } = await userWithFile(1_000_000, { email: 'kept@acme.example' })
    const folder = path.join(root, 'folder')
    await makeExportFolder(folder)
    await test.inTenant(rows.tenant, (tx) => exportToFolder(tx, { userId: user, folder }))
    await test.startWorkers()
    const id = await order(user)
    const seen: string[] = []
    const ready = await waitForExport(test.database, rows.tenant, id, { onProgress: ({ state }) => seen.push(state) })
    expect(ready).toMatchObject({ state: 'ready', user_id: user, ordered_by: null, error_code: null })
    expect(seen.at(-1)).toBe('ready')
    const { size, fileName } = await openIt(id)
    expect(fileName).toBe(`export-${id}.zip`)
    expect((await bytesOf(id)).length).toBe(size)
    expect(ready.size).toBe(size)
    const files = await filesOf(id)
    // What differs: the moment, and that the exports themselves stand in it.
    const own = /^index\.|^data\/(about-exports|on_record-audit_entries)\./
    const same = (all: Map<string, Buffer>) =>
      new Map([...all].flatMap(([name, bytes]) => (own.test(name) ? [] : [[name, bytes.toString('base64')]])))
    expect(same(files)).toEqual(same(await readFolder(folder)))
    expect([...files].some(([name, bytes]) => name.startsWith('files/') && bytes.equals(content))).toBe(true)
    expect(JSON.parse(files.get('data/about-exports.json')?.toString() ?? '')).toMatchObject([{ id }])
    const index = JSON.parse(files.get('index.json')?.toString() ?? '')
    expect(index.tables.reduce((sum: number, { rows }: { rows: number }) => sum + rows, 0)).toBe(ready.rows_written)
    expect(test.log()).not.toContain('kept@acme')
  })

  it('names who ordered it, and lasts seven days, or as long as was said', async () => {
    const user = await rows.user()
    const administrator = await rows.administrator()
    const days = ({ created_at, expires_at }: { created_at: Date; expires_at: Date }) =>
      (expires_at.getTime() - created_at.getTime()) / 86_400_000
    const first = await inTenant(test.database, rows.tenant, (tx) => keepExport(tx, { userId: user }), {
      initiator: { from: 'console', userId: administrator },
    })
    expect(first).toMatchObject({ state: 'waiting', ordered_by: administrator, size: 0 })
    expect(days(first)).toBe(7)
    expect(days(await show(await order(user, 30)))).toBe(30)
    for (const keepDays of [0, 31, 1.5, Number.NaN]) {
      await expect(order(user, keepDays)).rejects.toMatchObject({ code: 'input.invalid' })
    }
  })

  it('is refused for nobody of the tenant', async () => {
    const elsewhere = await (await newTenant(test.owner)).user()
    await expect(order(elsewhere)).rejects.toMatchObject({ code: 'user.not_found' })
    await expect(order(await rows.user({ state: 'anonymized', anonymized_at: new Date() }))).rejects.toMatchObject({
      code: 'user.not_found',
    })
  })

  it('is listed, the newest first, of everybody or of one, and to no other tenant', async () => {
    const [ann, ben] = [await rows.user(), await rows.user()]
    const ids = [await order(ann), await order(ben), await order(ann)]
    const list = (options = {}) =>
      test.inTenant(rows.tenant, async (tx) => (await listExports(tx, options)).exports.map(({ id }) => id))
    expect(await list()).toEqual(ids.toReversed())
    expect(await list({ userId: ann })).toEqual([ids[2], ids[0]])
    expect(await list({ limit: 1, before: ids[2] })).toEqual([ids[1]])
    const other = await newTenant(test.owner)
    expect(await test.inTenant(other.tenant, (tx) => listExports(tx))).toEqual({ exports: [], next: undefined })
    await expect(openExport(test.app.database, other.tenant, ids[0] ?? '')).rejects.toMatchObject({
      code: 'export.not_found',
    })
  })

  it('holds no content of the ones before, only that they were', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const { user } = await userWithFile()
    const first = await kept(user)
    const files = await filesOf(await kept(user))
    expect(JSON.parse(files.get('data/about-exports.json')?.toString() ?? '')).toMatchObject([{ id: first }, {}])
    expect([...files.keys()].filter((name) => name.startsWith('files/'))).toHaveLength(1)
    const chunks: Record<string, unknown>[] = JSON.parse(files.get('data/about-export_chunks.json')?.toString() ?? '')
    expect(Object.keys(chunks[0] ?? {}).sort()).toEqual(['export_id', 'position', 'tenant_id', 'user_id'])
    expect(files.get('data/about-exports.json')?.toString()).not.toContain('sealed_key')
  })

  it('can be deleted, with its content', async () => {
    const { user } = await userWithFile()
    const [id, other] = [await kept(user), await kept(user)]
    await test.inTenant(rows.tenant, (tx) => deleteExport(tx, id))
    expect(await stored(id)).toEqual({ exports: 0, chunks: 0, keys: 0 })
    expect((await stored(other)).chunks).toBeGreaterThan(3)
    await expect(openIt(id)).rejects.toMatchObject({ code: 'export.not_found' })
    const again = test.inTenant(rows.tenant, (tx) => deleteExport(tx, id))
    await expect(again).rejects.toMatchObject({ code: 'export.not_found' })
  })

  it('can be fetched once it is ready, not before', async () => {
    const id = await order(await rows.user())
    await expect(openIt(id)).rejects.toMatchObject({ code: 'export.not_ready' })
    await runExport(test.app.database, { tenant: rows.tenant, export: id })
    expect((await openIt(id)).size).toBeGreaterThan(0)
  })
})

describe('an export that has expired', () => {
  it('is refused from that moment on, whether its content was cleaned away or not', async () => {
    const { user } = await userWithFile()
    const [id, living] = [await kept(user), await kept(user)]
    const { content } = await openIt(id)
    await content.next()
    await expire(id)
    await expect(openIt(id)).rejects.toMatchObject({ code: 'export.expired' })
    // Nor does a download that began before go on.
    await expect(content.next()).rejects.toMatchObject({ code: 'export.expired' })
    expect((await show(id)).state).toBe('expired')
    expect((await stored(id)).chunks).toBeGreaterThan(3)

    await Promise.all([cleanExports(test.app.database), cleanExports(test.app.database)])
    expect(await stored(id)).toEqual({ exports: 1, chunks: 0, keys: 0 })
    await expect(openIt(id)).rejects.toMatchObject({ code: 'export.expired' })
    expect((await show(id)).state).toBe('expired')
    expect((await openIt(living)).size).toBeGreaterThan(0)
  })

  it('is not written any more, in whichever tenant', async () => {
    const id = await order((await userWithFile()).user)
    await expire(id)
    await runExport(test.app.database, { tenant: rows.tenant, export: id })
    expect(await stored(id)).toEqual({ exports: 1, chunks: 0, keys: 0 })
  })
})

describe.each(['purge', 'anonymize'] as const)('%s', (operation) => {
  it('destroys the kept exports of the person, and of nobody else', async () => {
    const { user } = await userWithFile()
    const other = await kept((await userWithFile()).user)
    const id = await kept(user)
    await order(user)
    await test.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds: [user] }))
    await test.startWorkers()
    const erasure = await test[operation](rows.tenant, [user])
    expect(erasure.state).toBe('completed')
    expect(await stored(id)).toEqual({ exports: 0, chunks: 0, keys: 0 })
    expect((await test.owner.query('select from exports where user_id = $1', [user])).rowCount).toBe(0)
    await expect(openIt(id)).rejects.toMatchObject({ code: 'export.not_found' })
    expect((await openIt(other)).size).toBeGreaterThan(0)
  })
})

describe('the content of a kept export', () => {
  it('is stored encrypted', async () => {
    const { user, content } = await userWithFile(1_000_000, { email: 'canary-5c1d@acme.example' })
    const id = await kept(user)
    const { rows: chunks } = await test.owner.query<{ content: Buffer }>(
      'select content from export_chunks where export_id = $1 order by position',
      [id],
    )
    const all = Buffer.concat(chunks.map((chunk) => chunk.content))
    expect(all.length).toBeGreaterThan(content.length)
    expect((await bytesOf(id)).includes(content.subarray(500_000, 500_100))).toBe(true)
    expect(all.includes(content.subarray(500_000, 500_100))).toBe(false)
    // The names of the files in an archive are not compressed.
    expect(all.includes('index.json')).toBe(false)
    const stranger = { ...test.app.database, masterKey: newKey() }
    await expect(openExport(stranger, rows.tenant, id)).rejects.toMatchObject({ code: 'master_key.wrong' })
  })

  it.each([
    ['cut short', 'update exports set size = 262144 where id = $1'],
    ['another size', 'update exports set size = size + 262144 where id = $1'],
    ['without a chunk', 'delete from export_chunks where export_id = $1 and position = 1'],
    ['changed', `update export_chunks set content = content || '\\x00' where export_id = $1 and position = 1`],
    [
      'in another order',
      `update export_chunks c set content = o.content from export_chunks o
       where c.export_id = $1 and c.position = 1 and o.export_id = c.export_id and o.position = 2`,
    ],
  ])('is refused where it was tampered with: %s', async (_, change) => {
    const id = await kept((await userWithFile()).user)
    await test.owner.query(change, [id])
    await expect(bytesOf(id)).rejects.toMatchObject({ code: 'export.damaged' })
  })
})

describe('the work on an export', () => {
  it('goes on where its process was killed', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const { user, content } = await userWithFile(20_000_000)
    const worker = await startWorkerProcess({
      name: 'export worker',
      databaseUrl: test.appUrl,
      masterKey: test.app.masterKey,
    })
    let id = await order(user)
    for (;;) {
      const { state, size } = await show(id)
      if (state === 'running' && size > 0) break
      // Too fast to be caught at it: once more.
      if (state === 'ready') id = await order(user)
    }
    await worker.kill()
    expect((await show(id)).state).toBe('running')
    await test.startWorkers()
    expect(await waitForExport(test.database, rows.tenant, id)).toMatchObject({ state: 'ready' })
    const { size } = await show(id)
    expect((await stored(id)).chunks).toBe(Math.ceil(size / 262_144))
    expect([...(await filesOf(id)).values()].some((bytes) => bytes.equals(content))).toBe(true)
  })

  it('bears being done by two at the same time: the later one takes over, and the earlier one never ends its job', async () => {
    const id = await order((await userWithFile(3_000_000)).user)
    const job = { tenant: rows.tenant, export: id }
    const ended = await Promise.allSettled(
      [1, 2].map(async () => {
        await runExport(test.app.database, job)
        // The queue deletes the job now, also where it is the other worker's.
        expect((await show(id)).state).toBe('ready')
      }),
    )
    const refused = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refused.length).toBeLessThan(2)
    for (const reason of refused) expect(reason).toMatchObject({ code: 'export.superseded' })
    const { state, size } = await show(id)
    expect(state).toBe('ready')
    expect((await bytesOf(id)).length).toBe(size)
    expect((await stored(id)).chunks).toBe(Math.ceil(size / 262_144))
  })

  it('is given up quietly where the export is deleted meanwhile', async () => {
    const { user } = await userWithFile(20_000_000)
    let states: string[] = []
    while (!states.includes('running')) {
      states = []
      const id = await order(user)
      const running = runExport(test.app.database, { tenant: rows.tenant, export: id })
      let { state, size } = await show(id)
      while (state !== 'ready' && size === 0) ({ state, size } = await show(id))
      states.push((await show(id)).state)
      await test.inTenant(rows.tenant, (tx) => deleteExport(tx, id))
      await running
      expect(await stored(id)).toEqual({ exports: 0, chunks: 0, keys: 0 })
    }
  })

  it('says that it failed, keeps nothing of it, and is tried again', async () => {
    const { user } = await userWithFile()
    await test.owner.query('revoke insert on export_chunks from lethe_app')
    await test.startWorkers()
    const id = await order(user)
    try {
      expect(await waitForExport(test.database, rows.tenant, id)).toMatchObject({
        state: 'failed',
        error_code: '42501',
      })
      expect(await stored(id)).toEqual({ exports: 1, chunks: 0, keys: 0 })
      await expect(openIt(id)).rejects.toMatchObject({ code: 'export.not_ready' })
    } finally {
      await test.owner.query('grant insert on export_chunks to lethe_app')
    }
    await test.stopWorkers()
    await test.startWorkers()
    let { state } = await show(id)
    while (state !== 'ready') ({ state } = await show(id))
    expect((await show(id)).error_code).toBeNull()
  })
})
