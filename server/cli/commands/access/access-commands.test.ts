import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'
import { authenticate } from '../../../access/authenticate.ts'
import { signInOperator } from '../../../access/operators.ts'
import { usePasswordCost } from '../../../access/passwords.ts'
import { signIn } from '../../../access/sign-in.ts'
import { issueToken } from '../../../access/tokens.ts'
import type { Application } from '../../../application.ts'
import { readConfig } from '../../../config.ts'

let test: TestCommandLine
let app: Application
let tenant: string
let passwordFile: string
const password = 'correct horse battery'
beforeAll(async () => {
  test = await openTestCommandLine()
  app = {
    config: readConfig({}),
    database: test.database,
    masterKey: test.database.masterKey,
    close: () => Promise.resolve(),
  }
  usePasswordCost({ memory: 64, passes: 1, parallelism: 1 })
  passwordFile = await test.file('password', `${password}\n`)
  tenant = (await test.json('tenant', 'create', 'Acme')).tenant.id
})
afterAll(() => test.close())

const basic = (userName: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${userName}:${secret}`).toString('base64')}`,
})

describe('lethe key', () => {
  it('makes a key that lets in, lists it without the secret, and revokes it', async () => {
    const { key, user_name, secret } = await test.json('key', 'create', 'Report', '--expires', '2999-01-01')
    expect(key).toMatchObject({
      name: 'Report',
      access: 'read_only',
      kind: 'api_key',
      expires_at: '2999-01-01T00:00:00.000Z',
    })
    expect(await authenticate(app.database, basic(user_name, secret))).toMatchObject({ tenantId: tenant })
    const listed = await test.run('key', 'list')
    expect(listed.stdout).toMatch(/Report +lethe_[0-9a-f]{8} +api_key +read_only +good +\d{4}-/)
    expect(listed.stdout).not.toContain(secret)
    expect(await test.run('key', 'revoke', key.id)).toMatchObject({ code: 0, stdout: `Key ${key.id} is revoked.\n` })
    await expect(authenticate(app.database, basic(user_name, secret))).rejects.toMatchObject({
      code: 'access.unauthenticated',
    })
    expect((await test.run('key', 'list')).stdout).toMatch(/revoked/)
  })

  it('makes a Thrive secret, and says what the user name is', async () => {
    const { user_name, secret } = await test.json('key', 'create', 'Thrive', '--thrive', '--access', 'full_control')
    expect(user_name).toBe(tenant)
    expect(await authenticate(app.database, basic(user_name, secret))).toMatchObject({
      access: { scopes: ['api/all'] },
    })
    const text = await test.run('key', 'create', 'As text')
    expect(text.stdout).toMatch(/^secret +lethe_[0-9a-f]{8}_\S{43}$/m)
    expect(text.stderr).toContain('not shown again')
  })

  it('refuses what is no access, no day and no key', async () => {
    expect(await test.run('key', 'create', 'A', '--access', 'everything')).toMatchObject({ code: 2 })
    expect(await test.run('key', 'create', 'A', '--expires', 'soon')).toMatchObject({ code: 2 })
    expect(await test.run('key', 'create', 'A', '--expires', '2020-01-01')).toMatchObject({ code: 2 })
    expect(await test.run('key', 'revoke', '018f0000-0000-7000-8000-0000000000ff')).toMatchObject({ code: 3 })
  })
})

describe('lethe client', () => {
  it('makes a client that gets tokens, lists it without the secret, and revokes it', async () => {
    const { client, tenant_id, secret } = await test.json(
      'client',
      'create',
      'Sync',
      '--scope',
      'api/read',
      'api/write',
    )
    const request = {
      grantType: 'client_credentials',
      clientId: client.id,
      clientSecret: secret,
      issuer: 'https://lethe.example',
    }
    const { access_token, scope } = await issueToken(app.database, tenant_id, request)
    expect(scope).toBe('api/read api/write')
    const listed = await test.run('client', 'list')
    expect(listed.stdout).toMatch(/Sync +api\/read, api\/write +good/)
    expect(listed.stdout).not.toContain(secret)
    expect(await test.run('client', 'revoke', client.id)).toMatchObject({ code: 0 })
    await expect(authenticate(app.database, { authorization: `Bearer ${access_token}` })).rejects.toMatchObject({
      code: 'access.unauthenticated',
    })
    const other = await test.json('client', 'create', 'Other')
    const token = await issueToken(app.database, tenant_id, {
      ...request,
      clientId: other.client.id,
      clientSecret: other.secret,
    })
    expect(token.scope).toBe('api/read')
    expect(await test.run('client', 'rotate-key')).toMatchObject({ code: 0 })
    await expect(authenticate(app.database, { authorization: `Bearer ${token.access_token}` })).rejects.toMatchObject({
      code: 'access.unauthenticated',
    })
    expect(await test.run('client', 'create', 'Sync', '--scope', 'everything')).toMatchObject({ code: 2 })
  })
})

describe('lethe user password', () => {
  it('gives a user a password from a file, never from an argument, and prints it nowhere', async () => {
    const { user } = await test.json('user', 'create', '--email', 'ann@example.org')
    const set = await test.run('user', 'password', '--email', 'ann@example.org', '--password-file', passwordFile)
    expect(set).toMatchObject({ code: 0, stdout: `User ${user.id} has a new password. 0 sessions ended.\n` })
    await signIn(app.database, tenant, { login: 'ann@example.org', password })
    const again = await test.run('user', 'password', '--id', user.id, '--password-file', passwordFile, '--json')
    expect(JSON.parse(again.stdout)).toEqual({ user_id: user.id, signed_out: 1 })
    expect(JSON.stringify([set, again])).not.toContain('correct horse')
  })

  it('says what is wrong with the password or the file', async () => {
    const short = await test.file('short', 'too-short')
    const refused = await test.run('user', 'password', '--email', 'ann@example.org', '--password-file', short)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('12 to 256 characters') })
    expect(refused.stderr).not.toContain('too-short')
    const missing = await test.run(
      'user',
      'password',
      '--email',
      'ann@example.org',
      '--password-file',
      path.join(test.folder, 'none'),
    )
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('it does not exist') })
  })
})

describe('lethe operator', () => {
  it('creates, lists, gives a new password to and removes an operator', async () => {
    const { operator } = await test.json('operator', 'create', 'night-shift', '--password-file', passwordFile)
    expect(operator).toMatchObject({ name: 'night-shift' })
    const { token } = await signInOperator(app.database, { name: 'night-shift', password })
    expect((await test.run('operator', 'list')).stdout).toContain('night-shift')
    await test.json('operator', 'password', 'night-shift', '--password-file', passwordFile)
    await expect(authenticate(app.database, { cookie: `lethe_session=${token}` })).rejects.toMatchObject({
      code: 'access.unauthenticated',
    })
    expect(await test.run('operator', 'remove', 'night-shift')).toMatchObject({ code: 0 })
    expect(await test.run('operator', 'remove', 'night-shift')).toMatchObject({ code: 3 })
    expect(await test.run('operator', 'list')).toMatchObject({ stdout: 'none\n' })
  })
})
