import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
