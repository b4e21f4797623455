import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
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

const insertUser = `insert into users (tenant_id, ref) values ('${tenant}', $1)`
const fixture = `set local lethe_test.fixture = 'yes'`
const refs = async () =>
  (await test.owner.query<{ ref: string }>('select ref from users order by ref')).rows.map(({ ref }) => ref)

describe.each(drivers)('by the $name driver,', (driver) => {
  let database: Database
  beforeAll(async () => {
    await test.owner.query('delete from users')
    database = await openDatabase({ url: test.appUrl, masterKey: test.database.masterKey, driver })
  })
  afterAll(() => database.close())

  describe('a statement whose answer nobody needs', () => {
    it('is done when the transaction is', async () => {
      await inTenant(database, tenant, async (tx) => {
        tx.send(fixture)
        tx.send(insertUser, ['sent'])
      })
      expect(await refs()).toContain('sent')
    })

    it('fails the transaction with its own error, and nothing of it stays', async () => {
      const failed = inTenant(database, tenant, async (tx) => {
        tx.send(insertUser, ['before'])
        tx.send('select 1 / 0')
        tx.send(insertUser, ['after'])
      })
      await expect(failed.catch(codeOf)).resolves.toBe('22012')
      expect(await refs()).not.toContain('before')
    })

    it('fails the transaction where the driver cannot send it, and nothing of it stays', async () => {
      const circular: { self?: unknown } = {}
      circular.self = circular
      for (const name of [undefined, 'named']) {
        const failed = inTenant(database, tenant, async (tx) => {
          tx.send(fixture)
          tx.send(insertUser, ['before'])
          tx.send('select $1::json', [circular], name)
          tx.send(insertUser, ['after'])
        })
        await expect(failed).rejects.toThrow(/circular/i)
        expect(await refs()).not.toContain('before')
        expect(await refs()).not.toContain('after')
      }
    })

    it('fails the transaction though a savepoint takes it back, because nobody could have taken notice', async () => {
      const failed = inTenant(database, tenant, async (tx) => {
        await tx.query('savepoint here')
        tx.send('select 1 / 0')
        await tx.query('select 1').catch(() => tx.query('rollback to savepoint here'))
      })
      await expect(failed.catch(codeOf)).resolves.toBe('22012')
    })

    it('fails the transaction with its own error when an awaited statement fails because of it', async () => {
      const failed = inTenant(database, tenant, async (tx) => {
        tx.send('select 1 / 0')
        await tx.query('select 1')
      })
      await expect(failed.catch(codeOf)).resolves.toBe('22012')
    })
  })

  it('commits what follows a failure that a savepoint took back', async () => {
    await inTenant(database, tenant, async (tx) => {
      await tx.query(fixture)
      await tx.query('savepoint here')
      await tx.query('select 1 / 0').catch(() => tx.query('rollback to savepoint here'))
      await tx.query(insertUser, ['kept'])
    })
    expect(await refs()).toContain('kept')
  })

  it('gives the connection back in order after a failure', async () => {
    await expect(inTenant(database, tenant, async (tx) => tx.send('select 1 / 0'))).rejects.toThrow()
    await inTenant(database, tenant, async (tx) => {
      expect((await tx.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  describe('a transaction that only reads', () => {
    it('answers what it read, refuses to write, and leaves the connection as fit to write as before', async () => {
      const database = await openDatabase({ url: test.appUrl, masterKey: test.database.masterKey, max: 1, driver })
      try {
        const readOnly = { readOnly: true }
        const read = (tx: TenantTransaction) => tx.query<{ name: string }>('select name from tenants')
        expect((await inTenant(database, tenant, read, readOnly)).rows).toEqual([{ name: 'one' }])
        const written = inTenant(database, tenant, (tx) => tx.query(insertUser, ['read only']), readOnly)
        await expect(written.catch(codeOf)).resolves.toBe('25006')
        const sent = inTenant(database, tenant, async (tx) => tx.send(insertUser, ['read only']), readOnly)
        await expect(sent.catch(codeOf)).resolves.toBe('25006')
        expect(await refs()).not.toContain('read only')
        await inTenant(database, tenant, async (tx) => {
          await tx.query(fixture)
          await tx.query(insertUser, ['afterwards'])
        })
        expect(await refs()).toContain('afterwards')
      } finally {
        await database.close()
      }
    })
  })
})
