import { setTimeout } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { copyTo } from './copy-to.ts'
import { drivers } from './drivers.ts'
import { codeOf, type Database, openDatabase } from './pool.ts'
import { inTenant, type TenantTransaction } from './transaction.ts'

const tenant = '018f0000-0000-7000-8000-000000000001'
let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await test.owner.query(`insert into tenants (id, name, kind) values ('${tenant}', 'one', 'enterprise')`)
})
afterAll(() => test.close())

const value = async (answer: Promise<{ rows: pg.QueryResultRow[] }>) => (await answer).rows[0]?.value
const outcome = (answer: Promise<{ rows: pg.QueryResultRow[] }>) => value(answer).catch(codeOf)

describe.each(drivers)('by the $name driver,', (driver) => {
  /** One connection, so that whatever a test leaves behind meets the next one. */
  let database: Database
  beforeAll(async () => {
    database = await openDatabase({ url: test.appUrl, masterKey: test.database.masterKey, max: 1, driver })
  })
  afterAll(() => database.close())

  const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(database, tenant, work)

  describe('statements sent in one turn', () => {
    it('are answered each with its own rows and types, prepared ones and others', async () => {
      const answers = () =>
        run((tx) =>
          Promise.all([
            value(tx.query('select $1::bigint as value', [1], 'number')),
            value(tx.query('select $1::date as value', ['2026-01-02'], 'day')),
            tx.query('select where false', [], 'none'),
            value(tx.query('set local lethe_test.said = 7; select 1').then(() => ({ rows: [{ value: 'both' }] }))),
            value(tx.query(`select current_setting('lethe_test.said') as value where $1`, [true])),
            value(tx.query('select $1::jsonb as value', [{ a: [1] }], 'json')),
            value(tx.query('select $1::text[] as value', [['x', 'y']], 'texts')),
            tx.db.selectFrom('tenants').select('name').execute(),
          ]),
        )
      const expected = [
        1,
        '2026-01-02',
        { rows: [], rowCount: 0 },
        'both',
        '7',
        { a: [1] },
        ['x', 'y'],
        [{ name: 'one' }],
      ]
      expect(await answers()).toEqual(expected)
      // The second time they are prepared.
      expect(await answers()).toEqual(expected)
    })

    it('are passed over after one that fails, which fails the transaction, and work again afterwards', async () => {
      const divide = (tx: TenantTransaction, by: number) => tx.query('select 6 / $1::int as value', [by], 'divide')
      const sent = async (by: number) => {
        const outcomes: unknown[] = []
        const all = run(async (tx) => {
          const answers = [
            tx.query('select $1::int as value', [1], 'before'),
            divide(tx, by),
            tx.query('select $1::int as value', [2], 'after'),
            tx.query('select $1::nothing as value', [3], 'wrong'),
          ]
          outcomes.push(...(await Promise.all(answers.slice(0, 3).map(outcome))))
          await Promise.allSettled(answers)
        })
        const failure = await all.catch(codeOf)
        return [failure, ...outcomes]
      }
      expect(await sent(0)).toEqual(['22012', 1, '22012', '25P02'])
      expect(await sent(2)).toEqual(['42704', 1, 3, 2])
      expect(
        await run((tx) =>
          Promise.all([outcome(divide(tx, 3)), outcome(tx.query('select $1::int as value', [2], 'after'))]),
        ),
      ).toEqual([2, 2])
    })

    it('are refused where a name stands for another statement, and the transaction with them', async () => {
      const one = (tx: TenantTransaction) => value(tx.query('select 1 as value', [], 'one'))
      const other = 'select 2 as value'
      const refusal = 'The name one stands for another statement'
      expect(await run(one)).toBe(1)
      await expect(run((tx) => tx.query(other, [], 'one'))).rejects.toThrow(refusal)
      // The connection was closed: what it knew is gone with it.
      expect(await run(one)).toBe(1)
      await expect(run(async (tx) => tx.send(other, [], 'one'))).rejects.toThrow(refusal)
      const both = run((tx) => Promise.all([tx.query(other, [], 'new'), tx.query('select 3 as value', [], 'new')]))
      await expect(both).rejects.toThrow('The name new stands')
      expect(await run(one)).toBe(1)
    })

    it('all fail where the connection is lost', async () => {
      const lost = run(async (tx) => {
        const pid = await value(tx.query('select pg_backend_pid() as value', [], 'pid'))
        await test.owner.query('select pg_terminate_backend($1, 5000)', [pid])
        const answers = [1, 2].map((one) => tx.query('select $1::int as value', [one]))
        expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
        await answers[0]
      })
      await expect(lost).rejects.toThrow(/connection|terminat|queryable/i)
      expect(await run((tx) => value(tx.query('select 1 as value')))).toBe(1)
    })

    it('that are still to be sent are sent before the transaction is rolled back', async () => {
      const failing = run((tx) => {
        tx.send(`insert into users (tenant_id, ref) values ($1, 'late')`, [tx.tenantId])
        throw new Error('at once')
      })
      await expect(failing).rejects.toThrow('at once')
      await setTimeout(20)
      const { rows } = await test.owner.query(`select from users where ref = 'late'`)
      expect(rows).toEqual([])
    })
  })

  it('sends a statement at once, though the turn goes on', async () => {
    const wait = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
    const [first = 0, second = 0] = await run(async (tx) => {
      await tx.query('select 1')
      const clock = (name: string) => value(tx.query('select clock_timestamp() as value', [], name)).then(Number)
      const early = clock('first')
      wait(100)
      return await Promise.all([early, clock('second')])
    })
    expect(second - first).toBeGreaterThan(80)
  })

  it('lends the connection to a COPY in the middle of a transaction, and goes on in order', async () => {
    const answers = await run(async (tx) => {
      await tx.query(`set local lethe_test.said = 'here'`)
      const copied: Buffer[] = []
      const said = `select current_setting('lethe_test.said'), n from generate_series(1, 2) as n`
      await tx.copy((client) => copyTo(client, said, (chunk) => copied.push(Buffer.from(chunk))))
      const numbers = [1, 2].map((one) => value(tx.query('select $1::int as value', [one], 'after')))
      return [Buffer.concat(copied).toString(), ...(await Promise.all(numbers))]
    })
    expect(answers).toEqual(['here\t1\nhere\t2\n', 1, 2])
  })

  it('reads as the auditor only what it is told to, and is the application with its own settings otherwise', async () => {
    const settings = `select current_user::text as role, current_setting('enable_seqscan') as seqscan,
    current_setting('cpu_operator_cost') as cost`
    const [before, within, after, copied] = await run(async (tx) => {
      const asked = [
        tx.query(settings, [], 'application'),
        tx.queryAsAuditor(settings, [], 'auditor'),
        tx.query(settings, [], 'application'),
      ]
      const answers = (await Promise.all(asked)).map(({ rows }) => rows[0])
      await tx.queryAsAuditor('select', [], 'last')
      return [...answers, (await tx.copy((client) => client.query(settings))).rows[0]]
    })
    expect(before).toEqual({ role: 'lethe_app', seqscan: 'on', cost: '0.0025' })
    expect(within).toEqual({ role: 'lethe_auditor', seqscan: 'off', cost: '0.05' })
    expect([after, copied]).toEqual([before, before])
  })
})
