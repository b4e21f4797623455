import type pg from 'pg'
import { pino } from 'pino'
import type { Application } from '../server/application.ts'
import { cancelErasure } from '../server/erasure/requests/cancel-erasure.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { erasureProgress } from '../server/erasure/requests/request-progress.ts'
import { selectSubjects } from '../server/erasure/requests/select-subjects.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { findUser } from '../server/people/accounts/find-users.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { startWorkers } from '../server/workers.ts'
import { type Loaded, settle, withClone } from './databases.ts'
import { mostMemory, purgeManyByHand } from './purge.ts'
import { mebibytes, milliseconds, type Row } from './report.ts'
import { isSmoke, sized } from './size.ts'

const log = pino({ level: 'error' })

/** Of the 28,785 learners of the data set; the rest are the other people who are looked up meanwhile. */
const many = sized(28_000, 200)
/** Look-ups of other people before the purge, for comparison. */
const quietLookUps = sized(2000, 20)

/**
 * User Cleanup of almost a whole tenant: all deleted users that match a filter, in one request, against set-based deletes
 * by hand. Meanwhile other people are looked up, one after the other. Another round is canceled while it runs.
 */
export async function benchCleanup(loaded: Loaded): Promise<Row[]> {
  const floor = await withClone(loaded, 'lethe_bench_floor', async ({ app, owner }) => {
    const { gone } = await deleteMost(app, owner, loaded.tenant)
    return await purgeManyByHand(owner, loaded.tenant, gone)
  })
  const { ours, memoryBefore, memoryPeak, quiet, meanwhile } = await withClone(
    loaded,
    'lethe_bench_ours',
    async ({ app, owner }) => await purgeByFilter(app, owner, loaded),
  )
  const cancel = await withClone(loaded, 'lethe_bench_cancel', async ({ app, owner }) => {
    await deleteMost(app, owner, loaded.tenant)
    return await cancelHalfway(app, loaded.tenant)
  })
  loaded.log(
    `canceled with ${cancel.gone} people gone; the last batches were committed ${milliseconds(cancel.settled)} after the call`,
  )
  return [
    {
      what: `purge ${many.toLocaleString('en-US')} by a filter, throughput`,
      floor: milliseconds(floor),
      ours: milliseconds(ours),
      ratio: floor / ours,
      target: '>= 0.9',
      met: floor / ours >= 0.9,
      better: 'more',
    },
    {
      what: 'memory of the process during it',
      floor: mebibytes(memoryBefore),
      ours: mebibytes(memoryPeak),
      ratio: memoryPeak / memoryBefore,
      target: `<= ${mebibytes(mostMemory)}`,
      met: memoryPeak <= mostMemory,
    },
    {
      what: 'look-up of another person during it, p99',
      floor: milliseconds(quiet),
      ours: milliseconds(meanwhile),
      ratio: meanwhile / quiet,
      target: 'none',
      met: true,
    },
    {
      what: 'cancel of it, until it is answered',
      floor: '',
      ours: milliseconds(cancel.answered),
      ratio: 1,
      target: '<= 5 s',
      met: cancel.answered <= 5000,
    },
  ]
}

/** Deletes all learners but some; answers the ids of the deleted ones and of the others. */
async function deleteMost(
  app: Application,
  owner: pg.Client,
  tenant: string,
): Promise<{ gone: string[]; others: string[] }> {
  const { rows } = await owner.query<{ id: string }>(
    'select id from users where tenant_id = $1 order by md5(id::text)',
    [tenant],
  )
  const ids = rows.map(({ id }) => id)
  const gone = ids.slice(0, many)
  await inTenant(app.database, tenant, (tx) => deleteUsers(tx, { userIds: gone }))
  await settle(owner)
  return { gone, others: ids.slice(many) }
}

/** In one transaction, as the API does it. */
async function requestAll(app: Application, tenant: string): Promise<string> {
  const { request } = await inTenant(app.database, tenant, async (tx) => {
    const subjects = await selectSubjects(tx, { filter: {} }, { expected: many })
    return await requestErasure(tx, { operation: 'purge', userIds: subjects.map(({ id }) => id) })
  })
  return request
}

async function purgeByFilter(app: Application, owner: pg.Client, { tenant, log: say }: Loaded) {
  const { others } = await deleteMost(app, owner, tenant)
  const lookUp = async (index: number) => {
    const started = performance.now()
    const value = others[index % others.length] ?? ''
    await inTenant(app.database, tenant, (tx) => findUser(tx, { by: 'id', value }), { readOnly: true })
    return performance.now() - started
  }
  const quiet: number[] = []
  for (let index = 0; index < quietLookUps; index++) quiet.push(await lookUp(index))
  const workers = await startWorkers(app, log)
  const memoryBefore = process.memoryUsage.rss()
  let memoryPeak = memoryBefore
  const watch = setInterval(() => {
    memoryPeak = Math.max(memoryPeak, process.memoryUsage.rss())
  }, 20)
  let running = true
  const meanwhile: number[] = []
  const looking = (async () => {
    for (let index = 0; running; index++) {
      meanwhile.push(await lookUp(index))
      // People look up others now and then; a loop without a pause would be a load test of its own.
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  try {
    const started = performance.now()
    const request = await requestAll(app, tenant)
    const requested = performance.now() - started
    await waitForErasure(app.database, tenant, request, { until: 'certified' })
    const ours = performance.now() - started
    running = false
    await looking
    const { state } = await waitForErasure(app.database, tenant, request, { until: 'ended' })
    if (state !== 'completed') throw new Error(`the request ended ${state}`)
    say(`the request was made in ${milliseconds(requested)}; ${meanwhile.length} look-ups meanwhile`)
    return { ours, memoryBefore, memoryPeak, quiet: percentile(quiet), meanwhile: percentile(meanwhile) }
  } finally {
    running = false
    clearInterval(watch)
    await workers.stop()
  }
}

/** Cancels once the first batches are committed. `settled`: when nothing more is erased. */
async function cancelHalfway(
  app: Application,
  tenant: string,
): Promise<{ answered: number; settled: number; gone: number }> {
  // A small run would be over before the cancel.
  const workers = isSmoke ? undefined : await startWorkers(app, log)
  try {
    const request = await requestAll(app, tenant)
    const progress = () => inTenant(app.database, tenant, (tx) => erasureProgress(tx, request), { readOnly: true })
    while (!isSmoke && (await progress()).subjects.gone === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const started = performance.now()
    const { cancelled, gone } = await inTenant(app.database, tenant, (tx) => cancelErasure(tx, request))
    const answered = performance.now() - started
    if (cancelled + gone !== many) throw new Error('the cancel does not say what is gone')
    const { subjects } = await waitForErasure(app.database, tenant, request, { until: 'ended' })
    if (subjects.gone !== gone) throw new Error('people were erased after the cancel')
    return { answered, settled: performance.now() - started, gone }
  } finally {
    await workers?.stop()
  }
}

function percentile(times: number[]): number {
  const sorted = times.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] ?? 0
}
