import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { drivers } from './drivers.ts'
import { transientFailure } from './failures.ts'
import { type Database, forReading, openDatabase } from './pool.ts'
import { inTenant } from './transaction.ts'

let test: TestDatabase
let rows: TenantRows
beforeAll(async () => {
  test = await createTestDatabase()
  rows = await newTenant(test.owner)
})
afterAll(() => test.close())

const nested = /asked for while another one of the same pool is held/

describe.each(drivers)('by the $name driver,', (driver) => {
  async function openSmall(options: { max: number; lockSeconds?: number }): Promise<Database> {
    const database = await openDatabase({
      driver,
      url: test.appUrl,
      masterKey: test.database.masterKey,
      max: options.max,
      waitSeconds: 1,
      patience: { lockSeconds: options.lockSeconds ?? 1, statementSeconds: 2, idleSeconds: 1 },
    })
    onTestFinished(() => database.close())
    return database
  }

  describe('a connection of the pool', () => {
    it('is refused at once to whoever holds one already, in whichever way it is asked for', async () => {
      const database = await openSmall({ max: 10 })
      const whileHolding = (ask: () => Promise<unknown>) =>
        expect(inTenant(database, rows.tenant, ask)).rejects.toThrow(nested)
      await whileHolding(() => inTenant(database, rows.tenant, (tx) => tx.query('select 1')))
      await whileHolding(() => database.pool.query('select 1'))
      await whileHolding(() => database.pool.connect())
      await whileHolding(() => database.reading.query('select 1'))
      await whileHolding(() => database.openUnflushed(1).query('select 1'))
      await expect(database.pool.lend(() => database.pool.query('select 1'))).rejects.toThrow(nested)
      await expect(
        database.pool.lend(
          () =>
            new Promise((resolve, reject) =>
              database.pool.query('select 1', (error) => (error ? reject(error) : resolve(1))),
            ),
        ),
      ).rejects.toThrow(nested)
      expect(database.pool.totalCount).toBe(database.pool.idleCount)
    })

    it('is lent to whoever reads for long, because that has connections of its own', async () => {
      const { rows: found } = await inTenant(forReading(test.database), rows.tenant, () =>
        inTenant(test.database, rows.tenant, (tx) => tx.query<{ one: number }>('select 1 as one')),
      )
      expect(found).toEqual([{ one: 1 }])
    })

    it('is lent again in what outlives a transaction', async () => {
      const ended = Promise.withResolvers<void>()
      let later: Promise<unknown> = Promise.resolve()
      await inTenant(test.database, rows.tenant, async () => {
        later = ended.promise.then(() => test.database.pool.query('select 1'))
      })
      ended.resolve()
      await later
    })

    it('never waits in a circle, whatever asks for how many at the same time', async () => {
      const database = await openSmall({ max: 2 })
      type Ask = { reading: boolean; inner: Ask[] }
      const { ask } = fc.letrec<{ ask: Ask }>((tie) => ({
        ask: fc.record({
          reading: fc.boolean(),
          inner: fc.oneof({ depthSize: 'small' }, fc.constant<Ask[]>([]), fc.array(tie('ask'), { maxLength: 2 })),
        }),
      }))
      const run = async ({ reading, inner }: Ask): Promise<void> => {
        await (reading ? database.reading : database.pool).lend(async (client) => {
          await client.query('select 1')
          const outcomes = await Promise.allSettled(inner.map(run))
          for (const [index, outcome] of outcomes.entries()) {
            // Only who reads may ask for more, and not for another reader's.
            const allowed = reading && inner[index]?.reading === false
            if (outcome.status === 'rejected' && allowed) throw outcome.reason
            if (!allowed)
              expect(outcome).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(nested) } })
          }
        })
      }
      await fc.assert(
        fc.asyncProperty(fc.array(ask, { maxLength: 6 }), async (asks) => {
          await Promise.all(asks.map(run))
        }),
        { numRuns: 20 },
      )
      expect(database.pool.longestWait).toBe(0)
    })
  })

  describe('a wait in the database', () => {
    it('for a connection ends with a sentence that says how long it was and what to do', async () => {
      const database = await openSmall({ max: 1 })
      const held = await database.pool.connect()
      const asked = Date.now()
      await expect(inTenant(database, rows.tenant, (tx) => tx.query('select 1'))).rejects.toMatchObject({
        code: 'database.busy',
        kind: 'unavailable',
        message: expect.stringContaining('in use for 1 seconds'),
      })
      expect(Date.now() - asked).toBeGreaterThan(900)
      held.release()
      await inTenant(database, rows.tenant, (tx) => tx.query('select 1'))
    })

    it.each([
      ['for a lock', 'database.lock_timeout', "select pg_advisory_xact_lock(hashtext('held by a test'))"],
      ['for the end of a statement', 'database.statement_timeout', 'select pg_sleep(30)'],
    ])('%s ends with an error of its own', async (_, code, statement) => {
      const database = await openSmall({ max: 2 })
      await test.owner.query("select pg_advisory_lock(hashtext('held by a test'))")
      const failure = await inTenant(database, rows.tenant, (tx) => tx.query(statement)).catch(
        (error: unknown) => error,
      )
      await test.owner.query("select pg_advisory_unlock(hashtext('held by a test'))")
      expect(transientFailure(failure)).toMatchObject({ code, kind: 'unavailable' })
    })

    it('for the next statement of a transaction ends, and its locks with it', async () => {
      const database = await openSmall({ max: 2, lockSeconds: 5 })
      const lock = "select pg_advisory_xact_lock(hashtext('held by nobody'))"
      const idle = inTenant(database, rows.tenant, async (tx) => {
        await tx.query(lock)
        await new Promise((resolve) => setTimeout(resolve, 2500))
        await tx.query('select 1')
      }).catch((error: unknown) => error)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await inTenant(database, rows.tenant, (tx) => tx.query(lock))
      expect(transientFailure(await idle)).toMatchObject({ code: 'service.unavailable' })
    })

    it('is longer for work than for requests', async () => {
      const database = await openSmall({ max: 2 })
      const patient = { ...database, patience: { lockSeconds: 601, statementSeconds: 602, idleSeconds: 603 } }
      const { rows: found } = await inTenant(patient, rows.tenant, (tx) =>
        tx.query(`select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
        current_setting('idle_in_transaction_session_timeout') as idle`),
      )
      expect(found).toEqual([{ lock: '601s', statement: '602s', idle: '603s' }])
    })
  })
})

it('is asked for through the guard everywhere in the program', async () => {
  const server = fileURLToPath(new URL('../..', import.meta.url))
  const offenders: string[] = []
  for (const entry of await readdir(server, { recursive: true })) {
    if (!entry.endsWith('.ts') || /\.test\.ts$/.test(entry) || entry.startsWith(path.join('platform', 'database')))
      continue
    const text = await readFile(path.join(server, entry), 'utf8')
    if (/\.(pool|reading)\.connect\(|new pg\.Pool\(/.test(text)) offenders.push(entry)
  }
  expect(offenders).toEqual([])
})
