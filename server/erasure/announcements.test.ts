import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { openDatabase } from '../platform/database/pool.ts'
import { ErasureAnnouncements } from './announcements.ts'

const request = '018f0000-0000-7000-8000-00000000000a'
let test: TestDatabase
let announcements: ErasureAnnouncements

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())
beforeEach(() => {
  announcements = new ErasureAnnouncements(test.database)
})

const listening = `from pg_stat_activity where datname = current_database() and query = 'listen lethe_erasure'`
const listeners = async (): Promise<number> =>
  (await test.owner.query(`select count(*)::int as number ${listening}`)).rows[0].number
const endConnections = () => test.owner.query(`select pg_terminate_backend(pid, 5000) ${listening}`)
const announce = () => test.owner.query(`select pg_notify('lethe_erasure', $1)`, [request])

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('announcements of erasures', () => {
  it('are heard by every listener over one connection, until the last one has gone', async () => {
    const heard = [0, 0]
    const stop = heard.map((_, at) =>
      announcements.listen(request, () => {
        heard[at] = (heard[at] ?? 0) + 1
      }),
    )
    await until(async () => (await listeners()) === 1)
    await announce()
    await until(() => heard.every((times) => times === 1))
    stop[0]?.()
    await announce()
    await until(() => heard[1] === 2)
    expect(heard).toEqual([1, 2])
    expect(await listeners()).toBe(1)
    stop[1]?.()
    await until(async () => (await listeners()) === 0)
  })

  it('are heard again by whoever listens after the connection was lost, and nothing keeps the pool from ending', async () => {
    const database = await openDatabase({ url: test.appUrl, masterKey: test.database.masterKey, max: 1 })
    announcements = new ErasureAnnouncements(database)
    const stopFirst = announcements.listen(request, () => undefined)
    await until(async () => (await listeners()) === 1)
    await endConnections()
    await until(() => database.pool.totalCount === 0)

    let heard = false
    const stopSecond = announcements.listen(request, () => {
      heard = true
    })
    await until(async () => (await listeners()) === 1)
    await announce()
    await until(() => heard)
    stopFirst()
    stopSecond()
    await database.close()
    expect(database.pool.totalCount).toBe(0)
  })

  it('are not waited for where the pool has no connection to give', async () => {
    const database = await openDatabase({ url: test.appUrl, masterKey: test.database.masterKey })
    await database.close()
    announcements = new ErasureAnnouncements(database)
    const stop = announcements.listen(request, () => undefined)
    stop()
  })
})
