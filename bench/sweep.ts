import type pg from 'pg'
import { pino } from 'pino'
import type { Application } from '../server/application.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { inAuditorSnapshot, readTextTables, textsOf } from '../server/erasure/search/text-tables.ts'
import { sweepDatabase } from '../server/erasure/sweep/sweep-database.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { copyTo } from '../server/platform/database/copy-to.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { startWorkers } from '../server/workers.ts'
import { type Loaded, settle, withClone } from './databases.ts'
import { mebibytes, median, milliseconds, type Row } from './report.ts'

const rounds = 5
const purged = 1000
const posts = 100_000
const postsAtATime = 5000

/**
 * The later sweep of the whole database against a bare COPY of the same columns to nothing, in turn. First the data set
 * as it is, whose texts are mostly identifiers; then with posts of ordinary prose.
 */
export async function benchSweep(loaded: Loaded): Promise<Row[]> {
  return await withClone(loaded, 'lethe_bench_sweep', async ({ app, owner }) => {
    await purgeSome(app, owner, loaded.tenant)
    await owner.query('vacuum analyze')
    const rows = await compare(app, loaded, 'the data set')
    await writePosts(owner, loaded.tenant)
    await owner.query('vacuum analyze posts')
    rows.push(...(await compare(app, loaded, `${posts.toLocaleString('en-US')} posts more`)))
    return rows
  })
}

async function compare(app: Application, { tenant, log }: Loaded, what: string): Promise<Row[]> {
  const floors: number[] = []
  const ours: number[] = []
  let copied = 0
  let hashed = 0
  const before = process.memoryUsage.rss()
  let peak = before
  for (let round = 0; round < rounds; round++) {
    let started = performance.now()
    copied = await copyTexts(app, tenant)
    floors.push(performance.now() - started)
    started = performance.now()
    const pass = await sweepDatabase(app.database, [tenant])
    ours.push(performance.now() - started)
    hashed = pass.hashed
    peak = Math.max(peak, process.memoryUsage.rss())
    if (pass.traces.length > 0 || pass.tombstones === 0) throw new Error('the sweep did not do what it is measured for')
  }
  const [floor, mine] = [median(floors), median(ours)]
  const speed = (time: number) => `${Math.round(copied / 1000 / time)} MB/s`
  log(
    `sweep of ${what}: ${mebibytes(copied)}, ${hashed.toLocaleString('en-US')} keyed hashes, ` +
      `${milliseconds(floor)} and ${milliseconds(mine)}; memory ${mebibytes(before)}, then ${mebibytes(peak)}`,
  )
  return [
    {
      what: `sweep, ${what}`,
      floor: speed(floor),
      ours: speed(mine),
      ratio: mine / floor,
      target: '<= 3',
      met: mine <= 3 * floor,
    },
  ]
}

/** What the sweep reads, in the same snapshot and by the same role, and nothing done with it. Answers the bytes. */
async function copyTexts(app: Application, tenant: string): Promise<number> {
  return await inAuditorSnapshot(app.database, async (client) => {
    let bytes = 0
    for (const table of await readTextTables(client)) {
      await copyTo(client, textsOf(table, [tenant], { withTenant: true }), (chunk) => {
        bytes += chunk.length
      })
    }
    return bytes
  })
}

async function purgeSome(app: Application, owner: pg.Client, tenant: string): Promise<void> {
  const { rows } = await owner.query<{ id: string }>('select id from users order by id limit $1', [purged])
  const userIds = rows.map(({ id }) => id)
  const request = await inTenant(app.database, tenant, async (tx) => {
    await deleteUsers(tx, { userIds })
    return (await requestErasure(tx, { operation: 'purge', userIds })).request
  })
  const workers = await startWorkers(app, pino({ level: 'error' }))
  try {
    await waitForErasure(app.database, tenant, request, { until: 'ended' })
  } finally {
    await workers.stop()
  }
  await settle(owner)
}

const words =
  'the learner has finished a module of first aid and asks whether somebody could look at the last answer because it was marked wrong though the book says well-known things about it'.split(
    ' ',
  )

/** Prose of 60 words; every third post names somebody. */
async function writePosts(owner: pg.Client, tenant: string): Promise<void> {
  const { rows: people } = await owner.query<{ email: string }>(
    'select email from users where tenant_id = $1 and email is not null order by id limit 5000',
    [tenant],
  )
  // The same posts in every run (a linear congruential generator).
  let state = 1
  const below = (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % limit
  }
  for (let written = 0; written < posts; written += postsAtATime) {
    const bodies = Array.from({ length: postsAtATime }, (_, index) => {
      const prose = Array.from({ length: 60 }, () => words[below(words.length)]).join(' ')
      return index % 3 === 0 ? `${prose}, ask ${people[below(people.length)]?.email}.` : `${prose}.`
    })
    await owner.query(
      `insert into posts (tenant_id, course_id, body)
       select $1, (select id from courses where tenant_id = $1 order by id limit 1), body from unnest($2::text[]) as body`,
      [tenant, bodies],
    )
  }
}
