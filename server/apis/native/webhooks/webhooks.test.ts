import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

let http: TestHttp
beforeAll(async () => {
  http = await openTestHttp()
})
afterAll(() => http.close())

let tenant: string
let key: Credential
let tenants = 0
beforeEach(async () => {
  tenant = await http.tenant(`Tenant ${++tenants}`)
  key = await http.key(tenant)
})

const url = '/api/v1/webhooks'
const body = { name: 'HR', url: 'https://hooks.example.org/a?token=b', events: ['user.purged', 'user.created'] }

const call = (method: string, path = '', given?: object, as: Credential = key) =>
  http.call(method, `${url}${path}`, { as, ...(given !== undefined && { body: given }) })

async function made(given: object = body, as: Credential = key) {
  const { status, json } = await call('POST', '', given, as)
  expect(status).toBe(201)
  return json as {
    webhook: { id: string; events: string[]; url: string; credential_id: string | null }
    secret: string
  }
}

async function announce(times = 1) {
  for (let time = 0; time < times; time++) {
    await http.call('POST', '/api/v1/users', { as: key, body: { ref: `r-${Math.random()}` } })
  }
}

describe('webhook endpoints', () => {
  it('are created with a secret that is shown once, listed, changed, disabled, enabled and deleted', async () => {
    const { webhook, secret } = await made()
    expect(webhook).toMatchObject({ url: body.url, events: ['user.created', 'user.purged'], enabled: true })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const list = await call('GET')
    expect(list.json.webhooks).toEqual([webhook])
    expect(list.text).not.toContain(secret)
    const path = `/${webhook.id}`
    const changed = await call('PATCH', path, { events: ['skill.awarded'], url: 'https://other.example.org' })
    expect(changed.json).toMatchObject({ events: ['skill.awarded'], url: 'https://other.example.org/', name: 'HR' })
    expect((await call('POST', `${path}/disable`)).json).toMatchObject({
      enabled: false,
      disabled_because: 'administrator',
    })
    expect((await call('POST', `${path}/test`)).status).toBe(409)
    expect((await call('POST', `${path}/enable`)).json).toMatchObject({ enabled: true, disabled_because: null })
    expect((await call('DELETE', path)).status).toBe(204)
    expect((await call('GET', path)).status).toBe(404)
  })

  it('get a new secret, and keep the one before for a while', async () => {
    const { webhook, secret } = await made()
    const rotated = await call('POST', `/${webhook.id}/secret`, { overlap_hours: 1 })
    expect(rotated.json.secret).not.toBe(secret)
    expect(Date.parse(rotated.json.webhook.previous_secret_until) - Date.now()).toBeGreaterThan(3_500_000)
    expect((await call('DELETE', `/${webhook.id}/previous-secret`)).json.previous_secret_until).toBe(null)
    expect((await call('POST', `/${webhook.id}/secret`, { overlap_hours: 169 })).status).toBe(422)
  })

  it('are twenty at most, also when many are created at once', async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => call('POST', '', body)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    const refused = answers.find(({ status }) => status !== 201)
    expect(refused?.json).toMatchObject({ status: 409, code: 'webhook.too_many' })
  })

  it('end with the key that created them', async () => {
    const { webhook } = await made()
    const administrator = await http.person(tenant, 'administrator')
    expect(webhook.credential_id).not.toBe(null)
    await http.call('DELETE', `/api/v1/keys/${webhook.credential_id}`, { as: administrator })
    const left = await call('GET', `/${webhook.id}`, undefined, administrator)
    expect(left.json).toMatchObject({ enabled: false, disabled_because: 'credential_ended' })
    const enabled = await call('POST', `/${webhook.id}/enable`, undefined, administrator)
    expect(enabled.json).toMatchObject({ status: 409, code: 'webhook.credential_ended' })
    const own = await made(body, administrator)
    expect(own.webhook.credential_id).toBe(null)
  })

  it('are not for keys that only read, and hear only what their creator may read', async () => {
    const reading = await http.key(tenant, 'read_only')
    const { webhook } = await made()
    for (const [method, path] of [
      ['GET', ''],
      ['POST', ''],
      ['GET', `/${webhook.id}`],
      ['GET', `/${webhook.id}/deliveries`],
      ['POST', `/${webhook.id}/secret`],
    ] as const) {
      const given = method === 'POST' ? (path === '' ? body : {}) : undefined
      expect([path, (await call(method, path, given, reading)).status]).toEqual([path, 403])
    }
    const integrator = await http.person(tenant, 'integration_administrator')
    await made(body, integrator)
    const beyond = { ...body, events: ['skill.awarded', 'erasure.completed'] }
    const refused = await call('POST', '', beyond, integrator)
    expect(refused.json).toMatchObject({ status: 403, code: 'access.beyond_own' })
    // A caller who sends it somewhere else hears it.
    const { webhook: other } = await made(beyond)
    expect((await call('PATCH', `/${other.id}`, { url: 'https://mine.example.org' }, integrator)).status).toBe(403)
  })

  it('of another tenant do not exist', async () => {
    const { webhook } = await made()
    const stranger = await http.key(await http.tenant(`Other ${tenants}`))
    for (const [method, path, given] of [
      ['GET', `/${webhook.id}`],
      ['PATCH', `/${webhook.id}`, { name: 'Mine' }],
      ['GET', `/${webhook.id}/deliveries`],
      ['POST', `/${webhook.id}/replay`, { since: '2026-01-01T00:00:00Z' }],
      ['DELETE', `/${webhook.id}`],
    ] as const) {
      expect((await call(method, path, given, stranger)).status).toBe(404)
    }
  })

  it.each([
    [{ ...body, url: 'https://192.168.1.1/' }, 403, 'webhook.address_not_allowed'],
    [{ ...body, url: 'http://hooks.example.org/' }, 403, 'webhook.address_not_allowed'],
    [{ ...body, url: 'nothing' }, 422, 'input.invalid'],
    [{ ...body, events: ['user.vanished'] }, 422, 'input.invalid'],
    [{ ...body, events: [] }, 422, 'input.invalid'],
  ])('refuse what they cannot be: %j', async (given, status, code) => {
    expect((await call('POST', '', given)).json).toMatchObject({ status, code })
  })
})

describe('deliveries', () => {
  it('are listed by state in pages, newest first, and replayed', async () => {
    const { webhook } = await made()
    const path = `/${webhook.id}/deliveries`
    await announce(3)
    const first = (await call('GET', `${path}?limit=2`)).json
    const rest = (await call('GET', `${path}?limit=2&after=${first.next}`)).json
    expect([first.deliveries.length, rest.deliveries.length, rest.next]).toEqual([2, 1, null])
    const [delivery] = first.deliveries
    expect(delivery).toMatchObject({ kind: 'user.created', state: 'pending', attempts: 0, attempt_log: [] })
    await http.owner.query(
      `update webhook_deliveries set state = 'dead', due_at = null, ended_at = now() where id = $1`,
      [delivery.id],
    )
    expect((await call('GET', `${path}?state=dead`)).json.deliveries).toHaveLength(1)
    expect((await call('POST', `/${webhook.id}/replay`, { since: '2026-01-01T00:00:00Z' })).json).toEqual({
      deliveries: 1,
    })
    expect((await call('GET', `${path}?state=dead`)).json.deliveries).toEqual([])
    expect((await call('POST', `${path}/${delivery.id}/replay`)).status).toBe(202)
    const unknown = await call('POST', `${path}/${webhook.id}/replay`)
    expect(unknown.json).toMatchObject({ status: 404, code: 'webhook.delivery_not_found' })
    expect((await call('POST', `/${webhook.id}/test`)).status).toBe(202)
    expect((await call('GET', path)).json.deliveries[0].kind).toBe('webhook.test')
  })
})
