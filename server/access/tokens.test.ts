import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { activeSigningKey, publicKeys, type SigningKey } from '../keyring/signing-keys.ts'
import type { Scope } from '../permissions/principal.ts'
import { createTenant } from '../tenancy/tenants.ts'
import { authenticate } from './authenticate.ts'
import { createOAuthClient, listOAuthClients, revokeOAuthClient } from './oauth-clients.ts'
import { rotateSigningKey } from './rotate-signing-key.ts'
import { issueToken, tokenErrorBody } from './tokens.ts'

let test: TestApplication
let tenant: string
let otherTenant: string
beforeAll(async () => {
  test = await openTestApplication()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  otherTenant = (await createTenant(test.database, { name: 'Other', kind: 'enterprise' })).id
})
afterAll(() => test.close())

const issuer = 'https://lethe.example'
type Client = Awaited<ReturnType<typeof create>>
const create = (...scopes: Scope[]) =>
  test.inTenant(tenant, (tx) => createOAuthClient(tx, { name: 'A program', scopes }))
const issue = ({ client, secret }: Client, scope?: string, inThe: string | undefined = tenant) =>
  issueToken(test.app.database, inThe, {
    grantType: 'client_credentials',
    clientId: client.id,
    clientSecret: secret,
    scope,
    issuer,
  })
const comeIn = (token: string) => authenticate(test.app.database, { authorization: `Bearer ${token}` })
const refused = { code: 'access.unauthenticated', details: { challenge: 'Bearer' } }

describe('an OAuth client', () => {
  it('gets a signed token of 3,600 seconds that lets it into its tenant', async () => {
    const made = await create('api/read', 'api/write')
    const answer = await issue(made)
    expect(answer).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'api/read api/write',
    })
    expect(decodeProtectedHeader(answer.access_token)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
    const { iat = 0, exp } = decodeJwt(answer.access_token)
    expect(exp).toBe(iat + 3600)
    expect(await comeIn(answer.access_token)).toEqual({
      tenantId: tenant,
      initiator: { from: 'api', credential: { kind: 'client', id: made.client.id, scopes: ['api/read', 'api/write'] } },
      access: { kind: 'program', scopes: ['api/read', 'api/write'] },
    })
    const [listed] = await test.inTenant(tenant, (tx) => listOAuthClients(tx))
    expect(listed).toMatchObject({ id: made.client.id, last_used_at: expect.any(Date) })
    expect(JSON.stringify(listed)).not.toContain(made.secret)
  })

  it('gets the scopes that it asks for, of those that it has; api/all has all', async () => {
    const reading = await create('api/read')
    const all = await create('api/all')
    expect((await issue(reading)).scope).toBe('api/read')
    expect((await issue(reading, ' api/read  api/read ')).scope).toBe('api/read')
    expect((await issue(all)).scope).toBe('api/all')
    expect((await issue(all, 'api/webhooks api/read')).scope).toBe('api/read api/webhooks')
    expect(await comeIn((await issue(all, 'api/read')).access_token)).toMatchObject({
      access: { scopes: ['api/read'] },
    })
    for (const scope of ['api/write', 'api/read api/write', 'api/all', 'API/READ', 'anything']) {
      await expect(issue(reading, scope)).rejects.toMatchObject({ code: 'oauth.invalid_scope', kind: 'input' })
    }
    await expect(issue(all, 'anything')).rejects.toMatchObject({ code: 'oauth.invalid_scope' })
  })

  it('is refused alike with a wrong secret, an unknown id, in another tenant and once revoked', async () => {
    const made = await create('api/read')
    const revoked = await create('api/read')
    await test.inTenant(tenant, (tx) => revokeOAuthClient(tx, revoked.client.id))
    const request = { grantType: 'client_credentials', clientId: made.client.id, clientSecret: made.secret, issuer }
    const attempts = [
      issue(revoked),
      issue(made, undefined, otherTenant),
      issue(made, undefined, 'no-uuid'),
      issueToken(test.app.database, tenant, { ...request, clientSecret: `${made.secret}x` }),
      issueToken(test.app.database, tenant, { ...request, clientSecret: '' }),
      issueToken(test.app.database, tenant, { ...request, clientSecret: undefined }),
      issueToken(test.app.database, tenant, { ...request, clientId: '018f0000-0000-7000-8000-0000000000a1' }),
      issueToken(test.app.database, tenant, { ...request, clientId: '\0' }),
      issueToken(test.app.database, tenant, { ...request, clientId: undefined }),
    ]
    const errors = await Promise.all(
      attempts.map((attempt) =>
        attempt.then(
          () => undefined,
          (error) => error,
        ),
      ),
    )
    expect(errors.map((error) => tokenErrorBody(error))).toEqual(
      attempts.map(() => ({
        error: 'invalid_client',
        error_description: 'This tenant has no client with this id and this secret.',
      })),
    )
    expect(errors.map(({ kind }) => kind)).toEqual(attempts.map(() => 'unauthenticated'))
  })

  it('is told of a missing or another grant type', async () => {
    const made = await create('api/read')
    const request = { clientId: made.client.id, clientSecret: made.secret, issuer }
    const bodyOf = (grantType: string | undefined) =>
      issueToken(test.app.database, tenant, { ...request, grantType }).then(() => undefined, tokenErrorBody)
    expect(await bodyOf(undefined)).toMatchObject({ error: 'invalid_request' })
    expect(await bodyOf('password')).toMatchObject({ error: 'unsupported_grant_type' })
    expect(tokenErrorBody(new Error('another'))).toBeUndefined()
  })

  it('is out at once when it is revoked, with every token that it has', async () => {
    const made = await create('api/all')
    const { access_token } = await issue(made)
    await comeIn(access_token)
    await test.inTenant(tenant, (tx) => revokeOAuthClient(tx, made.client.id))
    await expect(comeIn(access_token)).rejects.toMatchObject(refused)
    await expect(test.inTenant(otherTenant, (tx) => revokeOAuthClient(tx, made.client.id))).rejects.toMatchObject({
      code: 'client.not_found',
    })
  })

  it('has scopes, and a name', async () => {
    await expect(create()).rejects.toMatchObject({ code: 'input.invalid', details: { field: 'scopes' } })
    await expect(create('everything' as Scope)).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(
      test.inTenant(tenant, (tx) => createOAuthClient(tx, { name: '', scopes: ['api/read'] })),
    ).rejects.toMatchObject({ code: 'input.invalid', details: { field: 'name' } })
  })
})

describe('a token', () => {
  const claims = (made: Client) => ({ client_id: made.client.id, tenant, scope: 'api/all', sub: made.client.id })
  const signed = (
    made: Client,
    key: SigningKey,
    change: { header?: object; claims?: object; expires?: string | number } = {},
  ) =>
    new SignJWT({ ...claims(made), iss: issuer, aud: 'lethe', ...change.claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, ...change.header })
      .setIssuedAt()
      .setExpirationTime(change.expires ?? '1h')
      .sign(key.privateKey)
  const tokenKey = () => test.inTenant(tenant, (tx) => activeSigningKey(tx, 'token'))

  it('is refused when it has expired, was altered, is of another form or signed with another key', async () => {
    const made = await create('api/all')
    const { access_token } = await issue(made)
    const key = await tokenKey()
    expect(await comeIn(await signed(made, key))).toMatchObject({ tenantId: tenant })

    const certificateKey = await test.inTenant(tenant, (tx) => activeSigningKey(tx))
    const foreign = generateKeyPairSync('ed25519')
    const [header = '', payload = '', signature = ''] = access_token.split('.')
    const another = Buffer.from(JSON.stringify({ ...decodeJwt(access_token), tenant: otherTenant })).toString(
      'base64url',
    )
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: key.kid })).toString('base64url')
    const tokens = [
      await signed(made, key, { expires: Math.floor(Date.now() / 1000) - 1 }),
      await signed(made, key, { claims: { iss: 'somebody' } }),
      await signed(made, key, { claims: { iss: undefined } }),
      await signed(made, key, { claims: { aud: 'somebody' } }),
      await signed(made, key, { claims: { sub: undefined } }),
      await signed(made, key, { header: { typ: 'JWT' } }),
      await signed(made, { kid: key.kid, privateKey: foreign.privateKey }),
      await signed(made, { kid: 'A'.repeat(43), privateKey: foreign.privateKey }),
      await signed(made, certificateKey),
      `${header}.${another}.${signature}`,
      `${unsigned}.${payload}.`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      'x',
      '..',
    ]
    for (const token of tokens) await expect(comeIn(token)).rejects.toMatchObject(refused)
  })

  it('that was let in before is refused once it has expired', async () => {
    const made = await create('api/all')
    const token = await signed(made, await tokenKey(), { expires: Math.floor(Date.now() / 1000) + 60 })
    await comeIn(token)
    await comeIn(token)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
    try {
      await expect(comeIn(token)).rejects.toMatchObject(refused)
    } finally {
      vi.useRealTimers()
    }
  })

  it('of another tenant than its client is refused', async () => {
    const made = await create('api/all')
    const key = await tokenKey()
    await expect(comeIn(await signed(made, key, { claims: { tenant: otherTenant } }))).rejects.toMatchObject(refused)
  })

  it('is signed with a key that signs no certificate and is published apart from those', async () => {
    const { kid } = await tokenKey()
    const [certificates, tokens] = await test.inTenant(tenant, async (tx) => [
      await publicKeys(tx),
      await publicKeys(tx, 'token'),
    ])
    expect(certificates.keys.length).toBeGreaterThan(0)
    expect(certificates.keys.map((key) => key.kid)).not.toContain(kid)
    expect(tokens.keys).toMatchObject([{ kid, use: 'sig', alg: 'EdDSA' }])
    expect(tokens.keys[0]).not.toHaveProperty('d')
  })

  it('ends when the key that signed it is replaced; certificates keep theirs', async () => {
    const made = await create('api/all')
    const { access_token } = await issue(made)
    await comeIn(access_token)
    const before = await test.inTenant(tenant, (tx) => activeSigningKey(tx))
    await rotateSigningKey(test.database, 'token')
    await expect(comeIn(access_token)).rejects.toMatchObject(refused)
    expect(await comeIn((await issue(made)).access_token)).toMatchObject({ tenantId: tenant })
    expect((await test.inTenant(tenant, (tx) => publicKeys(tx, 'token'))).keys).toHaveLength(1)
    expect((await test.inTenant(tenant, (tx) => activeSigningKey(tx))).kid).toBe(before.kid)
  })
})
