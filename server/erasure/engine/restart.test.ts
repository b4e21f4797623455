import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { type CrowdErasure, type ErasureRecord, orderCrowd, readRecord } from '../../../test/crowd.ts'
import { effort } from '../../../test/effort.ts'
import { startWorkerProcess, type WorkerProcess } from '../../../test/workers.ts'
import { batchSize } from './claim-batch.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

let processes = 0
const startProcess = () =>
  startWorkerProcess({
    name: `worker ${++processes}`,
    databaseUrl: test.appUrl,
    masterKey: test.app.masterKey,
  })

const size = 200
/** More than one batch. */
const several = effort(batchSize + 50, 2 * batchSize + 100)
const times = effort(1, 3)
let undisturbed: ErasureRecord
beforeAll(async () => {
  const round = await orderCrowd(test, size)
  await test.startWorkers()
  const record = await readRecord(test, round)
  await test.stopWorkers()
  undisturbed = record
  expect(undisturbed).toMatchObject({ state: 'completed', receipt: round.preview, certificates: 2, usersLeft: 2 })
  expect(undisturbed.messages).toEqual([
    'erasure_accepted',
    'erasure_completed',
    'erasure_done',
    'sessions_need_instructor',
  ])
})

/** Looks at the database, again and again, until this is so or the request has ended. */
async function reached({ request }: CrowdErasure, condition: string, worker: WorkerProcess): Promise<boolean> {
  for (;;) {
    const { rows } = await test.owner.query<{ reached: boolean; ended: boolean }>(
      `select (${condition}) as reached,
         (select finished_at is not null from erasure_requests where id = $1) as ended from (select $2::text) as w (worker)`,
      [request, worker.name],
    )
    if (rows[0]?.reached) return true
    if (rows[0]?.ended) return false
  }
}

const working = (query: string) =>
  `exists (select from pg_stat_activity where application_name = w.worker and state = 'active' and query ~ '${query}')`
const step = (name: string, state: string) =>
  `exists (select from erasure_steps where request_id = $1 and step = '${name}' and state = '${state}')`
const subjects = (state: string) => `exists (select from erasure_subjects where request_id = $1 and state = '${state}')`

describe('a purge whose workers are killed', () => {
  const moments = [
    ['while rows are deleted', working('^delete')],
    ['between the verification and the search', subjects('done')],
    ['while the record of it is written', working('^with subjects as')],
    ['while the certificate is written', working('^with certificate as')],
    ['while the database is searched', step('search', 'running')],
  ] as const

  it.each(moments.slice(0, effort(2, moments.length)))('%s ends complete, once', async (_, condition) => {
    const worker = await startProcess()
    let round = await orderCrowd(test, size)
    // Where the work was too fast to be caught at it, once more.
    while (!(await reached(round, condition, worker))) round = await orderCrowd(test, size)
    await worker.kill()
    await test.startWorkers()
    const record = await readRecord(test, round)
    await test.stopWorkers()
    expect(record).toEqual(undisturbed)
  })

  it(`at any moment, ${times} times over, ends complete, once`, async () => {
    const round = await orderCrowd(test, size)
    for (let kills = 0; kills < times; kills++) {
      const worker = await startProcess()
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 250))
      await worker.kill()
    }
    await test.startWorkers()
    const record = await readRecord(test, round)
    await test.stopWorkers()
    expect(record).toEqual(undisturbed)
  })

  it('takes people that the connection of a killed process still holds as soon as they are free', async () => {
    const round = await orderCrowd(test, size)
    // Stands for that connection: PostgreSQL notices the end of a client only when it has something to tell it.
    const holder = await test.database.pool.connect()
    await holder.query(`begin; set local lethe.tenant_id = '${round.tenant}'`)
    await holder.query(`select from erasure_subjects where request_id = $1 for update`, [round.request])
    await test.startWorkers()
    const waiting = async () =>
      (
        await test.owner.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%from erasure_subjects%'`,
        )
      ).rowCount !== 0
    while (!(await waiting())) await new Promise((resolve) => setTimeout(resolve, 10))
    await holder.query('rollback')
    holder.release()
    const record = await readRecord(test, round)
    await test.stopWorkers()
    expect(record).toEqual(undisturbed)
  })

  it.each([
    ['between two batches goes on with those who still wait', `${subjects('running')} and ${subjects('queued')}`],
    [
      'between the last batch and the verification ends complete',
      `${subjects('running')} and not ${subjects('queued')}`,
    ],
  ])('%s', async (_, condition) => {
    const worker = await startProcess()
    let round = await orderCrowd(test, several)
    while (!(await reached(round, condition, worker))) round = await orderCrowd(test, several)
    await worker.kill()
    await test.startWorkers()
    const record = await readRecord(test, round)
    await test.stopWorkers()
    expect(record).toMatchObject({
      state: 'completed',
      receipt: round.preview,
      certificates: 2,
      messages: ['erasure_accepted', 'erasure_completed', 'erasure_done', 'sessions_need_instructor'],
    })
  })
})

it('a living process takes over the jobs of one that was killed', async () => {
  const [living, dying] = await Promise.all([startProcess(), startProcess()])
  const round = await orderCrowd(test, size)
  // Whichever of the two has the job dies.
  const working = () =>
    test.owner.query<{ name: string }>(
      `select application_name as name from pg_stat_activity where application_name like 'worker %' and state = 'active'`,
    )
  let busy: WorkerProcess | undefined
  while (busy === undefined) {
    const { rows } = await working()
    busy = [living, dying].find(({ name }) => rows.some((row) => row.name === name))
  }
  await busy.kill()
  const record = await readRecord(test, round)
  expect(record).toEqual(undisturbed)
  await Promise.all([living.stop(), dying.stop()])
})
