import { createHmac, KeyObject, randomUUID, sign } from 'node:crypto'
import { Readable } from 'node:stream'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { audience, openTestProvider, type TestProvider } from '../../../test/identity-provider.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { listIdentities } from '../../identity/list-identities.ts'
import { providerAlgorithms, setIdentityProvider } from '../../identity/providers.ts'
import { cleanProviderTokens, tokenTypes } from '../../identity/verify-provider-token.ts'
import { importUsers } from '../../imports/users/import-users.ts'
import { decideAsOperator, expireMatches } from './decide-match.ts'
import { listWaitingMatches } from './list-matches.ts'
import { sealPeople } from './reach-people.ts'
import { runReach } from './run-reach.ts'

// Two tenants and one victim: an attacker has all rights in one tenant, and must not erase the victim in the other one.

let http: TestHttp
let provider: TestProvider
beforeAll(async () => {
  http = await openTestHttp()
  provider = await openTestProvider(http.database)
  await http.startWorkers()
})
afterAll(() => http.close())

const settled = async () => {
  await expect
    .poll(
      async () => {
        const { rows } = await http.owner.query(
          `select (select count(*) from erasure_reaches where finished_at is null)
             + (select count(*) from erasure_requests where finished_at is null) as n`,
        )
        return Number(rows[0].n)
      },
      { timeout: 30_000, interval: 50 },
    )
    .toBe(0)
}
const exists = async (id: string) => (await http.owner.query('select from users where id = $1', [id])).rowCount === 1

/** A trial tenant with the victim, who has confirmed the own identity there or not. */
async function victimsTrial(): Promise<{ rows: TenantRows; victim: string; email: string; subject: string }> {
  const rows = await newTenant(http.owner, { kind: 'trial' })
  await rows.administrator()
  const [email, subject] = [`victim-${randomUUID()}@person.example`, `sub-${randomUUID()}`]
  const victim = await rows.user({ email })
  await http.owner.query('update tenants set created_by = $2 where id = $1', [rows.tenant, victim])
  const claims = { tenant: rows.tenant, user: victim, sub: subject, email, email_verified: true }
  const answer = await assert(await provider.token('identity', claims))
  expect(answer.json).toEqual({ confirmed: ['email', 'external_identity_id'] })
  return { rows, victim, email, subject }
}
const ask = (token: string) => http.call('POST', '/api/v1/identity-provider/erasures', { body: { token } })
const assert = (token: string) => http.call('POST', '/api/v1/identity-provider/identities', { body: { token } })

describe('an invented user with the address of a victim', () => {
  let key: Credential
  let attacker: string
  const call = (method: string, path: string, body?: unknown) => http.call(method, `/api/v1${path}`, { as: key, body })
  beforeAll(async () => {
    attacker = await http.tenant('Attacker')
    key = await http.key(attacker)
    await http.person(attacker, 'administrator')
  })

  async function purgeInvented(id: string): Promise<void> {
    await call('POST', '/users/delete', { ids: [id] }).then(async (answer) => {
      if (answer.status >= 400) expect((await call('DELETE', `/users/${id}`)).status).toBeLessThan(300)
    })
    const ordered = await call('POST', '/erasures', { operation: 'purge', subjects: [{ id }] })
    expect(ordered.status).toBe(202)
    await settled()
    const shown = await call('GET', `/erasures/${ordered.json.id}`)
    expect(shown.json).toMatchObject({ state: 'completed', trials_reached: 0 })
  }

  it('reaches nothing when the API made it, with every field that it takes', async () => {
    const { victim, email, subject } = await victimsTrial()
    const made = await call('POST', '/users', {
      email,
      login_name: email,
      email_verified: true,
      external_identity_id: subject,
    })
    expect(made.status).toBe(201)
    await purgeInvented(made.json.id)
    expect(await exists(victim)).toBe(true)
    const [match] = (await listWaitingMatches(http.database)).filter(({ user_id }) => user_id === victim)
    expect(match).toMatchObject({ what: 'user', source_tenant_id: attacker })
  })

  it('reaches nothing when a CSV file made it', async () => {
    const { victim, email, subject } = await victimsTrial()
    const csv = `email,email_verified,external_identity_id\n${email},true,${subject}\n`
    await importUsers(http.database, attacker, { source: Readable.from([Buffer.from(csv)]), file: 'users.csv' })
    const { rows } = await http.owner.query('select id from users where tenant_id = $1 and email = $2', [
      attacker,
      email,
    ])
    await purgeInvented(rows[0].id)
    expect(await exists(victim)).toBe(true)
  })

  it('reaches nothing when it took the address after the attacker had confirmed another one', async () => {
    const { victim, email } = await victimsTrial()
    const made = await call('POST', '/users', { email: `own-${randomUUID()}@attacker.example` })
    const own = { tenant: attacker, user: made.json.id, sub: `sub-${randomUUID()}` }
    await assert(await provider.token('identity', { ...own, email: made.json.email, email_verified: true }))
    expect((await call('PATCH', `/users/${made.json.id}`, { email, external_identity_id: null })).status).toBe(200)
    const { confirmed } = await http.inTenant(attacker, (tx) => listIdentities(tx, made.json.id))
    expect(confirmed).toEqual([])
    await purgeInvented(made.json.id)
    expect(await exists(victim)).toBe(true)
  })

  it('does not let the attacker decide about it, nor read that it waits', async () => {
    const [match] = await listWaitingMatches(http.database)
    for (const path of [`/reach-matches/${match?.id}/accept`, `/erasure-proposals/${match?.id}/accept`]) {
      expect([403, 404]).toContain((await call('POST', path)).status)
    }
    expect((await call('GET', '/reach-matches')).status).toBe(403)
    expect((await call('GET', '/erasure-proposals')).json).toEqual({ proposals: [], next: null })
  })
})

describe('a match', () => {
  const waiting = async (victim: string) =>
    (await listWaitingMatches(http.database)).find(({ user_id }) => user_id === victim)?.id ?? ''
  async function waitingVictim() {
    const at = await victimsTrial()
    const other = await newTenant(http.owner)
    const invented = await other.deletedUser({ email: at.email })
    await http.order(other.tenant, [invented])
    await settled()
    return { ...at, match: await waiting(at.victim) }
  }

  it('is decided once, also by two operators at the same time', async () => {
    const { victim, match } = await waitingVictim()
    const operator = await http.operator()
    const act = (what: string) =>
      http.call('POST', `/api/v1/reach-matches/${match}/${what}`, { as: operator, body: {} })
    const listed = await http.call('GET', '/api/v1/reach-matches', { as: operator })
    expect(listed.json.matches.map(({ id }: { id: string }) => id)).toContain(match)
    expect(listed.text).not.toContain('@')
    const answers = await Promise.all([act('refuse'), act('refuse'), act('refuse')])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    expect((await http.call('POST', `/api/v1/reach-matches/${match}/accept`, { as: operator })).status).toBe(409)
    expect(await exists(victim)).toBe(true)
  })

  it('is recorded in the trail of the trial, with the operator', async () => {
    const { rows, victim, match } = await waitingVictim()
    const operator = await http.operator()
    const accepted = await http.call('POST', `/api/v1/reach-matches/${match}/accept`, { as: operator })
    expect(accepted.status).toBe(202)
    await settled()
    expect(await exists(victim)).toBe(false)
    const { rows: trail } = await http.owner.query(
      `select activity, actor_kind from audit_entries where tenant_id = $1 and object_id = $2 order by id`,
      [rows.tenant, match],
    )
    expect(trail.map(({ activity }) => activity)).toEqual(['ReachMatched', 'ReachAccepted'])
    expect(trail.at(-1)?.actor_kind).toBe('operator')
  })

  it('expires after 30 days, and is found by no other id', async () => {
    const { match } = await waitingVictim()
    await http.owner.query(`update reach_matches set created_at = now() - interval '31 days' where id = $1`, [match])
    await expireMatches(http.database)
    const decide = (id: string) => decideAsOperator(http.database, id, { accept: true })
    await expect(decide(match)).rejects.toMatchObject({ code: 'match.decided', details: { state: 'expired' } })
    await expect(decide(randomUUID())).rejects.toMatchObject({ code: 'match.not_found' })
    await expect(decide('x')).rejects.toMatchObject({ code: 'input.invalid' })
  })

  it('is made once, however often and by however many workers the job runs', async () => {
    const { rows, email } = await victimsTrial()
    await http.stopWorkers()
    const other = await newTenant(http.owner)
    const invented = await other.deletedUser({ email })
    await http.order(other.tenant, [invented])
    await http.startWorkers()
    await settled()
    const { rows: reaches } = await http.owner.query('select tenant_id, id from erasure_reaches where tenant_id = $1', [
      other.tenant,
    ])
    // As after a kill before its end.
    const sealed = sealPeople(http.app.masterKey, [{ addresses: [email], identities: [] }])
    await http.owner.query('update erasure_reaches set finished_at = null, sealed_people = $2 where id = $1', [
      reaches[0].id,
      sealed,
    ])
    const again = { tenant: reaches[0].tenant_id, reach: reaches[0].id }
    await Promise.all([runReach(http.database, again), runReach(http.database, again), runReach(http.database, {})])
    const { rows: matches } = await http.owner.query('select from reach_matches where tenant_id = $1', [rows.tenant])
    expect(matches).toHaveLength(1)
  })
})

describe('a token of an identity provider', () => {
  const claimsOf = (sub: string) => ({ sub })

  it('is answered alike whether any tenant knows the person or not', async () => {
    const { victim, email, subject } = await victimsTrial()
    const known = await ask(await provider.token('erasure', { sub: subject, email, email_verified: true }))
    const unknown = await ask(
      await provider.token('erasure', { sub: randomUUID(), email: 'no@body.example', email_verified: true }),
    )
    const shape = ({ status, text, headers }: typeof known) => ({ status, text, length: headers.get('content-length') })
    expect(shape(known)).toEqual(shape(unknown))
    expect(known).toMatchObject({ status: 202, json: { accepted: true } })
    await settled()
    expect(await exists(victim)).toBe(false)
  })

  it('is taken once, also when it comes many times at once', async () => {
    const token = await provider.token('erasure', claimsOf('sub-once'))
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(token)))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 401, 401, 401, 401, 401])
    await http.owner.query(`update identity_provider_tokens set expires_at = now() - interval '1 second'`)
    await cleanProviderTokens(http.database)
    expect((await http.owner.query('select from identity_provider_tokens')).rowCount).toBe(0)
  })

  it.each<[string, (now: number) => [Record<string, unknown>, Record<string, unknown>?]]>([
    ['another issuer', () => [{ iss: 'https://stranger.example' }]],
    ['another audience', () => [{ aud: 'https://else.example' }]],
    ['no audience', () => [{ aud: undefined }]],
    ['no subject', () => [{ sub: undefined }]],
    ['no id of its own', () => [{ jti: undefined }]],
    ['an empty id', () => [{ jti: '' }]],
    ['no end', () => [{ exp: undefined }]],
    ['a long life', (now) => [{ exp: now + 3600 }]],
    ['an end in the past', (now) => [{ iat: now - 290, exp: now - 200 }]],
    ['an old beginning', (now) => [{ iat: now - 3000, exp: now + 60 }]],
    ['a beginning in the future', (now) => [{ iat: now + 3000, exp: now + 3100 }]],
    ['a start that is not yet', (now) => [{ nbf: now + 3000 }]],
    ['an address that is no text', () => [{ email: ['a@b.example'], email_verified: true }]],
    ['a subject with a control character', () => [{ sub: 'a\u0000b' }]],
    ['a subject that is no text', () => [{ sub: { $ne: null } }]],
    ['the type of an ID token', () => [{}, { typ: 'JWT' }]],
    ['the type of another purpose', () => [{}, { typ: tokenTypes.identity }]],
    ['no type', () => [{}, { typ: undefined }]],
    ['an unknown key', () => [{}, { kid: 'two' }]],
  ])('is refused with %s', async (_, made) => {
    const now = Math.floor(Date.now() / 1000)
    const [claims, header] = made(now)
    const token = await provider.token('erasure', { sub: 'sub-refused', ...claims }, header)
    expect(await ask(token)).toMatchObject({ status: 401, json: { code: 'identity_provider.token_invalid' } })
  })

  it('is refused with a critical header that is not known (RFC 7515, section 4.1.11)', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    const payload = { iss: provider.issuer, aud: audience, sub: 'x', iat: now, exp: now + 60, jti: randomUUID() }
    const signed = (header: object) => {
      const text = `${encode({ alg: 'EdDSA', typ: tokenTypes.erasure, kid: 'one', ...header })}.${encode(payload)}`
      return `${text}.${sign(null, Buffer.from(text), KeyObject.from(provider.privateKey)).toString('base64url')}`
    }
    expect((await ask(signed({ crit: ['later'], later: 1 }))).status).toBe(401)
    expect((await ask(signed({}))).status).toBe(202)
  })

  it('is refused without a signature, and with the public key as the secret of an HMAC', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    const payload = { iss: provider.issuer, aud: audience, sub: 'x', iat: now, exp: now + 60, jti: randomUUID() }
    const unsigned = (alg: string) => `${encode({ alg, typ: tokenTypes.erasure })}.${encode(payload)}.`
    for (const alg of ['none', 'None', 'NONE', '']) expect((await ask(unsigned(alg))).status).toBe(401)
    const [key] = provider.keys.keys
    const secrets = [JSON.stringify(key), JSON.stringify(provider.keys), key?.x ?? '']
    for (const secret of secrets) {
      for (const alg of ['HS256', 'EdDSA']) {
        const text = `${encode({ alg, typ: tokenTypes.erasure, kid: 'one' })}.${encode(payload)}`
        const signature = createHmac('sha256', secret).update(text).digest('base64url')
        expect((await ask(`${text}.${signature}`)).status).toBe(401)
      }
    }
  })

  it('is refused with a key that the token brings along, and with the key of another provider', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    const now = Math.floor(Date.now() / 1000)
    const signed = (header: Record<string, unknown>, claims: Record<string, unknown> = {}) =>
      new SignJWT({
        iss: provider.issuer,
        aud: audience,
        sub: 'x',
        iat: now,
        exp: now + 60,
        jti: randomUUID(),
        ...claims,
      })
        .setProtectedHeader({ alg: 'EdDSA', typ: tokenTypes.erasure, ...header })
        .sign(privateKey)
    const jwk = await exportJWK(publicKey)
    for (const header of [
      { jwk },
      { jku: 'http://127.0.0.1:1/keys' },
      { x5u: 'http://127.0.0.1:1/' },
      { kid: 'one' },
    ]) {
      expect((await ask(await signed(header))).status).toBe(401)
    }
    const other = await openTestProvider(http.database)
    const borrowed = await other.token('erasure', { sub: 'x', iss: provider.issuer })
    expect((await ask(borrowed)).status).toBe(401)
  })

  it.each(['', 'x', 'a.b', 'a.b.c', '..', `${'a'.repeat(9000)}.b.c`, 'e30.e30.e30', 'eyJhbGciOiJub25lIn0.bnVsbA.'])(
    'is refused where it is none: %#',
    async (token) => {
      expect([401, 422]).toContain((await ask(token)).status)
      expect([401, 422]).toContain((await assert(token)).status)
    },
  )

  it('is refused once the provider is removed or has other keys', async () => {
    const other = await openTestProvider(http.database)
    expect((await ask(await other.token('erasure', { sub: 'x' }))).status).toBe(202)
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const keys = { keys: [await exportJWK(publicKey)] }
    await setIdentityProvider(http.database, { issuer: other.issuer, audience, keys, algorithms: ['ES256'] })
    expect((await ask(await other.token('erasure', { sub: 'x' }))).status).toBe(401)
  })

  it('is counted by address, so that trying is slow', async () => {
    const slow = await openTestHttp({ rateLimits: { open: 3 } })
    try {
      const statuses: number[] = []
      for (let n = 0; n < 5; n++) {
        const { status } = await slow.call('POST', '/api/v1/identity-provider/erasures', { body: { token: 'x' } })
        statuses.push(status)
      }
      expect(statuses).toEqual([401, 401, 401, 429, 429])
    } finally {
      await slow.close()
    }
  })
})

describe('an assertion of an identity provider', () => {
  it('confirms the account that it names, and no other of the same address', async () => {
    const { rows, victim, email } = await victimsTrial()
    const other = await newTenant(http.owner)
    const namesake = await other.user({ email })
    const identitiesOf = (tenant: string, id: string) => http.inTenant(tenant, (tx) => listIdentities(tx, id))
    expect((await identitiesOf(rows.tenant, victim)).confirmed).toHaveLength(2)
    expect((await identitiesOf(other.tenant, namesake)).confirmed).toEqual([])
  })

  it.each<[string, (at: { tenant: string; user: string; email: string }) => Record<string, unknown>]>([
    ['of another tenant', ({ user }) => ({ tenant: randomUUID(), user })],
    ['that is not there', ({ tenant }) => ({ tenant, user: randomUUID() })],
  ])('finds no account %s', async (_, claims) => {
    const rows = await newTenant(http.owner)
    const [email, user] = ['x@y.example', await rows.user({ email: 'x@y.example' })]
    const token = await provider.token('identity', { sub: 'x', ...claims({ tenant: rows.tenant, user, email }) })
    expect(await assert(token)).toMatchObject({ status: 404, json: { code: 'identity.no_such_account' } })
  })

  it('confirms no account that has another id, and no address that the account does not have or the provider did not verify', async () => {
    const rows = await newTenant(http.owner)
    const taken = await rows.user({ email: 'taken@y.example', external_identity_id: 'somebody-else' })
    const of = (user: string, claims: object) => provider.token('identity', { tenant: rows.tenant, user, ...claims })
    expect((await assert(await of(taken, { sub: 'x' }))).status).toBe(404)
    const other = await rows.user({ email: 'other@y.example' })
    const wrong = await assert(await of(other, { sub: 'sub-y', email: 'else@y.example', email_verified: true }))
    expect(wrong.json).toEqual({ confirmed: ['external_identity_id'] })
    const unverified = await assert(await of(other, { sub: 'sub-y', email: 'other@y.example' }))
    expect(unverified.json).toEqual({ confirmed: ['external_identity_id'] })
    const { confirmed } = await http.inTenant(rows.tenant, (tx) => listIdentities(tx, other))
    expect(confirmed.map(({ kind }) => kind)).toEqual(['external_identity_id'])
  })
})

describe('an identity provider', () => {
  const set = (given: { keys?: unknown; algorithms?: string[] }) =>
    setIdentityProvider(http.database, {
      issuer: 'https://new.example',
      audience,
      keys: { keys: [] },
      algorithms: ['EdDSA'],
      ...given,
    })

  it('is set, listed and removed by an operator, and by nobody else', async () => {
    const operator = await http.operator()
    const key = await http.key(await http.tenant(`Acme ${randomUUID()}`))
    const body = { issuer: 'https://api.example', audience, keys: provider.keys, algorithms: ['EdDSA'] }
    const url = '/api/v1/identity-providers'
    expect((await http.call('PUT', url, { as: key, body })).status).toBe(403)
    const answer = await http.call('PUT', url, { as: operator, body })
    expect(answer).toMatchObject({ status: 200, json: { issuer: 'https://api.example', key_ids: ['one'] } })
    expect((await http.call('GET', url, { as: operator })).text).toContain('https://api.example')
    const gone = `${url}?issuer=${encodeURIComponent('https://api.example')}`
    expect((await http.call('DELETE', gone, { as: operator })).status).toBe(204)
    expect((await http.call('DELETE', gone, { as: operator })).status).toBe(404)
  })

  it('has public keys only, of asymmetric algorithms only', async () => {
    const invalid = { code: 'input.invalid' }
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    const [own, jwk] = [await exportJWK(privateKey), await exportJWK(publicKey)]
    await expect(set({ keys: { keys: [own] } })).rejects.toMatchObject(invalid)
    await expect(set({ keys: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } })).rejects.toMatchObject(invalid)
    for (const keys of [
      {},
      null,
      [],
      { keys: [] },
      { keys: ['x'] },
      { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] },
    ]) {
      await expect(set({ keys })).rejects.toMatchObject(invalid)
    }
    for (const algorithms of [[], ['none'], ['HS256'], ['EdDSA', 'HS256'], ['eddsa']]) {
      await expect(set({ keys: { keys: [jwk] }, algorithms })).rejects.toMatchObject(invalid)
    }
    await expect(set({ keys: { keys: [jwk] }, algorithms: ['RS256'] })).rejects.toMatchObject(invalid)
    expect(providerAlgorithms.some((name) => /^(HS|none)/i.test(name))).toBe(false)
  })
})
