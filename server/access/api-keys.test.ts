import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { createTenant } from '../tenancy/tenants.ts'
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts'
import { authenticate } from './authenticate.ts'

let test: TestApplication
let tenant: string
let otherTenant: string
beforeAll(async () => {
  test = await openTestApplication()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  otherTenant = (await createTenant(test.database, { name: 'Other', kind: 'enterprise' })).id
  await test.startWorkers()
})
afterAll(() => test.close())

type Options = Parameters<typeof createApiKey>[1]
const create = (options: Partial<Options> = {}, inThe = tenant) =>
  test.inTenant(inThe, (tx) => createApiKey(tx, { name: 'A program', access: 'read_only', ...options }))
const basic = (userName: string, password: string) =>
  `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`
const comeIn = (userName: string, password: string) =>
  authenticate(test.app.database, { authorization: basic(userName, password) })
const refused = { code: 'access.unauthenticated', details: { challenge: 'Basic' } }
const lastUse = async (id: string) =>
  (await test.inTenant(tenant, (tx) => listApiKeys(tx))).find((key) => key.id === id)?.last_used_at ?? undefined

describe('an API key', () => {
  it('lets a program into its tenant with any user name, within its access', async () => {
    const reading = await create()
    const full = await create({ access: 'full_control' }, otherTenant)
    for (const userName of ['api', '', 'anything', reading.secret]) {
      expect(await comeIn(userName, reading.secret)).toEqual({
        tenantId: tenant,
        initiator: { from: 'api', credential: { kind: 'api_key', id: reading.key.id, scopes: ['api/read'] } },
        access: { kind: 'program', scopes: ['api/read'] },
      })
    }
    expect(await comeIn('api', full.secret)).toMatchObject({
      tenantId: otherTenant,
      access: { kind: 'program', scopes: ['api/all'] },
    })
  })

  it('is answered once and stored as a hash only', async () => {
    const { secret, key } = await create({ name: 'Once' })
    expect(secret).toMatch(/^lethe_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/)
    expect(secret.startsWith(`${key.prefix}_`)).toBe(true)
    const random = secret.slice(key.prefix.length + 1)
    const { rows } = await test.owner.query<{ text: string }>('select api_keys::text as text from api_keys')
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter(({ text }) => text.includes(random))).toEqual([])
    expect(JSON.stringify(await test.inTenant(tenant, (tx) => listApiKeys(tx)))).not.toContain(random)
    expect(test.log()).not.toContain(random)
  })

  it('is never the same twice', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => create()))
    expect(new Set(secrets.map(({ secret }) => secret)).size).toBe(20)
  })

  it('is refused from the moment that it is revoked, though it was just used, and stays listed', async () => {
    const { key, secret } = await create()
    await comeIn('api', secret)
    const revoked = await test.inTenant(tenant, (tx) => revokeApiKey(tx, key.id))
    await expect(comeIn('api', secret)).rejects.toMatchObject(refused)
    expect(await test.inTenant(tenant, (tx) => revokeApiKey(tx, key.id))).toEqual(revoked)
    expect(await test.inTenant(tenant, (tx) => listApiKeys(tx))).toContainEqual(revoked)
  })

  it('ends at its expiry', async () => {
    const { key, secret } = await create({ expiresAt: new Date(Date.now() + 60_000) })
    await comeIn('api', secret)
    await test.owner.query(`update api_keys set expires_at = now() where id = $1`, [key.id])
    await expect(comeIn('api', secret)).rejects.toMatchObject(refused)
    await expect(create({ expiresAt: new Date(Date.now() - 1000) })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(create({ expiresAt: new Date(Number.NaN) })).rejects.toMatchObject({ code: 'input.invalid' })
  })

  it('is answered alike where it is unknown, wrong, expired or revoked', async () => {
    const [expired, revoked, changed] = await Promise.all([create(), create(), create()])
    await test.owner.query(`update api_keys set expires_at = now() where id = $1`, [expired.key.id])
    await test.inTenant(tenant, (tx) => revokeApiKey(tx, revoked.key.id))
    const last = changed.secret.endsWith('A') ? 'B' : 'A'
    const answers = await Promise.all(
      [
        expired.secret,
        revoked.secret,
        `${changed.secret.slice(0, -1)}${last}`,
        `${changed.secret} `,
        changed.secret.toUpperCase(),
        `lethe_00000000_${'A'.repeat(43)}`,
        'wrong',
        '',
        '\0',
      ].map((secret) =>
        comeIn('api', secret).then(
          () => undefined,
          ({ code, message, details }) => ({ code, message, details }),
        ),
      ),
    )
    expect(answers).toHaveLength(9)
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject(refused)
  })

  it('remembers its last use, written once a minute at most', async () => {
    const { key, secret } = await create()
    expect(await lastUse(key.id)).toBeUndefined()
    await comeIn('api', secret)
    const used = await lastUse(key.id)
    expect(used).toBeInstanceOf(Date)
    for (let i = 0; i < 20; i++) await comeIn('api', secret)
    expect(await lastUse(key.id)).toEqual(used)
    // Within the minute the database is not even asked to write.
    await test.owner.query('update api_keys set last_used_at = null where id = $1', [key.id])
    await comeIn('api', secret)
    expect(await lastUse(key.id)).toBeUndefined()
  })

  it('belongs to who made it, and to the successor once that person is purged; it goes on', async () => {
    const [maker, successor] = await test.inTenant(tenant, (tx) =>
      Promise.all([
        createUser(tx, { email: 'maker@acme.example', roles: ['administrator'] }),
        createUser(tx, { roles: ['administrator'] }),
      ]),
    )
    const { key, secret } = await inTenant(
      test.database,
      tenant,
      (tx) => createApiKey(tx, { name: 'Of maker@acme.example', access: 'read_only' }),
      { initiator: { from: 'console', userId: maker.id } },
    )
    expect(key.owner_id).toBe(maker.id)
    await test.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [maker.id] }))
    expect(await test.purge(tenant, [maker.id], successor.id)).toMatchObject({ state: 'completed' })
    const after = (await test.inTenant(tenant, (tx) => listApiKeys(tx))).find(({ id }) => id === key.id)
    expect(after?.owner_id).toBe(successor.id)
    expect(after?.name).not.toMatch(/maker@/)
    expect(await comeIn('api', secret)).toMatchObject({ tenantId: tenant })
  })

  it('is not found in another tenant, nor revoked there', async () => {
    const { key } = await create()
    await expect(test.inTenant(otherTenant, (tx) => revokeApiKey(tx, key.id))).rejects.toMatchObject({
      code: 'key.not_found',
    })
    await expect(test.inTenant(tenant, (tx) => revokeApiKey(tx, 'no id'))).rejects.toMatchObject({
      code: 'input.invalid',
    })
    expect((await test.inTenant(otherTenant, (tx) => listApiKeys(tx))).map(({ id }) => id)).not.toContain(key.id)
  })

  it('needs a name and one of the kinds of access', async () => {
    for (const options of [{ name: ' ' }, { name: 'x'.repeat(101) }, { name: 'a\0b' }, { access: 'all' as never }]) {
      await expect(create(options)).rejects.toMatchObject({ code: 'input.invalid' })
    }
  })
})

describe('a Thrive secret', () => {
  it('lets a program in with the id of its tenant as user name, and with no other', async () => {
    const { key, secret } = await create({ kind: 'thrive', access: 'full_control' })
    for (const userName of [tenant, tenant.toUpperCase()]) {
      expect(await comeIn(userName, secret)).toMatchObject({
        tenantId: tenant,
        initiator: { credential: { id: key.id } },
        access: { kind: 'program', scopes: ['api/all'] },
      })
    }
    for (const userName of ['api', '', otherTenant]) {
      await expect(comeIn(userName, secret)).rejects.toMatchObject(refused)
    }
  })
})

describe('finding a key', () => {
  it('searches an index, whatever the number of keys', async () => {
    await test.owner.query('begin')
    try {
      await test.owner.query('set local enable_seqscan = off')
      const { rows } = await test.owner.query<{ 'QUERY PLAN': string }>(
        `explain select k.tenant_id, k.id from api_keys k
         where k.secret_hash = '\\x00' and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
      )
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('api_keys_secret_hash')
    } finally {
      await test.owner.query('rollback')
    }
  })
})
