import { setTimeout } from 'node:timers/promises'
import type pg from 'pg'
import { pino } from 'pino'
import type { Application } from '../server/application.ts'
import type { Operation } from '../server/datamap/plan.ts'
import { runErasure } from '../server/erasure/engine/run-erasure.ts'
import { previewErasure } from '../server/erasure/requests/preview-erasure.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import type { Driver } from '../server/platform/database/driver.ts'
import type { Database } from '../server/platform/database/pool.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import type { JobPayload } from '../server/platform/jobs/enqueue.ts'
import { work } from '../server/platform/jobs/work.ts'
import { startWorkers } from '../server/workers.ts'
import { type Clone, type Loaded, settle, withClone } from './databases.ts'
import { mebibytes, median, milliseconds, type Row } from './report.ts'
import { sized } from './size.ts'

const log = pino({ level: 'error' })

/** Tables that hold rows of an imported learner, children first: what a hand-written purge of this data would name. */
const tables = ['record_actions', 'assessment_attempts', 'enrollments', 'product_accounts']

/** The first rounds prepare statements on every connection and warm caches, on both sides; they do not count. */
const warmUp = sized(15, 1)
const counted = sized(45, 2)
const many = sized(5000, 120)
/** All learners of the data set who clicked. */
const manyWithClicks = sized(4080, 40)
/** Whatever the size of an erasure request and of the database, the process holds no more. */
export const mostMemory = 512 * 2 ** 20

/** Milliseconds of a measurement, by hand and by Lethe. */
export type Measured = { floor: number; ours: number }

/** The medians of many measurements. */
export type Compared = Measured & { ratio: number }

/** One learner after the other, by hand and by Lethe in turn, so that a drift of the machine hits both. */
export async function measurePurgeOne(loaded: Loaded): Promise<Compared> {
  const rounds = warmUp + counted
  return await withPurges(loaded, 'lethe_bench_one', rounds, 'ended', async (next) => {
    const measured: (Measured & { ended: number })[] = []
    for (let round = 0; round < rounds; round++) measured.push(await next())
    const afterwards = measured.slice(warmUp)
    loaded.log(`search of the whole database ended after ${milliseconds(median(afterwards.map(({ ended }) => ended)))}`)
    return compare(afterwards)
  })
}

/** What one database takes, and another one, by Lethe and by hand. */
export type ComparedTwo = { ours: Compared; byHand: Compared }

/** Pairs of the same in two databases, measured right after each other. */
export function compareTwo(pairs: [Measured, Measured][]): ComparedTwo {
  const of = (what: 'floor' | 'ours') => compare(pairs.map(([one, two]) => ({ floor: one[what], ours: two[what] })))
  return { ours: of('ours'), byHand: of('floor') }
}

/**
 * The same in two databases by turns: those of one, and those of the other. Nobody searches the whole database here, which
 * takes the longer the larger it is, and would leave the second one other caches than the first.
 */
export async function measurePurgeOneInTurn(loaded: Loaded, other: Loaded): Promise<ComparedTwo> {
  const rounds = warmUp + counted
  return await withPurges(loaded, 'lethe_bench_one', rounds, 'certified', (next) =>
    withPurges(other, 'lethe_bench_other', rounds, 'certified', async (nextOfOther) => {
      const pairs: [Measured, Measured][] = []
      for (let round = 0; round < rounds; round++) pairs.push([await next(), await nextOfOther()])
      return compareTwo(pairs.slice(warmUp))
    }),
  )
}

/** When an order is over for the measurement: with its certificate, or with all that follows it. */
type End = 'certified' | 'ended'

/**
 * Clones the database and gives a function that purges two learners more, one by hand and one by Lethe, and the clone.
 * `driver`: by which Lethe connects to it, where that is not the usual one.
 */
export async function withPurges<T>(
  loaded: Loaded,
  clone: string,
  rounds: number,
  end: End,
  use: (next: () => Promise<Measured & { ended: number }>, database: Database) => Promise<T>,
  driver?: Driver,
): Promise<T> {
  const purges = async ({ app, owner }: Clone) => {
    const people = await leavers(owner, loaded, rounds * 2)
    await inTenant(app.database, loaded.tenant, (tx) => deleteUsers(tx, { userIds: people }))
    await settle(owner)
    const erase = (payload: JobPayload) => runErasure(app.database, payload)
    const workers =
      end === 'ended'
        ? await startWorkers(app, log)
        : await work(app.database, { erase }, { concurrency: app.config.workers, log })
    try {
      return await use(async () => {
        const [first = '', second = ''] = people.splice(0, 2)
        const floor = await purgeOneByHand(owner, loaded.tenant, first)
        const { certified, ended } = await order(app, loaded.tenant, 'purge', [second], end)
        return { floor, ours: certified, ended }
      }, app.database)
    } finally {
      await workers.stop()
    }
  }
  return await withClone(loaded, clone, purges, driver)
}

/** Learners of the data set who clicked about as often as each other. */
async function leavers(owner: pg.Client, loaded: Loaded, number: number): Promise<string[]> {
  const { rows } = await owner.query<{ user_id: string }>(
    `select user_id from record_actions where tenant_id = $1
     group by user_id having count(*) between 200 and 320 order by md5(user_id::text) limit $2`,
    [loaded.tenant, number],
  )
  return rows.map(({ user_id }) => user_id)
}

/** The medians of both, and that of the ratios of each pair, which were measured within the same moment. */
function compare(measured: Measured[]): Compared {
  return {
    floor: median(measured.map(({ floor }) => floor)),
    ours: median(measured.map(({ ours }) => ours)),
    ratio: median(measured.map(({ floor, ours }) => ours / floor)),
  }
}

/** Whose 5,000 rows go: of the data set itself, or of anybody in the tenant, which may hold copies of it. */
export type Among = 'the data set' | 'all copies'

/** 5,000 learners at once: set-based statements by hand in one transaction, and one order of Lethe. */
export async function measureMany(
  loaded: Loaded,
  operation: Operation,
  among: Among = 'the data set',
): Promise<Measured & { memoryBefore: number; memoryPeak: number }> {
  const floor = await withClone(loaded, 'lethe_bench_floor', async ({ app, owner }) => {
    const people = await deleteMany(app, owner, loaded.tenant, among)
    return await (operation === 'purge' ? purgeManyByHand : anonymizeManyByHand)(owner, loaded.tenant, people)
  })
  return await withClone(loaded, 'lethe_bench_ours', async ({ app, owner }) => {
    const people = await deleteMany(app, owner, loaded.tenant, among)
    const workers = await startWorkers(app, log)
    const memoryBefore = process.memoryUsage.rss()
    let memoryPeak = memoryBefore
    const watch = setInterval(() => {
      memoryPeak = Math.max(memoryPeak, process.memoryUsage.rss())
    }, 20)
    try {
      const { certified, ended } = await order(app, loaded.tenant, operation, people)
      loaded.log(`search of the whole database ended after ${milliseconds(ended)}`)
      return { floor, ours: certified, memoryBefore, memoryPeak }
    } finally {
      clearInterval(watch)
      await workers.stop()
    }
  })
}

/** How often 5,000 are measured: of times that differ by a fifth, the median of so many tells more. */
export const rounds = sized(3, 1)

/** {@link measureMany} several times, by hand and by Lethe in turn. */
export async function measureManyInTurn(
  loaded: Loaded,
  operation: Operation,
): Promise<Compared & { memoryBefore: number; memoryPeak: number }> {
  const measured = []
  for (let round = 0; round < rounds; round++) measured.push(await measureMany(loaded, operation))
  return {
    ...compare(measured),
    memoryBefore: Math.min(...measured.map(({ memoryBefore }) => memoryBefore)),
    memoryPeak: Math.max(...measured.map(({ memoryPeak }) => memoryPeak)),
  }
}

/**
 * One learner after the other, without and with the plan of a preview in turn. The preview itself comes before the time is
 * taken.
 */
export async function measurePlannedPurge(loaded: Loaded): Promise<Compared> {
  const rounds = warmUp + counted * 2
  return await withClone(loaded, 'lethe_bench_planned', async ({ app, owner }) => {
    const people = await leavers(owner, loaded, rounds * 2)
    await inTenant(app.database, loaded.tenant, (tx) => deleteUsers(tx, { userIds: people }))
    await settle(owner)
    const erase = (payload: JobPayload) => runErasure(app.database, payload)
    const workers = await work(app.database, { erase }, { concurrency: app.config.workers, log })
    try {
      const measured: Measured[] = []
      for (let round = 0; round < rounds; round++) {
        const [first = '', second = ''] = people.splice(0, 2)
        const { plan } = await inTenant(app.database, loaded.tenant, (tx) => previewErasure(tx, 'purge', [second]))
        const without = () => order(app, loaded.tenant, 'purge', [first], 'certified')
        const bound = () => order(app, loaded.tenant, 'purge', [second], 'certified', plan)
        // The second of two in a row finds the server warmer.
        const floor = round % 2 === 0 ? await without() : undefined
        const ours = await bound()
        measured.push({ floor: (floor ?? (await without())).certified, ours: ours.certified })
      }
      return compare(measured.slice(warmUp))
    } finally {
      await workers.stop()
    }
  })
}

/** What a plan adds to a purge of one, as a row of the report. */
export function plannedPurgeRow({ floor, ours, ratio }: Compared): Row {
  return {
    what: 'purge of one, with the plan of a preview to without',
    floor: milliseconds(floor),
    ours: milliseconds(ours),
    ratio,
    target: '<= 1.1',
    met: ratio <= 1.1,
  }
}

/** What a purge of one takes, as a row of the report. */
export function purgeOneRow({ floor, ours, ratio }: Compared): Row {
  return {
    what: 'purge of one, order to certificate',
    floor: milliseconds(floor),
    ours: milliseconds(ours),
    ratio,
    target: '<= 3',
    met: ratio <= 3,
  }
}

/** What an order for many takes, as rows of the report. */
export function manyRows(
  operation: Operation,
  { floor, ours, ratio, memoryBefore, memoryPeak }: Awaited<ReturnType<typeof measureManyInTurn>>,
): Row[] {
  return [
    {
      what: `${operation} ${many.toLocaleString('en-US')}, throughput`,
      floor: milliseconds(floor),
      ours: milliseconds(ours),
      ratio: 1 / ratio,
      // Nothing is promised of anonymization: its floor writes one row a person, its proof as many as a purge's.
      target: operation === 'purge' ? '>= 0.8' : 'none',
      met: operation !== 'purge' || 1 / ratio >= 0.8,
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
  ]
}

/** Learners with clicks, which are all of the data set, and others up to the number: as many in ten copies. */
async function deleteMany(app: Application, owner: pg.Client, tenant: string, among: Among): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(
    `with learners as (
       select u.id, exists (select from record_actions r where r.tenant_id = u.tenant_id and r.user_id = u.id) as clicked
       from users u where u.tenant_id = $1 and ($4 or starts_with(u.id::text, '0'))
     )
     (select id from learners where clicked order by md5(id::text) limit $2)
     union all
     (select id from learners where not clicked order by md5(id::text) limit $3)`,
    [tenant, manyWithClicks, many - manyWithClicks, among === 'all copies'],
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
export async function purgeManyByHand(owner: pg.Client, tenant: string, users: string[]): Promise<number> {
  const started = performance.now()
  await owner.query('begin')
  for (const table of tables) {
    await owner.query(`delete from ${table} where tenant_id = $1 and user_id = any($2)`, [tenant, users])
  }
  await owner.query('delete from users where tenant_id = $1 and id = any($2)', [tenant, users])
  await owner.query('commit')
  return performance.now() - started
}

/** Many learners anonymized by hand: one transaction, what names them cleared and what gives access deleted. */
async function anonymizeManyByHand(owner: pg.Client, tenant: string, users: string[]): Promise<number> {
  const started = performance.now()
  await owner.query('begin')
  await owner.query('delete from product_accounts where tenant_id = $1 and user_id = any($2)', [tenant, users])
  await owner.query(
    `update users
     set login_name = null, directory_object_id = null, ref = null, email = null, external_identity_id = null,
       first_name = null, last_name = null, display_name = null, title = null, job_title = null, department = null,
       office = null, city = null, country = null, locale = null, time_zone = null, manager_id = null,
       custom_fields = '{}', state = 'anonymized', roles = '{}', deleted_at = null, deletion_id = null, deleted_by = null,
       anonymized_at = now()
     where tenant_id = $1 and id = any($2)`,
    [tenant, users],
  )
  await owner.query('commit')
  return performance.now() - started
}

/** From the order to the certificate, the map's verification included; then waits for the end, outside of that time. */
async function order(
  app: Application,
  tenant: string,
  operation: Operation,
  users: string[],
  end: End = 'ended',
  plan?: string,
): Promise<{ certified: number; ended: number }> {
  const started = performance.now()
  const { request } = await inTenant(app.database, tenant, (tx) =>
    requestErasure(tx, { operation, userIds: users, plan }),
  )
  await waitForErasure(app.database, tenant, request, { until: 'certified' })
  const certified = performance.now() - started
  if (end === 'certified') {
    // Soon the job orders the search, which must not happen during the next measurement.
    await setTimeout(30)
  } else {
    const { state } = await waitForErasure(app.database, tenant, request, { until: 'ended' })
    if (state !== 'completed') throw new Error(`the request ended ${state}`)
  }
  return { certified, ended: performance.now() - started }
}
