import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { searchDatabase } from './search-database.ts'

const value = 'canary.of.the.tables@example.org'
/** Whose rows are searched beside tables that are nobody's. */
const tenant = '018f0000-0000-7000-8000-000000000001'
let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** Where the search finds the value, as table and column. */
async function places(): Promise<string[]> {
  const { findings, unreadable } = await searchDatabase(test.database, tenant, [{ kind: 'email', value }])
  expect(unreadable).toEqual([])
  return findings.map(({ table, column, rows }) => `${table}.${column} ${rows}`)
}

describe('a table that the data map does not know', () => {
  it('is read in each of very many columns, where all but one are empty', async () => {
    const names = Array.from({ length: 150 }, (_, at) => `c${at}`)
    await test.owner.query(`create table wide (${names.map((name) => `${name} text`).join(', ')})`)
    await test.owner.query('grant select on wide to lethe_auditor')
    await test.owner.query(`insert into wide (c149) values (null), ($1), (null)`, [value])
    expect(await places()).toEqual(['wide.c149 1'])
    await test.owner.query('drop table wide')
  })

  it('is read where a value has parts and one of them is empty', async () => {
    await test.owner.query('create type contact as (name text, address text)')
    await test.owner.query('create table contacts_elsewhere (one contact)')
    await test.owner.query('grant select on contacts_elsewhere to lethe_auditor')
    await test.owner.query('insert into contacts_elsewhere values (null), (row(null, null)), (row(null, $1))', [value])
    expect(await places()).toEqual(['contacts_elsewhere.one 1'])
    await test.owner.query('drop table contacts_elsewhere')
  })
})
