import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { copyTo } from './copy-to.ts'
import { codeOf } from './pool.ts'

let test: TestDatabase
let client: pg.PoolClient
beforeAll(async () => {
  test = await createTestDatabase()
  client = await test.database.pool.connect()
})
afterAll(async () => {
  client.release()
  await test.close()
})

async function read(query: string): Promise<string> {
  const chunks: Buffer[] = []
  await copyTo(client, query, (chunk) => chunks.push(Buffer.from(chunk)))
  return Buffer.concat(chunks).toString('utf8')
}

const rows = (count: number) =>
  `select n, repeat('äöü', n % 90), null from generate_series(1, ${count}) as n order by n`
const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => `${at + 1}\t${'äöü'.repeat((at + 1) % 90)}\t\\N\n`).join('')

/** Whoever uses the connection next finds it as it was. */
async function expectFit() {
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(await read(rows(3))).toBe(lines(3))
}

describe('copying', () => {
  it('gives all rows as COPY writes them, many or none', async () => {
    expect(await read(rows(50_000))).toBe(lines(50_000))
    expect(await read(rows(0))).toBe('')
    await expectFit()
  })

  it('fails as the statement does, before the first row or behind the last', async () => {
    const failure = (query: string) => read(query).then(() => undefined, codeOf)
    expect(await failure('select nothing from nowhere')).toBe('42P01')
    await expectFit()
    expect(await failure('select 1 / (n - 20000) from generate_series(1, 30000) as n')).toBe('22012')
    await expectFit()
  })

  it('fails as the reader of the rows does', async () => {
    const copied = copyTo(client, rows(5000), () => {
      throw new RangeError('too much')
    })
    await expect(copied).rejects.toThrow(new RangeError('too much'))
    await expectFit()
  })

  it('fails where the connection is lost meanwhile', async () => {
    const lost = await test.database.pool.connect()
    const { rows: pids } = await lost.query('select pg_backend_pid() as pid')
    let ended: Promise<unknown> | undefined
    const copied = copyTo(lost, rows(1_000_000), () => {
      ended ??= test.owner.query('select pg_terminate_backend($1)', [pids[0].pid])
    })
    await expect(copied).rejects.toThrow()
    await ended
    lost.release(true)
  })
})
