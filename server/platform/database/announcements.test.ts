import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { Announcements } from './announcements.ts'

const about = '018f0000-0000-7000-8000-00000000000a'
let test: TestDatabase
let announcements: Announcements

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())
beforeEach(() => {
  const opened = new Announcements({ url: () => test.appUrl })
  announcements = opened
  onTestFinished(() => opened.close())
})

const listening = `from pg_stat_activity where datname = current_database() and query = 'listen lethe'`
const connections = async (): Promise<number> =>
  (await test.owner.query(`select count(*)::int as number ${listening}`)).rows[0].number
const announce = (payload: string) => test.owner.query(`select pg_notify('lethe', $1)`, [payload])

describe('announcements', () => {
  it('are heard by every listener over one connection, which is kept until it is closed', async () => {
    const heard: string[][] = [[], []]
    const [stopFirst, stopSecond] = heard.map((said) => announcements.listen(about, (text) => said.push(text)))
    await vi.waitFor(async () => expect(await connections()).toBe(1))
    await announce(`${about} it is so`)
    await vi.waitFor(() => expect(heard).toEqual([['it is so'], ['it is so']]))
    stopFirst?.()
    await announce('018f0000-0000-7000-8000-00000000000b of something else')
    await announce(about)
    await vi.waitFor(() => expect(heard[1]).toEqual(['it is so', '']))
    expect(heard[0]).toEqual(['it is so'])
    stopSecond?.()
    await setTimeout(50)
    expect(await connections()).toBe(1)
    await announcements.close()
    await vi.waitFor(async () => expect(await connections()).toBe(0))
  })

  it('are heard again by whoever listens after the connection was lost', async () => {
    announcements.listen(about, () => undefined)
    await vi.waitFor(async () => expect(await connections()).toBe(1))
    await test.owner.query(`select pg_terminate_backend(pid, 5000) ${listening}`)

    let heard = false
    await vi.waitFor(async () => {
      announcements.listen(about, () => {
        heard = true
      })
      expect(await connections()).toBe(1)
    })
    await announce(about)
    await vi.waitFor(() => expect(heard).toBe(true))
  })

  it('are not heard, and keep nobody from closing, where the server cannot be reached', async () => {
    const url = new URL(test.appUrl)
    url.port = '1'
    const unreachable = new Announcements({ url: () => url.href })
    unreachable.listen(about, () => undefined)
    await unreachable.close()
    unreachable.listen(about, () => undefined)
    await setTimeout(50)
    await unreachable.close()
  })
})
