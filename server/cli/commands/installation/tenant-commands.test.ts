import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
})
afterAll(() => test.close())

it('counts before it deletes a tenant, asks, and keeps a certificate that verifies offline', async () => {
  const { tenant } = await test.json('tenant', 'create', 'Closing')
  await test.json('tenant', 'create', 'Staying')
  for (const email of ['ann@example.org', 'bob@example.org']) {
    await test.json('user', 'create', '--email', email, '--tenant', 'Closing')
  }
  const preview = await test.json('tenant', 'delete', 'Closing', '--preview')
  expect(preview).toMatchObject({ tenant: tenant.id, people: 2, held: 0, pending: 0 })
  expect(preview.tables).toContainEqual({ table: 'users', rows: 2 })
  expect(await test.failure('tenant', 'delete', 'Closing')).toMatchObject({
    exit: 2,
    code: 'input.confirmation_needed',
  })

  const deleted = await test.json('tenant', 'delete', 'Closing', '--yes')
  expect(deleted).toMatchObject({ tenant: tenant.id, people: 2 })
  expect(deleted.tables).toEqual(expect.arrayContaining(preview.tables))
  expect((await test.json('tenant', 'list')).tenants.map(({ name }: { name: string }) => name)).toEqual(['Staying'])
  expect(await test.failure('tenant', 'delete', 'Closing', '--yes')).toMatchObject({
    exit: 3,
    code: 'tenant.not_found',
  })
  expect((await test.json('tenant', 'deletions')).tenant_deletions).toMatchObject([{ id: tenant.id }])

  const file = await test.file('deleted.json', JSON.stringify(await test.json('tenant', 'deletions', tenant.id)))
  expect(await test.json('certificate', 'verify', file)).toMatchObject({
    verified: true,
    claims: { tenant: tenant.id, people: 2 },
  })
  const { entries } = await test.json('audit', 'list', '--installation')
  expect(entries.map(({ activity }: { activity: string }) => activity)).toContain('TenantDeleted')
  expect((await test.json('tenant', 'create', 'Closing')).tenant.id).not.toBe(tenant.id)
})

it('names the way out where no such tenant was deleted', async () => {
  expect(await test.failure('tenant', 'deletions', '00000000-0000-4000-8000-000000000000')).toMatchObject({
    exit: 3,
    code: 'tenant.deletion_not_found',
  })
})

it('refuses to delete a tenant with a person on hold, names the hold, and goes on after its release', async () => {
  const inTenant = ['--tenant', 'Held']
  await test.json('tenant', 'create', 'Held')
  await test.json('user', 'create', '--email', 'ann@example.org', ...inTenant)
  const { hold } = await test.json(
    'hold',
    'place',
    '--reason',
    'court_proceedings',
    '--email',
    'ann@example.org',
    ...inTenant,
  )
  expect(await test.json('tenant', 'delete', 'Held', '--preview')).toMatchObject({ people: 1, held: 1 })
  const refused = await test.failure('tenant', 'delete', 'Held', '--yes')
  expect(refused).toMatchObject({ exit: 5, code: 'tenant.held', details: { holds: [{ id: hold.id }] } })
  expect(refused.message).toContain(`${hold.id} (court_proceedings)`)
  await test.json('hold', 'release', hold.id, '--yes', ...inTenant)
  expect(await test.json('tenant', 'delete', 'Held', '--yes')).toMatchObject({ people: 1 })
})
