import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { vacuumTables } from './vacuum.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it('leaves a table with fresh statistics, and every page marked as visible to all', async () => {
  await test.owner.query(
    `insert into tenants (name, kind) select 'Tenant ' || i, 'trial' from generate_series(1, 300) i`,
  )
  await vacuumTables(test.ownerUrl, ['tenants'])
  const { rows } = await test.owner.query(
    `select reltuples::integer as rows, relpages > 0 and relallvisible = relpages as visible
     from pg_class where oid = 'tenants'::regclass`,
  )
  expect(rows).toEqual([{ rows: 300, visible: true }])
})
