import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { basic, openTestHttp, type TestHttp } from '../../test/http.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { apiKeyAccesses, createApiKey } from '../access/api-keys.ts'
import { createOAuthClient } from '../access/oauth-clients.ts'
import { setPassword } from '../access/set-password.ts'
import { importUsers } from '../imports/users/import-users.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { actingFor } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { isPermitted, type Permission, permissions } from './permissions.ts'
import { type Access, scopes } from './principal.ts'
import { type UserRole, userRoles } from './roles.ts'

const password = 'a long enough password'
const id = '018f0000-0000-7000-8000-0000000000a2'

/** A principal, and as what it sets a transaction in motion. */
type Acting = { name: string; access: Access; initiator: (tenant: TenantRows) => Promise<Initiator> }

const people: Acting[] = userRoles.map((role) => ({
  name: `a person with the role ${role}`,
  access: { kind: 'person', roles: [role] },
  initiator: async (tenant) => ({ from: 'console', userId: await tenant.user({ roles: [role] }) }),
}))
const programs: Acting[] = [...scopes.map((scope) => [scope]), ['api/read', 'api/write'] as const, []].map((own) => ({
  name: `a program with ${own.join(' and ') || 'no scope'}`,
  access: { kind: 'program', scopes: [...own] },
  initiator: () => Promise.resolve({ from: 'api', credential: { kind: 'client', id, scopes: own } }),
}))
const operator: Acting = {
  name: 'an operator',
  access: { kind: 'operator' },
  initiator: () => Promise.resolve({ from: 'console', credential: { kind: 'operator', id } }),
}

/** Something that hands out an access, and what it hands out. */
type Handing = {
  name: string
  gives: Access
  prepare?: (tenant: TenantRows) => Promise<string>
  act: (tx: TenantTransaction, prepared: string) => Promise<unknown>
}

const roleful = (role: UserRole): Handing[] => {
  const gives: Access = { kind: 'person', roles: [role] }
  return [
    { name: `creates a user who is ${role}`, gives, act: (tx) => createUser(tx, { roles: [role] }) },
    {
      name: `gives a user the role ${role}`,
      gives,
      prepare: (tenant) => tenant.user({ roles: [role === 'manager' ? 'author' : 'manager'] }),
      act: (tx, user) => updateUser(tx, user, { roles: [role] }),
    },
    {
      name: `restores a user with the role ${role}`,
      gives,
      prepare: (tenant) => tenant.deletedUser({ former_roles: role === 'learner' ? [] : [role] }),
      act: (tx, user) => restoreUsers(tx, { userIds: [user], withRoles: true }),
    },
    {
      name: `sets the password of a user who is ${role}`,
      gives,
      prepare: (tenant) => tenant.user({ roles: [role] }),
      act: (tx, user) => setPassword(tx, { userId: user, password }),
    },
  ]
}
const handings: Handing[] = [
  ...userRoles.flatMap(roleful),
  ...scopes.map(
    (scope): Handing => ({
      name: `makes an OAuth client with ${scope}`,
      gives: { kind: 'program', scopes: [scope] },
      act: (tx) => createOAuthClient(tx, { name: 'Client', scopes: [scope] }),
    }),
  ),
  ...apiKeyAccesses.flatMap((access) =>
    (['api_key', 'thrive'] as const).map(
      (kind): Handing => ({
        name: `makes a key of the kind ${kind} with ${access}`,
        gives: { kind: 'program', scopes: [access === 'full_control' ? 'api/all' : 'api/read'] },
        act: (tx) => createApiKey(tx, { name: 'Key', access, kind }),
      }),
    ),
  ),
]

/** Answered by the table alone, one permission after the other. */
function may(access: Access): Permission[] {
  const principal = { tenantId: undefined, initiator: { from: 'api' as const }, access }
  return (Object.keys(permissions) as Permission[]).filter((permission) => isPermitted(principal, permission))
}

let test: TestApplication
let tenant: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  tenant = await newTenant(test.owner)
  await tenant.administrator()
})
afterAll(() => test.close())

async function outcome(acting: Acting, handing: Handing): Promise<unknown> {
  const prepared = (await handing.prepare?.(tenant)) ?? ''
  const initiator = await acting.initiator(tenant)
  return await inTenant(test.database, tenant.tenant, (tx) => handing.act(tx, prepared), { initiator }).then(
    () => 'done',
    (error: unknown) => error,
  )
}

describe.each([...people, ...programs, operator])('$name', (acting) => {
  it.each(handings)('$name only where that gives nothing beyond the own rights', async (handing) => {
    const missing = may(handing.gives).filter((permission) => !may(acting.access).includes(permission))
    const expected =
      missing.length === 0
        ? 'done'
        : expect.objectContaining({ code: 'access.beyond_own', details: { permissions: missing } })
    expect(await outcome(acting, handing)).toEqual(expected)
  })
})

it('leaves an administrator, and whoever has the machine, everything in the tenant to hand out', async () => {
  const [administrator] = people
  const commandLine: Acting = {
    name: 'the command line',
    access: { kind: 'operator' },
    initiator: () => Promise.resolve({ from: 'command_line' }),
  }
  for (const acting of [administrator, commandLine]) {
    for (const handing of handings) expect(acting && (await outcome(acting, handing))).toBe('done')
  }
})

it('lets an import give no role that may do more than who imports', async () => {
  const csv = 'ref,roles\nnew-administrator,administrator\nnew-manager,manager\n'
  const imported = async (access: Acting) => {
    const database = actingFor(test.database, await access.initiator(tenant))
    const options = { source: Readable.from([csv]), file: 'people.csv', withRoles: true }
    return await importUsers(database, tenant.tenant, options)
  }
  const [administrator, officer] = people
  if (administrator === undefined || officer === undefined) throw new Error('There are roles')
  await expect(imported(officer)).rejects.toMatchObject({ code: 'access.beyond_own' })
  const { rows } = await test.owner.query(`select from users where ref like 'new-%'`)
  expect(rows).toEqual([])
  expect((await imported(administrator)).counts).toMatchObject({ created: 2 })
})

it('asks for the roles of this moment, not for those of the sign-in', async () => {
  const userId = await tenant.user({ roles: ['administrator'] })
  const make = () =>
    inTenant(test.database, tenant.tenant, (tx) => createApiKey(tx, { name: 'Key', access: 'full_control' }), {
      initiator: { from: 'console', userId },
    })
  await make()
  await test.owner.query(`update users set roles = '{integration_administrator}' where id = $1`, [userId])
  await expect(make()).rejects.toMatchObject({ code: 'access.beyond_own' })
})

describe('over HTTP', () => {
  let http: TestHttp
  beforeAll(async () => {
    http = await openTestHttp()
  })
  afterAll(() => http.close())

  it('keeps an integration administrator from making a key that could make it administrator', async () => {
    const own = await http.tenant('Acme')
    const [integrator, administrator] = [
      await http.person(own, 'integration_administrator'),
      await http.person(own, 'administrator'),
    ]
    const key = (as: typeof integrator, access: string) =>
      http.call('POST', '/api/v1/keys', { as, body: { name: 'Key', access } })
    expect(await key(integrator, 'full_control')).toMatchObject({ status: 403, json: { code: 'access.beyond_own' } })
    expect(await key(integrator, 'read_only')).toMatchObject({ status: 403 })
    const client = { name: 'Client', scopes: ['api/write'] }
    expect((await http.call('POST', '/api/v1/clients', { as: integrator, body: client })).status).toBe(403)
    expect((await http.call('GET', '/api/v1/keys', { as: integrator })).json.keys).toEqual([])
    const { json } = await key(administrator, 'full_control')
    const program = basic('api', json.secret)
    const roles = (role: string) =>
      http.call('PUT', `/api/v1/users/${integrator.userId}/roles`, { as: program, body: { roles: [role] } })
    expect(await roles('administrator')).toMatchObject({ status: 403, json: { code: 'access.beyond_own' } })
    // A privacy officer approves erasure requests, and no program may: it could make its own approver.
    expect(await roles('privacy_officer')).toMatchObject({ status: 403, json: { code: 'access.beyond_own' } })
    expect(await roles('author')).toMatchObject({ status: 200 })
    const created = await http.call('POST', '/api/v1/users', { as: program, body: { roles: ['administrator'] } })
    expect(created).toMatchObject({ status: 403, json: { code: 'access.beyond_own' } })
  })
})
