import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { work } from './work.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it('runs an hourly task once for all processes, also where none ran at the full hour', async () => {
  const runs: unknown[] = []
  const start = () =>
    work(
      test.database,
      { tidy: async (payload) => void runs.push(JSON.stringify(payload)) },
      { concurrency: 1, log: pino({ level: 'silent' }), hourly: ['tidy'] },
    )
  // The first start makes the task known.
  await (await start()).stop()
  expect(runs).toEqual([])
  await test.owner.query(
    `update graphile_worker._private_known_crontabs
     set known_since = now() - interval '5 hours', last_execution = now() - interval '3 hours'`,
  )
  const workers = await Promise.all([start(), start(), start()])
  while (runs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  await Promise.all(workers.map((one) => one.stop()))
  // At a full hour there may be two, of two different hours.
  expect(new Set(runs).size).toBe(runs.length)
  const { rows } = await test.owner.query('select from graphile_worker._private_jobs')
  expect(rows).toEqual([])
})

/** Ends every connection of the application to this database, as the server does when it stops. */
const endConnections = () =>
  test.owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )

const queued = async () => (await test.owner.query('select from graphile_worker._private_jobs')).rows.length

const add = (task: string, number: number) =>
  test.owner.query(
    'select graphile_worker.add_job($1, payload := json_build_object($2::text, n)) from generate_series(1, $3::int) as n',
    [task, 'number', number],
  )

describe('a connection that is lost', () => {
  it.each([
    ['during a job', true],
    ['at the very end of a job', false],
  ])('%s ends nothing: every job is done, and later ones too', async (_, waits) => {
    const done = new Set<string>()
    const failed = new Set<string>()
    const workers = await work(
      test.database,
      {
        async lose({ number = '' }) {
          // Not waited for: the queue marks the job as done, or fails to, in that moment.
          const ended = endConnections()
          if (waits) await ended
          else ended.catch(() => undefined)
          done.add(String(number))
          if (waits && Number(number) % 3 === 0 && !failed.has(number)) {
            failed.add(number)
            throw new Error('as a job does whose connection is lost')
          }
        },
        easy: async ({ number }) => void done.add(`easy ${number}`),
      },
      { concurrency: 2, log: pino({ level: 'silent' }) },
    )
    try {
      await add('lose', 12)
      await vi.waitFor(async () => expect([done.size, await queued()]).toEqual([12, 0]), {
        timeout: 120_000,
        interval: 100,
      })
      await add('easy', 3)
      await vi.waitFor(async () => expect([done.size, await queued()]).toEqual([15, 0]), {
        timeout: 60_000,
        interval: 100,
      })
      expect(workers.missingFor()).toBe(0)
    } finally {
      await workers.stop()
    }
  })

  it('with the answer that gave a job away loses no job', async () => {
    const done = new Set<string>()
    const workers = await work(
      test.database,
      { easy: async ({ number }) => void done.add(String(number)) },
      { concurrency: 2, log: pino({ level: 'silent' }) },
    )
    try {
      for (let round = 0; round < 15; round++) {
        await add('easy', 1)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
        await endConnections()
      }
      await vi.waitFor(async () => expect(await queued()).toBe(0), { timeout: 120_000, interval: 100 })
    } finally {
      await workers.stop()
    }
  })
})

it('runs a job again that failed after another worker had ended it, too late to own it', async () => {
  const second = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  let runs = 0
  const workers = await work(
    test.database,
    {
      contested: async () => {
        runs++
        if (runs === 1) {
          // Its own work goes on, but the queue has lost what tells others that this worker is alive.
          await test.owner.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'lethe worker is alive'`,
          )
          await second.promise
          setTimeout(first.resolve, 300)
        } else if (runs === 2) {
          second.resolve()
          await first.promise
          // Until the queue has heard that the first one ended.
          await new Promise((resolve) => setTimeout(resolve, 500))
          throw new Error('as a job does whose connection is lost')
        }
      },
    },
    { concurrency: 2, log: pino({ level: 'silent' }) },
  )
  try {
    await add('contested', 1)
    await vi.waitFor(async () => expect([runs, await queued()]).toEqual([3, 0]), { timeout: 60_000, interval: 100 })
  } finally {
    await workers.stop()
  }
})

it('soon tries again what failed for a cause that passes, however often it failed, and leaves other failures to the queue', async () => {
  await add('passing', 1)
  await add('broken', 1)
  const delays = async () =>
    (
      await test.owner.query(
        `select t.identifier, extract(epoch from j.run_at - now())::int as seconds
         from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id order by 1`,
      )
    ).rows
  const workers = await work(
    test.database,
    { neither: async () => undefined },
    { concurrency: 1, log: pino({ level: 'silent' }) },
  )
  await test.owner.query(
    `update graphile_worker._private_jobs j set run_at = now() + interval '6 hours', attempts = 20,
       last_error = case t.identifier when 'passing' then 'database.disk_full' else 'sqlstate.22P02' end
     from graphile_worker._private_tasks t where t.id = j.task_id`,
  )
  try {
    await vi.waitFor(async () => {
      const [broken, passing] = await delays()
      expect(passing.seconds).toBeLessThan(70)
      expect(broken.seconds).toBeGreaterThan(20_000)
    }, 10_000)
  } finally {
    await workers.stop()
    await test.owner.query('delete from graphile_worker._private_jobs')
  }
})
