import type pg from 'pg'
import { pino } from 'pino'
import type { Application } from '../server/application.ts'
import { requestErasure } from '../server/erasure/request-erasure.ts'
import { waitForErasure } from '../server/erasure/wait-for-erasure.ts'
import { deleteUsers } from '../server/people/delete-users.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { startWorkers } from '../server/workers.ts'
import { type Loaded, settle, withClone } from './databases.ts'
import { mebibytes, median, milliseconds, type Row } from './report.ts'

/** Tables that hold rows of an imported learner, children first: what a hand-written purge of this data would name. */
const tables = ['record_actions', 'assessment_attempts', 'enrollments', 'product_accounts']

const rounds = 40
const many = 5000

/** One learner after the other, by hand and by Lethe in turn, so that a drift of the machine hits both. */
export async function benchPurgeOne(loaded: Loaded): Promise<Row[]> {
  return await withClone(loaded, 'lethe_bench_one', async ({ app, owner }) => {
    const { rows } = await owner.query<{ user_id: string }>(
      `select user_id from record_actions group by user_id having count(*) between 200 and 320 order by user_id limit $1`,
      [rounds * 2],
    )
    const people = rows.map(({ user_id }) => user_id)
    await inTenant(app.database, loaded.tenant, (tx) => deleteUsers(tx, { userIds: people }))
    await settle(owner)
    const workers = await startWorkers(app, pino({ level: 'error' }))
    const byHand: number[] = []
    const ours: number[] = []
    const searched: number[] = []
    try {
      for (let round = 0; round < rounds; round++) {
        const [first = '', second = ''] = people.slice(round * 2, round * 2 + 2)
        byHand.push(await purgeOneByHand(owner, loaded.tenant, first))
        const { certified, ended } = await purge(app, loaded.tenant, [second])
        ours.push(certified)
        searched.push(ended)
      }
    } finally {
      await workers.stop()
    }
    // The first rounds prepare statements and warm caches on both sides.
    const floor = median(byHand.slice(5))
    const mine = median(ours.slice(5))
    loaded.log(`search of the whole database ended after ${milliseconds(median(searched.slice(5)))}`)
    return [
      {
        what: 'purge of one, order to certificate',
        floor: milliseconds(floor),
        ours: milliseconds(mine),
        ratio: mine / floor,
        target: '<= 3',
        met: mine <= 3 * floor,
      },
    ]
  })
}

/** 5,000 learners at once: set-based deletes by hand in one transaction, and one order of Lethe. */
export async function benchPurgeMany(loaded: Loaded): Promise<Row[]> {
  const floor = await withClone(loaded, 'lethe_bench_floor', async ({ app, owner }) => {
    const people = await deleteMany(app, owner, loaded.tenant)
    return await purgeManyByHand(owner, loaded.tenant, people)
  })
  return await withClone(loaded, 'lethe_bench_ours', async ({ app, owner }) => {
    const people = await deleteMany(app, owner, loaded.tenant)
    const workers = await startWorkers(app, pino({ level: 'error' }))
    const before = process.memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }, 20)
    try {
      const { certified, ended } = await purge(app, loaded.tenant, people)
      loaded.log(`search of the whole database ended after ${milliseconds(ended)}`)
      return [
        {
          what: `purge of ${many.toLocaleString('en-US')}, throughput`,
          floor: milliseconds(floor),
          ours: milliseconds(certified),
          ratio: floor / certified,
          target: '>= 0.8',
          met: floor / certified >= 0.8,
        },
        {
          what: `memory of the process during it`,
          floor: mebibytes(before),
          ours: mebibytes(peak),
          ratio: peak / before,
          target: '<= 2',
          met: peak <= 2 * before,
        },
      ]
    } finally {
      clearInterval(watch)
      await workers.stop()
    }
  })
}

/** All learners with clicks, and others up to the number. */
async function deleteMany(app: Application, owner: pg.Client, tenant: string): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(
    `select u.id from users u
     order by exists (select from record_actions r where r.tenant_id = u.tenant_id and r.user_id = u.id) desc, u.id
     limit $1`,
    [many],
  )
  const people = rows.map(({ id }) => id)
  await inTenant(app.database, tenant, (tx) => deleteUsers(tx, { userIds: people }))
  await settle(owner)
  return people
}

/** One learner by hand, as the owner, without row level security: one transaction, one statement a table. */
async function purgeOneByHand(owner: pg.Client, tenant: string, user: string): Promise<number> {
  const started = performance.now()
  await owner.query('begin')
  for (const table of tables) {
    await owner.query({
      name: `one ${table}`,
      text: `delete from ${table} where tenant_id = $1 and user_id = $2`,
      values: [tenant, user],
    })
  }
  await owner.query({
    name: 'one user',
    text: 'delete from users where tenant_id = $1 and id = $2',
    values: [tenant, user],
  })
  await owner.query('commit')
  return performance.now() - started
}

/** Many learners by hand: one transaction, one set-based statement a table. */
async function purgeManyByHand(owner: pg.Client, tenant: string, users: string[]): Promise<number> {
  const started = performance.now()
  await owner.query('begin')
  for (const table of tables) {
    await owner.query(`delete from ${table} where tenant_id = $1 and user_id = any($2)`, [tenant, users])
  }
  await owner.query('delete from users where tenant_id = $1 and id = any($2)', [tenant, users])
  await owner.query('commit')
  return performance.now() - started
}

/** From the order to the certificate, the map's verification included; then waits for the search, outside of that time. */
async function purge(app: Application, tenant: string, users: string[]): Promise<{ certified: number; ended: number }> {
  const started = performance.now()
  const { request } = await inTenant(app.database, tenant, (tx) =>
    requestErasure(tx, app.masterKey, { operation: 'purge', userIds: users }),
  )
  await waitForErasure(app.database, tenant, request, { until: 'certified' })
  const certified = performance.now() - started
  const { state } = await waitForErasure(app.database, tenant, request, { until: 'ended' })
  if (state !== 'completed') throw new Error(`the request ended ${state}`)
  return { certified, ended: performance.now() - started }
}
