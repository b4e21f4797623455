import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import { type ListUsersOptions, listUsers, userSorts } from './list-users.ts'

let test: TestTenant
beforeAll(async () => {
  test = await createTestTenant()
  // Times within one millisecond, and names that are equal or missing: what a careless cursor stumbles over.
  await test.owner.query(
    `insert into users (tenant_id, display_name, ref, email, login_name, created_at, state, deleted_at, deletion_id)
     select $1, case when n % 3 = 0 then null else 'Name ' || n % 5 end, case when n % 4 > 0 then 'P-' || (n * 7) % 41 end,
       'user' || n || '@example.org', 'x|login_' || n,
       timestamptz '2026-03-31 23:59:59.9990Z' + n * interval '10 microseconds',
       case when n % 2 = 0 then 'deleted' else 'active' end,
       case when n % 2 = 0 then timestamptz '2026-03-31 23:59:59.9990Z' + n * interval '50 microseconds' end,
       case when n % 2 = 0 then gen_random_uuid() end
     from generate_series(1, 40) n`,
    [test.tenantId],
  )
})
afterAll(() => test.close())

const list = (options: ListUsersOptions) => test.run((tx) => listUsers(tx, options))

async function pages(options: ListUsersOptions): Promise<string[]> {
  const ids: string[] = []
  let after: string | undefined
  do {
    const page = await list({ ...options, limit: 3, ...(after !== undefined && { after }) })
    ids.push(...page.users.map(({ id }) => id))
    after = page.next
  } while (after !== undefined)
  return ids
}

describe('listing users', () => {
  it.each(userSorts)('in pages sorted by %s gives everybody once, in the order of one long page', async (sort) => {
    const states = ['active', 'deleted'] as const
    const whole = await list({ sort, states, limit: 1000 })
    expect(whole.users).toHaveLength(sort === 'deleted' ? 20 : 40)
    expect(whole.next).toBeUndefined()
    expect(await pages({ sort, states })).toEqual(whole.users.map(({ id }) => id))
  })

  it('hides deleted users unless they are asked for', async () => {
    expect((await list({})).users.map(({ state }) => state)).toEqual(Array(20).fill('active'))
    expect((await list({ states: ['deleted'] })).users).toHaveLength(20)
  })

  it('finds the deletions of one month, by its bounds in UTC', async () => {
    const march = await list({ deletedIn: '2026-03' })
    const april = await list({ deletedIn: '2026-04' })
    // 20 * 50 microseconds after .9990 is the first instant of April.
    expect(march.users).toHaveLength(9)
    expect(april.users).toHaveLength(11)
    expect((await list({ deletedIn: '2026-05' })).users).toEqual([])
  })

  it('finds the deletions from a day to a day, both whole and in UTC', async () => {
    expect((await list({ deletedFrom: '2026-03-31', deletedTo: '2026-03-31' })).users).toHaveLength(9)
    expect((await list({ deletedFrom: '2026-04-01', deletedTo: '2026-04-01' })).users).toHaveLength(11)
    expect((await list({ deletedFrom: '2026-03-31' })).users).toHaveLength(20)
    expect((await list({ deletedTo: '2026-03-30' })).users).toEqual([])
    expect((await list({ deletedIn: '2026-03', deletedFrom: '2026-03-31', search: 'p-1' })).users).not.toEqual([])
  })

  it('sorts by the ref of the tenant, in both directions, with users without one at the start', async () => {
    const refs = (await list({ states: ['deleted'], sort: 'ref', limit: 1000 })).users.map(({ ref }) => ref)
    expect(refs.slice(0, 10)).toEqual(Array(10).fill(null))
    const { rows } = await test.owner.query(`select ref from users where state = 'deleted' order by ref nulls first`)
    expect(refs).toEqual(rows.map(({ ref }) => ref))
    const descending = await list({ states: ['deleted'], sort: 'ref', descending: true, limit: 1000 })
    expect(descending.users.map(({ ref }) => ref)).toEqual(refs.toReversed())
  })

  it('searches names, addresses, login names and refs, in any case, with no character having a meaning', async () => {
    expect((await list({ search: 'p-40' })).users.map(({ ref }) => ref)).toEqual(['P-40'])
    expect((await list({ search: 'USER7@' })).users).toHaveLength(1)
    expect((await list({ search: 'LOGIN_7' })).users).toHaveLength(1)
    expect((await list({ search: 'name 1', states: ['active', 'deleted'] })).users).toHaveLength(5)
    expect((await list({ search: '%' })).users).toEqual([])
    expect((await list({ search: 'LOGIN-7' })).users).toEqual([])
  })

  it('goes on where it was although the deleted user at the end of the page is purged meanwhile', async () => {
    const whole = (await list({ sort: 'deleted' })).users.map(({ id }) => id)
    const first = await list({ sort: 'deleted', limit: 3 })
    await test.owner.query('delete from users where id = $1', [whole[2]])
    const second = await list({ sort: 'deleted', limit: 3, after: first.next ?? '' })
    expect(second.users.map(({ id }) => id)).toEqual(whole.slice(3, 6))
  })

  it.each([
    ['limit', { limit: 0 }],
    ['limit', { limit: 1001 }],
    ['deleted_in', { deletedIn: '2026-13' }],
    ['deleted_in', { deletedIn: '0000-01' }],
    ['deleted_from', { deletedFrom: '2026-02-30' }],
    ['deleted_from', { deletedFrom: '2026-03' }],
    ['deleted_to', { deletedTo: '2026-13-01' }],
    ['deleted_to', { deletedFrom: '2026-03-02', deletedTo: '2026-03-01' }],
    ['search', { search: 'a\0b' }],
    ['after', { after: 'nonsense' }],
    ['after', { after: Buffer.from('["id","x",null]').toString('base64url') }],
    [
      'after',
      {
        sort: 'created',
        after: Buffer.from('["created","0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a","9999-99-99T99:99:99.000000Z"]').toString(
          'base64url',
        ),
      },
    ],
    [
      'after',
      {
        sort: 'name',
        after: Buffer.from('["name","0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a",null]').toString('base64url'),
      },
    ],
  ] as const)('refuses a bad %s', async (field, options) => {
    await expect(list(options)).rejects.toMatchObject({ code: 'input.invalid', details: { field } })
  })
})
