import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type Credential, openTestHttp, password, type TestHttp } from '../../../../test/http.ts'
import { verifyTenantDeletion } from '../../../erasure/tenants/deletion-certificate.ts'
import { activeSigningKey } from '../../../keyring/signing-keys.ts'

let http: TestHttp
let tenant: string
let administrator: Credential & { userId: string }
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  administrator = await http.person(tenant, 'administrator')
})
afterAll(() => http.close())

async function client(scopes: string[]): Promise<{ id: string; secret: string }> {
  const { json } = await http.call('POST', '/api/v1/clients', { as: administrator, body: { name: 'Client', scopes } })
  return { id: json.client.id, secret: json.secret }
}

describe('OAuth 2.0 client credentials', () => {
  const allowed = { [oauth.allowInsecureRequests]: true }
  const server = (): oauth.AuthorizationServer => ({
    issuer: http.url,
    token_endpoint: `${http.url}/oauth2/token/${tenant}`,
  })

  it.each([
    ['client_secret_basic', oauth.ClientSecretBasic],
    ['client_secret_post', oauth.ClientSecretPost],
  ])('gives a token that a real client library accepts and that opens the API (%s)', async (_, authenticate) => {
    const { id, secret } = await client(['api/read', 'api/write'])
    const response = await oauth.clientCredentialsGrantRequest(
      server(),
      { client_id: id },
      authenticate(secret),
      { scope: 'api/read' },
      allowed,
    )
    expect(response.headers.get('cache-control')).toBe('no-store')
    const token = await oauth.processClientCredentialsResponse(server(), { client_id: id }, response)
    expect(token).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'api/read' })
    const get = (method: string, path: string) =>
      oauth.protectedResourceRequest(token.access_token, method, new URL(path, http.url), undefined, undefined, allowed)
    expect((await get('GET', '/api/v1/users')).status).toBe(200)
    await http.call('DELETE', `/api/v1/clients/${id}`, { as: administrator })
    await expect(get('GET', '/api/v1/users')).rejects.toThrow(oauth.WWWAuthenticateChallengeError)
  })

  it('answers what the library takes for the errors of the standard', async () => {
    const { id, secret } = await client(['api/read'])
    const grant = async (options: { secret?: string; scope?: string; id?: string }) => {
      const response = await oauth.clientCredentialsGrantRequest(
        server(),
        { client_id: options.id ?? id },
        oauth.ClientSecretBasic(options.secret ?? secret),
        options.scope === undefined ? {} : { scope: options.scope },
        allowed,
      )
      return await oauth.processClientCredentialsResponse(server(), { client_id: id }, response).then(
        ({ scope }) => scope,
        (error: unknown) => error,
      )
    }
    expect(await grant({})).toBe('api/read')
    expect(await grant({ scope: 'api/all' })).toMatchObject({ error: 'invalid_scope', status: 400 })
    for (const wrong of [{ secret: 'wrong' }, { id: tenant }, { id: 'a:b%zz' }]) {
      expect(await grant(wrong)).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
    }
    const post = async (body: string) => {
      const { status, json } = await http.call('POST', `/oauth2/token/${tenant}`, {
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      return [status, json.error]
    }
    expect(await post('')).toEqual([400, 'invalid_request'])
    expect(await post('grant_type=password')).toEqual([400, 'unsupported_grant_type'])
    expect(await post('grant_type=client_credentials&grant_type=client_credentials')).toEqual([400, 'invalid_request'])
    expect(await post(`grant_type=client_credentials&client_id=${id}&client_secret=x`)).toEqual([401, 'invalid_client'])
  })

  it('is discovered by a client and by a server that checks tokens, with the keys of tokens and no others', async () => {
    const issuer = new URL(http.url)
    const discovered = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...allowed }),
    )
    const { id, secret } = await client(['api/read'])
    const grant = (as: oauth.AuthorizationServer, of: { id: string; secret: string }) =>
      oauth
        .clientCredentialsGrantRequest(as, { client_id: of.id }, oauth.ClientSecretBasic(of.secret), {}, allowed)
        .then((response) => oauth.processClientCredentialsResponse(as, { client_id: of.id }, response))
    const { access_token } = await grant(discovered, { id, secret })
    const asked = new Request(http.url, { headers: { authorization: `Bearer ${access_token}` } })
    expect(await oauth.validateJwtAccessToken(discovered, asked, 'lethe', allowed)).toMatchObject({
      iss: http.url,
      client_id: id,
      tenant,
    })
    const session = await http.call('GET', '/api/v1/session', { as: { authorization: `Bearer ${access_token}` } })
    expect(session.json).toMatchObject({ tenant_id: tenant, scopes: ['api/read'] })
    await expect(grant(discovered, { id, secret: 'wrong' })).rejects.toThrow(oauth.WWWAuthenticateChallengeError)
    await expect(grant(discovered, { id: tenant, secret })).rejects.toThrow(oauth.WWWAuthenticateChallengeError)
    await http.inTenant(tenant, (tx) => activeSigningKey(tx))
    const kids = async (path: string) =>
      (await http.call('GET', path)).json.keys.map(({ kid }: { kid: string }) => kid) as string[]
    const [tokens, certificates] = [
      await kids(new URL(discovered.jwks_uri ?? '').pathname),
      await kids('/.well-known/jwks.json'),
    ]
    expect([tokens.length, certificates.length]).toEqual([1, 1])
    expect(tokens).not.toEqual(certificates)
  })

  it('gives no token in another tenant', async () => {
    const { id, secret } = await client(['api/all'])
    const elsewhere = await http.tenant('Elsewhere')
    const { status } = await http.call('POST', `/oauth2/token/${elsewhere}`, {
      body: 'grant_type=client_credentials',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic(id, secret) },
    })
    expect(status).toBe(401)
  })
})

describe('API keys', () => {
  it('are made, listed without their secret, used with any user name, and revoked at once', async () => {
    const { json } = await http.call('POST', '/api/v1/keys', {
      as: administrator,
      body: { name: 'Reports', access: 'read_only', expires_at: '2999-01-01T00:00:00Z' },
    })
    const list = await http.call('GET', '/api/v1/keys', { as: administrator })
    expect(list.json.keys).toContainEqual(json.key)
    expect(list.text).not.toContain(json.secret)
    for (const name of ['api', 'anything', '']) {
      const me = await http.call('GET', '/api/v1/session', { as: basic(name, json.secret) })
      expect(me.json).toMatchObject({ kind: 'program', tenant_id: tenant, scopes: ['api/read'] })
    }
    await http.call('DELETE', `/api/v1/keys/${json.key.id}`, { as: administrator })
    expect((await http.call('GET', '/api/v1/session', { as: basic('api', json.secret) })).status).toBe(401)
  })

  it('opens with the tenant id as user name, as Thrive has it, and with no other', async () => {
    const { json } = await http.call('POST', '/api/v1/keys', {
      as: administrator,
      body: { name: 'Thrive', access: 'full_control', kind: 'thrive' },
    })
    expect((await http.call('GET', '/api/v1/users', { as: basic(tenant, json.secret) })).status).toBe(200)
    expect((await http.call('GET', '/api/v1/users', { as: basic('api', json.secret) })).status).toBe(401)
  })
})

describe('sessions of people', () => {
  const signIn = (login: string, secret = password, of = 'Acme') =>
    http.call('POST', '/api/v1/session', { body: { tenant: of, login, password: secret } })
  const emailOf = async (id: string): Promise<string> =>
    (await http.call('GET', `/api/v1/users/${id}`, { as: administrator })).json.email

  it('begin with a cookie that scripts cannot read, and end when they are told to', async () => {
    const learner = await http.person(tenant, 'learner')
    const answer = await signIn(await emailOf(learner.userId))
    expect(answer).toMatchObject({
      status: 201,
      json: { user_id: learner.userId, tenant_id: tenant, roles: ['learner'] },
    })
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^lethe_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(answer.text).not.toContain(cookie.split(';')[0]?.slice('lethe_session='.length))
    const as = { cookie: cookie.split(';')[0] ?? '', 'x-csrf-token': answer.json.csrf_token }
    const me = () => http.call('GET', '/api/v1/session', { as })
    expect((await me()).json).toMatchObject({ kind: 'person', user_id: learner.userId })
    const noToken = await http.call('DELETE', '/api/v1/session', { as: { cookie: as.cookie } })
    expect(noToken).toMatchObject({ status: 403, json: { code: 'access.csrf' } })
    const ended = await http.call('DELETE', '/api/v1/session', { as })
    expect([ended.status, ended.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')])
    expect((await me()).status).toBe(401)
  })

  it('answer alike whatever was wrong', async () => {
    const learner = await http.person(tenant, 'learner')
    const email = await emailOf(learner.userId)
    const answers = [
      await signIn(email, 'a wrong password'),
      await signIn('nobody@example.org'),
      await signIn(email, password, 'No such tenant'),
      await signIn(email, password, '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'),
    ].map(({ status, json: { request_id: _, ...json } }) => ({ status, json }))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, json: { code: 'access.sign_in_failed' } })
  })

  it('make a name wait after failures, with Retry-After', async () => {
    let last = await signIn('guessed@example.org', 'wrong')
    for (let attempt = 0; attempt < 6; attempt++) last = await signIn('guessed@example.org', 'wrong')
    expect(last).toMatchObject({ status: 429, json: { code: 'access.too_many_attempts' } })
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('end everywhere: by request, and with a new password', async () => {
    const learner = await http.person(tenant, 'learner')
    const email = await emailOf(learner.userId)
    const second = await signIn(email)
    const other = { cookie: second.headers.get('set-cookie')?.split(';')[0] ?? '' }
    const status = async (as: Credential) => (await http.call('GET', '/api/v1/session', { as })).status
    const change = (body: unknown, as = learner) =>
      http.call('PUT', `/api/v1/users/${learner.userId}/password`, { as, body })
    expect(await change({ password: 'another long password' })).toMatchObject({
      status: 422,
      json: { field: 'current_password' },
    })
    expect(await change({ password: 'another long password', current_password: 'wrong' })).toMatchObject({
      status: 401,
    })
    expect(await change({ password: 'short', current_password: password })).toMatchObject({ status: 422 })
    expect(await change({ password: 'another long password', current_password: password })).toMatchObject({
      status: 200,
      json: { ended: 1 },
    })
    expect([await status(learner), await status(other)]).toEqual([200, 401])
    const signedOut = await http.call('POST', `/api/v1/users/${learner.userId}/sign-out`, { as: administrator })
    expect(signedOut.json).toEqual({ ended: 1 })
    expect(await status(learner)).toBe(401)
    expect((await change({ password: 'a third long password' }, administrator)).status).toBe(200)
    expect((await signIn(email, 'a third long password')).status).toBe(201)
  })

  it('are there for operators too, who see tenants and nothing in them', async () => {
    const operator = await http.operator()
    expect((await http.call('GET', '/api/v1/session', { as: operator })).json).toMatchObject({
      kind: 'operator',
      tenant_id: null,
      roles: ['operator'],
    })
    const { json } = await http.call('GET', '/api/v1/tenants', { as: operator })
    expect(json.tenants.map(({ id }: { id: string }) => id)).toContain(tenant)
    const changed = await http.call('PATCH', `/api/v1/tenants/${tenant}`, {
      as: operator,
      body: { surviving_fields: ['country'], returning_members: 'block' },
    })
    expect(changed.json).toMatchObject({ surviving_fields: ['country'], returning_members: 'block' })
    expect((await http.call('GET', '/api/v1/tenant', { as: administrator })).json).toEqual(changed.json)
    expect((await http.call('GET', '/api/v1/users', { as: operator })).status).toBe(403)
  })

  it('let operators delete a tenant, by the number of users that they saw', async () => {
    const operator = await http.operator()
    const { json: made } = await http.call('POST', '/api/v1/tenants', {
      as: operator,
      body: { name: 'Closing', kind: 'trial' },
    })
    const preview = await http.call('GET', `/api/v1/tenants/${made.id}/deletion`, { as: operator })
    expect(preview).toMatchObject({ status: 200, json: { tenant: made.id, people: 0, held: 0 } })
    const remove = (number: number) =>
      http.call('DELETE', `/api/v1/tenants/${made.id}?expected_people=${number}`, { as: operator })
    expect(await remove(1)).toMatchObject({ status: 409, json: { code: 'tenant.other_people' } })
    expect(await remove(0)).toMatchObject({ status: 200, json: { tenant: made.id, people: 0 } })
    expect((await remove(0)).status).toBe(404)
    const list = await http.call('GET', '/api/v1/tenant-deletions', { as: operator })
    expect(list.json).toMatchObject({ tenant_deletions: [{ id: made.id }], next: null })
    const file = await http.call('GET', `/api/v1/tenant-deletions/${made.id}`, { as: operator })
    expect((await verifyTenantDeletion(file.json)).claims).toMatchObject({ tenant: made.id, people: 0 })
  })

  it('let operators make and change tenants, whose audit trails say so', async () => {
    const operator = await http.operator()
    const made = await http.call('POST', '/api/v1/tenants', { as: operator, body: { name: 'Made', kind: 'trial' } })
    const body = { singled_out_below: 9 }
    await http.call('PATCH', `/api/v1/tenants/${made.json.id}`, { as: operator, body })
    const officer = await http.person(made.json.id, 'privacy_officer')
    const { rows } = await http.owner.query('select id from operators order by id desc limit 1')
    const actor = { kind: 'operator', id: rows[0]?.id, from: 'console' }
    const { json } = await http.call('GET', '/api/v1/audit?actor_kind=operator', { as: officer })
    expect(json.entries).toMatchObject([
      { activity: 'TenantUpdated', actor },
      { activity: 'TenantCreated', actor },
    ])
  })
})

describe('curl', () => {
  it('comes in with a key as it stands in the documentation', async () => {
    const { json } = await http.call('POST', '/api/v1/keys', {
      as: administrator,
      body: { name: 'curl', access: 'full_control' },
    })
    const { stdout } = await promisify(execFile)('curl', [
      '-sSf',
      '-u',
      `api:${json.secret}`,
      `${http.url}/api/v1/users?limit=1`,
    ])
    expect(JSON.parse(stdout).users).toHaveLength(1)
  })
})
