import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from '../../../test/effort.ts'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { createTenant } from '../../tenancy/tenants.ts'
import { peopleError } from '../errors.ts'
import { deleteUsers } from '../lifecycle/delete-users.ts'
import { findUser, requireSelector, requireUsers, resolveUsers, type Selector, selectorNames } from './find-users.ts'

let test: TestTenant
const directoryId = (n: number) => `d0000000-0000-4000-8000-${String(n).padStart(12, '0')}`
beforeAll(async () => {
  test = await createTestTenant()
})
afterAll(() => test.close())

const find = (selector: Selector) => test.run((tx) => findUser(tx, selector))
const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

describe('the selector of a person', () => {
  it('is exactly one', () => {
    expect(requireSelector({ email: 'ann@example.org', id: undefined })).toEqual({
      by: 'email',
      value: 'ann@example.org',
    })
    expect(() => requireSelector({})).toThrow(expect.objectContaining({ code: 'subject.no_selector' }))
    expect(() => requireSelector({ id: unknown, ref: 'x' })).toThrow(
      expect.objectContaining({ code: 'subject.two_selectors', details: { selectors: ['id', 'ref'] } }),
    )
  })

  it.each([
    ['id', 'no uuid'],
    ['directory_object_id', `${unknown}0`],
    ['ref', ''],
    ['email', ' '],
    ['login_name', 'a\0b'],
    ['ref', '\ud800'],
  ] as const)('names the field of a value that nobody can have: %s %j', (by, value) => {
    expect(() => requireSelector({ [by]: value })).toThrow(
      expect.objectContaining({ code: 'input.invalid', details: expect.objectContaining({ field: by }) }),
    )
  })
})

describe('finding a user', () => {
  it('works by each of the five selectors, whatever the case and the claims around the login name', async () => {
    const user = await test.user({
      login_name: 'i:0#.f|membership|Erika.Muster@example.org',
      directory_object_id: directoryId(1),
      ref: 'Ref-1',
      email: 'Erika@Example.org',
    })
    for (const selector of [
      { by: 'id', value: user.id.toUpperCase() },
      { by: 'directory_object_id', value: directoryId(1).toUpperCase() },
      { by: 'ref', value: 'Ref-1' },
      { by: 'login_name', value: 'erika.MUSTER@example.org' },
      { by: 'login_name', value: 'other|claims|Erika.Muster@EXAMPLE.org' },
      { by: 'email', value: ' ERIKA@example.ORG ' },
      { by: 'email', value: '<mailto:Erika@example.org>;' },
      { by: 'email', value: 'erika@example.org.\u200b' },
      { by: 'login_name', value: 'i:0#.f|membership|<erika.muster@example.org>' },
    ] satisfies Selector[]) {
      expect(await find(selector)).toEqual(user)
      const [named] = await test.run((tx) => requireUsers(tx, [selector, { by: 'id', value: user.id }]))
      expect(named).toEqual({ id: user.id, state: 'active', given: selector })
    }
  })

  it('takes an address as it is stored before it takes it without what came along', async () => {
    const clean = await test.user({ email: 'kept@example.org' })
    const odd = await test.user({})
    await test.owner.query(`update users set email = 'kept@example.org;' where id = $1`, [odd.id])
    for (const [value, id] of [
      ['kept@example.org;', odd.id],
      ['KEPT@example.org', clean.id],
      ['<kept@example.org>', clean.id],
    ] as const) {
      expect(await find({ by: 'email', value })).toMatchObject({ id })
      expect(await test.run((tx) => requireUsers(tx, [{ by: 'email', value }]))).toMatchObject([{ id }])
    }
  })

  it('says that nobody is there, without the value', async () => {
    for (const by of selectorNames) {
      const value = by === 'id' || by === 'directory_object_id' ? unknown : 'nobody@example.org'
      const error = await find({ by, value }).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'user.not_found' })
      expect(String(error)).not.toContain(value)
    }
  })

  it('never guesses between two users of one login name, and names the candidates', async () => {
    const one = await test.user({ login_name: 'twin', directory_object_id: directoryId(2) })
    const two = await test.user({ login_name: 'x|TWIN' })
    await expect(find({ by: 'login_name', value: 'Twin' })).rejects.toMatchObject({
      code: 'subject.ambiguous',
      details: { ids: [one.id, two.id].sort(), directoryObjectIds: [directoryId(2)] },
    })
    expect(await find({ by: 'directory_object_id', value: directoryId(2) })).toEqual(one)
  })

  it('matches deleted users, not anonymized ones', async () => {
    const deleted = await test.user({ email: 'deleted@example.org' })
    await test.run((tx) => deleteUsers(tx, { userIds: [deleted.id] }))
    expect(await find({ by: 'email', value: 'deleted@example.org' })).toMatchObject({ state: 'deleted' })
    const anonymized = await test.user({ email: 'anonymized@example.org' })
    await test.owner.query(`update users set state = 'anonymized', anonymized_at = now() where id = $1`, [
      anonymized.id,
    ])
    await expect(find({ by: 'id', value: anonymized.id })).rejects.toMatchObject({ code: 'user.not_found' })
    await expect(find({ by: 'email', value: 'anonymized@example.org' })).rejects.toMatchObject({
      code: 'user.not_found',
    })
  })

  it('never reaches into another tenant', async () => {
    const user = await test.user({ email: 'here@example.org' })
    const other = await createTenant(test.database, { name: 'Elsewhere', kind: 'enterprise' })
    await inTenant(test.database, other.id, async (tx) => {
      expect(await resolveUsers(tx, [{ by: 'id', value: user.id }])).toEqual([{ outcome: 'not_found' }])
      await expect(findUser(tx, { by: 'email', value: 'here@example.org' })).rejects.toMatchObject({
        code: 'user.not_found',
      })
    })
  })
})

describe('resolving many selectors', () => {
  it('keeps their order and tells found, missing and ambiguous apart', async () => {
    const one = await test.user({ login_name: 'many-1' })
    const two = await test.user({ login_name: 'Many-1', ref: 'many-2' })
    const selectors: Selector[] = [
      { by: 'ref', value: 'many-2' },
      { by: 'login_name', value: 'many-1' },
      { by: 'id', value: one.id },
      { by: 'email', value: 'many@example.org' },
      { by: 'ref', value: 'many-2' },
    ]
    const ambiguous = { outcome: 'ambiguous', ids: [one.id, two.id].sort(), directoryObjectIds: [] }
    const found = { outcome: 'found', id: two.id, state: 'active' }
    expect(await test.run((tx) => resolveUsers(tx, selectors))).toEqual([
      found,
      ambiguous,
      { outcome: 'found', id: one.id, state: 'active' },
      { outcome: 'not_found' },
      found,
    ])
    await expect(test.run((tx) => requireUsers(tx, selectors))).rejects.toMatchObject({
      code: 'subject.ambiguous',
      details: { row: 2 },
    })
    await expect(test.run((tx) => requireUsers(tx, selectors.toSpliced(1, 1)))).rejects.toMatchObject({
      code: 'user.not_found',
      details: { rows: [3] },
    })
    expect(await test.run((tx) => requireUsers(tx, selectors.toSpliced(1, 1).toSpliced(2, 1)))).toMatchObject([
      { id: two.id, state: 'active' },
      { id: one.id, state: 'active' },
    ])
  })

  it('takes a handful of statements for thousands', async () => {
    await test.owner.query(
      `insert into users (tenant_id, login_name, ref) select $1, 'bulk' || n, 'bulk' || n from generate_series(1, 5000) n`,
      [test.tenantId],
    )
    const selectors = Array.from({ length: 10_000 }, (_, n): Selector => {
      const value = `BULK${n + 1}`
      return n % 2 === 0 ? { by: 'login_name', value } : { by: 'ref', value: value.toLowerCase() }
    })
    let statements = 0
    const resolutions = await test.run((tx) =>
      resolveUsers(
        {
          ...tx,
          query: (...args) => {
            statements += 1
            return tx.query(...args)
          },
        },
        selectors,
      ),
    )
    expect(statements).toBeLessThanOrEqual(selectorNames.length)
    expect(resolutions.filter(({ outcome }) => outcome === 'found')).toHaveLength(5000)
    expect(resolutions.slice(5000).every(({ outcome }) => outcome === 'not_found')).toBe(true)
  })
})

describe('selectors made of any text', () => {
  const claims = fc.constantFrom('', 'i:0#.f|membership|', 'c:0+.w|', '|', 'a|b|c|')
  const piece = fc.constantFrom(
    'Ann',
    'ANN',
    'ann',
    'Ä',
    'ä',
    'A\u0308',
    'ß',
    'İ',
    'ı',
    ' ',
    '\t',
    '\u00a0',
    '%',
    '_',
    "'",
    '\\',
  )
  const likely = fc.tuple(claims, fc.array(piece, { minLength: 1, maxLength: 3 })).map(([c, p]) => c + p.join(''))
  const anything = fc.string({ unit: 'binary', maxLength: 20 })
  const selector = fc.record({
    by: fc.constantFrom(...selectorNames),
    value: fc.oneof(likely, anything, fc.uuid()),
  })

  it('mean the same one by one and in bulk, and break nothing', async () => {
    const values = fc.sample(likely, { numRuns: 60, seed: 7 })
    for (const value of values) {
      await test.owner.query('insert into users (tenant_id, login_name, email) values ($1, $2, $2)', [
        test.tenantId,
        value,
      ])
    }
    await fc.assert(
      fc.asyncProperty(fc.array(selector, { minLength: 1, maxLength: 8 }), async (given) => {
        const selectors = given.filter((candidate) => {
          try {
            requireSelector({ [candidate.by]: candidate.value })
            return true
          } catch (error) {
            expect(error).toMatchObject({ code: 'input.invalid' })
            return false
          }
        })
        const bulk = await test.run((tx) => resolveUsers(tx, selectors))
        for (const [index, one] of selectors.entries()) {
          const single = await find(one).then(
            ({ id, state }) => ({ outcome: 'found', id, state }),
            (error: unknown) => {
              if (peopleError.is(error, 'user.not_found')) return { outcome: 'not_found' }
              if (!peopleError.is(error, 'subject.ambiguous')) throw error
              const { ids, directoryObjectIds } = error.details
              return { outcome: 'ambiguous', ids, directoryObjectIds }
            },
          )
          expect(bulk[index]).toEqual(single)
        }
      }),
      { numRuns: effort(15, 60) },
    )
  })

  it('find whoever was created with them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), claims, async (unique, prefix) => {
        const user = await test.user({ login_name: `${prefix}${unique}@Ä.example`, email: `${unique}@Ä.example` })
        const expected = { outcome: 'found', id: user.id, state: 'active' }
        const bare = `${unique}@A\u0308.EXAMPLE`
        const found = await test.run((tx) =>
          resolveUsers(tx, [
            { by: 'login_name', value: bare },
            { by: 'login_name', value: `z|${bare}` },
            { by: 'email', value: bare },
          ]),
        )
        expect(found).toEqual([expected, expected, expected])
      }),
      { numRuns: effort(6, 20) },
    )
  })
})
