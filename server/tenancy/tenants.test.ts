import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { chooseTenant, createTenant, findTenant, listTenants } from './tenants.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

describe('tenants', () => {
  it('asks for a tenant while there is none, takes the only one, and asks again when there are two', async () => {
    await expect(chooseTenant(test.database, undefined)).rejects.toMatchObject({
      code: 'tenant.needed',
      details: { count: 0 },
    })
    const first = await createTenant(test.database, { name: ' Acme ', kind: 'enterprise' })
    expect(first).toMatchObject({ name: 'Acme', kind: 'enterprise' })
    expect(await chooseTenant(test.database, undefined)).toEqual(first)
    const second = await createTenant(test.database, { name: 'Acme trial', kind: 'trial' })
    await expect(chooseTenant(test.database, undefined)).rejects.toMatchObject({
      code: 'tenant.needed',
      details: { count: 2 },
    })
    expect(await chooseTenant(test.database, 'Acme trial')).toEqual(second)
    expect(await chooseTenant(test.database, first.id.toUpperCase())).toEqual(first)
    expect(await listTenants(test.database)).toEqual([first, second])
  })

  it('refuses a name that is taken, also by a tenant that the transaction cannot see', async () => {
    await createTenant(test.database, { name: 'Taken', kind: 'trial' })
    await expect(createTenant(test.database, { name: 'Taken', kind: 'trial' })).rejects.toMatchObject({
      code: 'tenant.name_taken',
    })
  })

  it.each(['', '  ', 'a\nb', 'a\0b', 'x'.repeat(257), '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'])(
    'refuses a name that cannot be one: %j',
    async (name) => {
      await expect(createTenant(test.database, { name, kind: 'trial' })).rejects.toMatchObject({
        code: 'input.invalid',
        details: { field: 'name' },
      })
    },
  )

  it.each(['nobody', 'a\0b', '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a', "x' or true --"])(
    'does not find a tenant that does not exist: %j',
    async (name) => {
      await expect(findTenant(test.database, name)).rejects.toMatchObject({ code: 'tenant.not_found' })
    },
  )
})
