import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/database.ts'
import { type Database, openDatabase } from '../pool.ts'
import { copyTo } from './copy-to.ts'

let test: TestDatabase
let database: Database
beforeAll(async () => {
  test = await createTestDatabase()
  database = await openDatabase({ url: test.appUrl, masterKey: test.database.masterKey, driver: 'pipelined' })
})
afterAll(async () => {
  await database.close()
  await test.close()
})

it('gives nearly all rows in the same memory, again and again', async () => {
  const chunks = new Map<ArrayBufferLike, number>()
  await database.pool.lend((client) =>
    copyTo(client, `select n, repeat('äöü', n % 90) from generate_series(1, 50000) as n`, ({ buffer }) =>
      chunks.set(buffer, (chunks.get(buffer) ?? 0) + 1),
    ),
  )
  const counts = [...chunks.values()]
  const all = counts.reduce((sum, count) => sum + count, 0)
  expect(all).toBeGreaterThan(50)
  // A chunk that begins within the header of a message is put together with what came before.
  expect(Math.max(...counts)).toBeGreaterThan(all / 2)
})
