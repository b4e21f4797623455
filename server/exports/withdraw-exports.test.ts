import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { installUnzip, unzipIsThere, unzipped } from '../../test/unzip.ts'
import { listAudit } from '../audit/list-audit.ts'
import { verifyAudit } from '../audit/verify-audit.ts'
import { previewErasure } from '../erasure/requests/preview-erasure.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { keepExport, showExport } from './kept-exports.ts'
import { openExport } from './open-export.ts'
import { waitForExport } from './wait-for-export.ts'

let test: TestApplication
let rows: TenantRows
let root: string
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  root = await mkdtemp(path.join(os.tmpdir(), 'lethe-withdrawn-'))
})
afterEach(() => rm(root, { recursive: true }))

const address = 'gone.person@corp.example'

/** Keeps an export and waits until workers have written it. */
async function kept(userId: string, orderedBy?: string): Promise<string> {
  const { id } = await inTenant(test.database, rows.tenant, (tx) => keepExport(tx, { userId }), {
    initiator: { from: 'console', userId: orderedBy },
  })
  expect((await waitForExport(test.database, rows.tenant, id)).state).toBe('ready')
  return id
}

const stateOf = async (id: string) => (await test.inTenant(rows.tenant, (tx) => showExport(tx, id))).state

const notifyOf = (user: string, body: string) =>
  rows.insert('notifications', { user_id: user, kind: 'test', subject: 'A message', body })

async function contentOf(id: string): Promise<string> {
  const file = path.join(root, `${id}.zip`)
  const { content } = await openExport(test.app.database, rows.tenant, id)
  await writeFile(file, Buffer.concat(await Array.fromAsync(content)))
  return [...(await unzipped(file)).values()].map((bytes) => bytes.toString('utf8')).join('\n')
}

describe.each(['purge', 'anonymize'] as const)('a kept export of somebody else (%s)', (operation) => {
  it('is withdrawn where it holds an identifier of the erased, and stays where it does not', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const officer = await rows.administrator()
    const ann = await rows.deletedUser({ email: address, ref: 'GONE-4711' })
    const bob = await rows.user({ email: 'bob@corp.example' })
    const carl = await rows.user({ email: 'carl@corp.example' })
    await notifyOf(bob, 'Write to Gone.Person%40corp.example')
    await notifyOf(carl, 'Write to other.person@corp.example, GONE-4712')
    const [withAnn, without] = [await kept(bob, officer), await kept(carl, officer)]
    const { effects } = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, operation, [ann]))
    const done = await test[operation](rows.tenant, [ann], officer)
    expect(done).toMatchObject({ state: 'completed', failures: [] })
    const ofExports = ({ table }: { table: string }) => table === 'exports'
    expect(effects.filter(ofExports)).toEqual([{ table: 'exports', effect: 'withdrawn', rows: 1 }])
    expect(done.receipt.filter(ofExports)).toEqual(effects.filter(ofExports))

    expect([await stateOf(withAnn), await stateOf(without)]).toEqual(['withdrawn', 'ready'])
    await expect(openExport(test.app.database, rows.tenant, withAnn)).rejects.toMatchObject({
      code: 'export.withdrawn',
    })
    const { rows: left } = await test.owner.query(
      `select 1 from export_chunks where export_id = $1
       union all select 1 from exports where id = $1 and (sealed_key is not null or words is not null)`,
      [withAnn],
    )
    expect(left).toEqual([])
    const { rows: told } = await test.owner.query<{ body: string; data: unknown }>(
      `select body, data from notifications where user_id = $1 and kind = 'export_withdrawn'`,
      [officer],
    )
    expect(told).toEqual([{ body: expect.stringContaining('Request a new one'), data: { exports: [withAnn] } }])
    const { entries } = await test.inTenant(rows.tenant, (tx) => listAudit(tx, { activity: 'ExportWithdrawn' }))
    expect(entries).toMatchObject([{ object: { id: withAnn }, subject: bob }])
    expect(await verifyAudit(test.app.database, rows.tenant)).toMatchObject({ problems: [] })
    // Ordered anew, it says what is so now.
    expect(await contentOf(await kept(bob))).not.toMatch(/gone\.person/i)
  })

  it('is withdrawn for what the trail held of the other one, also where that was a short name', async () => {
    const inTx = <T>(work: Parameters<typeof inTenant<T>>[2]) => inTenant(test.database, rows.tenant, work)
    const ann = await rows.deletedUser({ login_name: 'anna' })
    const { id: bob } = await inTx((tx) => createUser(tx, { login_name: 'i:0#.f|membership|Anna' }))
    await inTx((tx) => updateUser(tx, bob, { login_name: 'bob' }))
    const { id: carl } = await inTx((tx) => createUser(tx, { first_name: 'Anna', login_name: 'carl' }))
    const [ofBob, ofCarl] = [await kept(bob), await kept(carl)]
    expect(await test[operation](rows.tenant, [ann])).toMatchObject({ state: 'completed' })
    expect([await stateOf(ofBob), await stateOf(ofCarl)]).toEqual(['withdrawn', 'ready'])
  })
})

describe('a kept export of somebody else', () => {
  it('stays where the identifier is shared, and is withdrawn where it is from before there were words', async () => {
    const ann = await rows.deletedUser({ email: address })
    const bob = await rows.user({ email: address })
    const id = await kept(bob)
    await test.purge(rows.tenant, [ann])
    expect(await stateOf(id)).toBe('ready')
    await test.owner.query('update exports set words = null where id = $1', [id])
    await test.purge(rows.tenant, [await rows.deletedUser({ email: 'somebody@else.example' })])
    expect(await stateOf(id)).toBe('withdrawn')
  })

  it('that is being written meanwhile is written anew, without the erased', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const ann = await rows.deletedUser({ email: address })
    const bob = await rows.user({ email: 'bob@corp.example' })
    await notifyOf(bob, `Write to ${address}`)
    await test.stopWorkers()
    const { id } = await test.inTenant(rows.tenant, (tx) => keepExport(tx, { userId: bob }))
    // Whoever has this lock stops the export behind its snapshot.
    await test.owner.query('begin')
    try {
      await test.owner.query('select from users where id = $1 for update', [bob])
      await test.startWorkers()
      const waiting = async () => {
        const { rowCount } = await test.owner.query(
          `select from pg_locks where locktype = 'tuple' and relation = 'users'::regclass
             and database = (select oid from pg_database where datname = current_database())`,
        )
        return rowCount
      }
      await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
      expect(await test.purge(rows.tenant, [ann])).toMatchObject({ state: 'completed' })
    } finally {
      await test.owner.query('rollback')
    }
    expect((await waitForExport(test.database, rows.tenant, id)).state).toBe('ready')
    const content = await contentOf(id)
    expect(content).toContain('[erased]')
    expect(content).not.toContain(address)
  })

  it('is withdrawn for each of many who are erased together', async () => {
    const gone: string[] = []
    for (let index = 0; index < 30; index++) gone.push(await rows.deletedUser({ email: `gone.${index}@corp.example` }))
    const bob = await rows.user({ email: 'bob@corp.example' })
    await notifyOf(bob, 'Write to gone.17@corp.example')
    const carl = await rows.user({ email: 'carl@corp.example' })
    const [ofBob, ofCarl] = [await kept(bob), await kept(carl)]
    expect(await test.purge(rows.tenant, gone)).toMatchObject({ state: 'completed' })
    expect([await stateOf(ofBob), await stateOf(ofCarl)]).toEqual(['withdrawn', 'ready'])
  })
})
