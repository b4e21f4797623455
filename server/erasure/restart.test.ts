import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { fillWithCrowd } from '../../test/crowd.ts'
import { dumpDatabase, newTenant, placesOf } from '../../test/rows.ts'
import { startWorkerProcess, type WorkerProcess } from '../../test/workers.ts'
import { verifyCertificate } from './certificate.ts'
import { previewErasure } from './preview-erasure.ts'
import { type ErasureDetails, readCertificate } from './show-erasures.ts'

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

type Round = { tenant: string; people: string[]; administrator: string; request: string; preview: unknown }

async function order(size: number): Promise<Round> {
  const rows = await newTenant(test.owner)
  const administrator = await rows.administrator()
  const people = await fillWithCrowd(test.owner, rows, size)
  const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, people))
  const request = await test.order(rows.tenant, people, administrator)
  return { tenant: rows.tenant, people, administrator, request, preview: preview.effects }
}

/** What an erasure leaves on record. */
async function record({ tenant, request, administrator, people }: Round, details: ErasureDetails) {
  const dump = await dumpDatabase(test.owner, { tenant })
  const rowsOf = (table: string) => [...(dump.get(table)?.values() ?? [])]
  const file = await test.inTenant(tenant, (tx) => readCertificate(tx, test.app.masterKey, request))
  const { certificate, addenda } = await verifyCertificate(file)
  const ledger = rowsOf('erasure_ledger').map(({ user_id }) => user_id)
  expect(ledger.sort()).toEqual(people)
  expect(placesOf(dump, 'crowd.example').concat(placesOf(dump, 'crowd-'))).toEqual([])
  return {
    state: details.state,
    receipt: details.receipt,
    subjects: details.subjects,
    steps: details.steps.map(({ step, state, removed, shared, failed }) => ({ step, state, removed, shared, failed })),
    tombstones: Object.groupBy(
      rowsOf('tombstones').map(({ kind }) => String(kind)),
      (kind) => kind,
    ),
    certificates: file.certificates.length,
    certified: certificate.subjects.done,
    findings: addenda.map(({ search }) => search.findings),
    messages: rowsOf('notifications')
      .filter(({ user_id }) => user_id === administrator)
      .map(({ kind }) => kind)
      .sort(),
    left: rowsOf('users').length,
  }
}

const size = 300
let undisturbed: Awaited<ReturnType<typeof record>>
beforeAll(async () => {
  const round = await order(size)
  await test.startWorkers()
  const details = await test.ended(round.tenant, round.request)
  await test.stopWorkers()
  undisturbed = await record(round, details)
  expect(undisturbed).toMatchObject({ state: 'completed', receipt: round.preview, certificates: 2, left: 2 })
  expect(undisturbed.messages).toEqual(['erasure_done', 'sessions_need_instructor'])
})

/** Looks at the database, again and again, until this is so or the request has ended. */
async function reached({ request }: Round, condition: string, worker: WorkerProcess): Promise<boolean> {
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
  it.each([
    ['while rows are deleted', working('^delete')],
    ['while the record of it is written', working('^with subjects as')],
    ['between the erasure and its verification', subjects('running')],
    ['between the verification and the search', subjects('done')],
    ['while the database is searched', step('search', 'running')],
  ])('%s ends complete, once', async (_, condition) => {
    const worker = await startProcess()
    const round = await order(size)
    await reached(round, condition, worker)
    await worker.kill()
    await test.startWorkers()
    const details = await test.ended(round.tenant, round.request)
    await test.stopWorkers()
    expect(await record(round, details)).toEqual(undisturbed)
  })

  it('at any moment, three times over, ends complete, once', async () => {
    const round = await order(size)
    for (let kills = 0; kills < 3; kills++) {
      const worker = await startProcess()
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 250))
      await worker.kill()
    }
    await test.startWorkers()
    const details = await test.ended(round.tenant, round.request)
    await test.stopWorkers()
    expect(await record(round, details)).toEqual(undisturbed)
  })

  it('between two batches goes on with those who still wait', async () => {
    const worker = await startProcess()
    const round = await order(1100)
    await reached(round, `${subjects('running')} and ${subjects('queued')}`, worker)
    await worker.kill()
    await test.startWorkers()
    const details = await test.ended(round.tenant, round.request)
    await test.stopWorkers()
    expect(await record(round, details)).toMatchObject({
      state: 'completed',
      receipt: round.preview,
      certificates: 2,
      messages: ['erasure_done', 'sessions_need_instructor'],
    })
  })
})

it('a living process takes over the jobs of one that was killed', async () => {
  const [living, dying] = await Promise.all([startProcess(), startProcess()])
  const round = await order(size)
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
  const details = await test.ended(round.tenant, round.request)
  expect(await record(round, details)).toEqual(undisturbed)
  await Promise.all([living.stop(), dying.stop()])
})
