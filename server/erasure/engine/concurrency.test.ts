import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { orderCrowd, readRecord } from '../../../test/crowd.ts'
import { effort } from '../../../test/effort.ts'
import { newTenant } from '../../../test/rows.ts'
import { startWorkerProcess } from '../../../test/workers.ts'
import { batchSize } from './claim-batch.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

/** More than one batch. */
const count = effort(batchSize + 50, 1_200)

describe(`one request for ${count} people who refer to each other, worked on by two processes`, () => {
  it('erases everybody exactly once, and the receipt is what the preview said', async () => {
    const start = (name: string) =>
      startWorkerProcess({ name, databaseUrl: test.appUrl, masterKey: test.app.masterKey })
    const workers = await Promise.all([start('one'), start('other')])
    const round = await orderCrowd(test, count)
    const record = await readRecord(test, round)
    await Promise.all(workers.map((worker) => worker.stop()))
    expect(record).toMatchObject({
      state: 'completed',
      subjects: { total: count, done: count, failed: 0 },
      receipt: round.preview,
      certificates: 2,
      certified: count,
      findings: [[]],
      tombstones: [
        ['email', count],
        ['login_name', count],
        ['ref', count],
      ],
      messages: ['erasure_accepted', 'erasure_completed', 'erasure_done', 'sessions_need_instructor'],
      usersLeft: 2,
    })
    const removed = record.receipt.reduce((sum, { rows }) => sum + rows, 0)
    expect(record.steps).toContainEqual(expect.objectContaining({ step: 'erase', state: 'done', removed }))
    // Each batch is one transaction with one record of it: that there were several shows that the work was shared.
    const { rows: batches } = await test.owner.query('select distinct xmin from erasure_ledger where request_id = $1', [
      round.request,
    ])
    expect(batches.length).toBeGreaterThan(1)
  })
})

it('two requests at once do not lose what the other one rewrites in the same text', async () => {
  const rows = await newTenant(test.owner)
  const people: string[] = []
  const addresses = Array.from({ length: 12 }, (_, index) => `writer${index}@acme.example`)
  for (const email of addresses) people.push(await rows.deletedUser({ email }))
  const text = addresses.join(', ')
  await rows.catalog({ description: `${text}, nobody@acme.example`, contact_emails: addresses })
  await rows.user({ custom_fields: Object.fromEntries(addresses.map((address) => [`of ${address}`, 1])) })
  await test.startWorkers()
  const requests = await Promise.all(people.map((person) => test.order(rows.tenant, [person])))
  for (const request of requests) {
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
  }
  const { rows: catalogs } = await test.owner.query(
    'select description, contact_emails from catalogs where tenant_id = $1',
    [rows.tenant],
  )
  expect(catalogs).toEqual([
    { description: `${addresses.map(() => '[erased]').join(', ')}, nobody@acme.example`, contact_emails: [] },
  ])
})

it('a text that somebody edits while a person in it is erased keeps the edit and loses the person', async () => {
  const rows = await newTenant(test.owner)
  const person = await rows.deletedUser({ email: 'jane.doe@acme.example' })
  const catalog = await rows.catalog({ description: 'Ask jane.doe@acme.example' })
  const editor = await test.database.pool.connect()
  await editor.query(`begin; set local lethe.tenant_id = '${rows.tenant}'; set local lethe_test.fixture = 'yes'`)
  await editor.query(`update catalogs set description = 'Do not ask jane.doe@acme.example, ever' where id = $1`, [
    catalog,
  ])
  await test.startWorkers()
  const request = await test.order(rows.tenant, [person])
  // The erasure has found the text as it was and waits for the editor.
  const waits = async () =>
    (
      await test.owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'update catalogs%'`,
      )
    ).rowCount === 1
  while (!(await waits())) await new Promise((resolve) => setTimeout(resolve, 10))
  await editor.query('commit')
  editor.release()
  expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
  const { rows: catalogs } = await test.owner.query('select description from catalogs where id = $1', [catalog])
  expect(catalogs).toEqual([{ description: 'Do not ask [erased], ever' }])
})

it('a job that names somebody else, or another operation, does what was ordered', async () => {
  const rows = await newTenant(test.owner)
  const [person, other] = [await rows.deletedUser(), await rows.deletedUser()]
  await test.stopWorkers()
  for (const wrong of [{ person: other }, { operation: 'anonymize' }]) {
    const request = await test.order(rows.tenant, [await rows.deletedUser()])
    await test.owner.query(`update graphile_worker._private_jobs set payload = (payload::jsonb || $1)::json`, [wrong])
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({
      state: 'completed',
      receipt: [{ table: 'users', effect: 'deleted', rows: 1 }],
    })
    await test.stopWorkers()
  }
  const { rows: left } = await test.owner.query('select id from users where tenant_id = $1 order by id', [rows.tenant])
  expect(left.map(({ id }) => id)).toEqual([person, other].sort())
})
