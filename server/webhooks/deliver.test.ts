import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import dns from 'node:dns'
import { readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { pino } from 'pino'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { makeMemoryFolder } from '../../test/memory-folder.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { createApiKey, revokeApiKey } from '../access/api-keys.ts'
import { announceEvents } from '../events/announce-events.ts'
import { type EventKind, eventKindNames } from '../events/event-kinds.ts'
import { sealReference } from '../events/reference.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { type Deliverer, deliverEvents } from './deliver.ts'
import { cleanDeliveries } from './end-deliveries.ts'
import { createEndpoint, endPreviousSecret, rotateSecret, showEndpoint } from './endpoints.ts'
import { deliveriesOf, replayAllDead, replayOne, testEndpoint } from './replay.ts'
import { mostAttempts } from './retry-schedule.ts'
import type { WebhookSettings } from './settings.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

let rows: TenantRows
let deliverer: Deliverer | undefined
const servers: Server[] = []
beforeEach(async () => {
  rows = await newTenant(test.owner)
})
afterEach(async () => {
  await deliverer?.stop()
  deliverer = undefined
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const open: WebhookSettings = { webhookNetworks: ['127.0.0.0/8', '::1/128'], webhookPlainHttp: true }

type Received = { path: string; headers: IncomingHttpHeaders; body: string }

/** A real receiver; `answer` decides about each request, whose body was read. */
async function receiver(answer: RequestListener = (_request, response) => void response.end()) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString('utf8')
      received.push({ path: request.url ?? '', headers: request.headers, body })
      answer(request, response)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=canary-token` }
}

const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(code, headers).end('a canary-answer')

async function endpoint(url: string, options: { thriveSignature?: boolean; settings?: WebhookSettings } = {}) {
  return await test.inTenant(rows.tenant, (tx) =>
    createEndpoint(tx, { name: 'Receiver', url, events: eventKindNames, ...options }, options.settings ?? open),
  )
}

function start(settings: WebhookSettings = open, timing: { answer?: number } = {}) {
  deliverer = deliverEvents(test.database, settings, pino({ level: 'silent' }), {
    interval: 20,
    answer: 5000,
    ...timing,
  })
}

const announce = (kind: EventKind, userId: string, times = 1) =>
  test.inTenant(rows.tenant, async (tx) =>
    announceEvents(
      tx,
      Array.from({ length: times }, () => ({ kind, userId })),
    ),
  )

const listed = (id: string) => test.inTenant(rows.tenant, async (tx) => (await deliveriesOf(tx, id)).deliveries)

async function only(id: string) {
  const [delivery, ...others] = await listed(id)
  if (delivery === undefined || others.length > 0) throw new Error('one delivery is expected')
  return delivery
}

/** Waits until a delivery of the endpoint has as many attempts, or has ended. */
async function attempted(id: string, attempts = 1) {
  return await vi.waitFor(
    async () => {
      const delivery = await only(id)
      expect(delivery.attempt_log.length).toBeGreaterThanOrEqual(attempts)
      return delivery
    },
    { timeout: 20_000, interval: 20 },
  )
}

/** Time passes: what waits is due now. */
const makeDue = () =>
  test.owner.query(
    `update webhook_deliveries set due_at = now() - interval '1 second' where tenant_id = $1 and state = 'pending'`,
    [rows.tenant],
  )

describe('a delivery', () => {
  it('is signed so that the libraries of the specification accept it, and has both shapes', async () => {
    const { url, received } = await receiver()
    const { endpoint: made, secret } = await endpoint(url, { thriveSignature: true })
    const user = await rows.user({ ref: 'r-1', first_name: 'Ann', last_name: 'Aster', email: 'ann@example.org' })
    await announce('user.deactivated', user)
    start()
    const { event_id, state, attempt_log } = await attempted(made.id)
    expect(state).toBe('delivered')
    expect(attempt_log).toEqual([{ at: expect.any(String), milliseconds: expect.any(Number), status: 200 }])
    const [{ headers, body, path }] = received as [Received]
    expect(path).toBe('/hook?token=canary-token')
    const own = headers as Record<string, string>
    const payload = new Webhook(secret).verify(body, own)
    expect(payload).toEqual(new SvixWebhook(secret).verify(body, own))
    expect(headers['webhook-id']).toBe(event_id)
    expect(headers['x-hmac-signature']).toBe(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
    expect(headers['content-type']).toBe('application/json')
    expect(payload).toMatchObject({
      type: 'user.deactivated',
      eventType: 'user.deactivated',
      tenantId: rows.tenant,
      data: { user_id: user },
      user: {
        id: user,
        reference: 'r-1',
        firstName: 'Ann',
        email: 'ann@example.org',
        status: 'active',
        role: 'learner',
      },
    })
    expect(() => new Webhook(secret).verify(`${body} `, own)).toThrow()
  })

  it('of a deleted user has the ids of the user, and no name', async () => {
    const { url, received } = await receiver()
    const { endpoint: made } = await endpoint(url)
    const user = await rows.deletedUser({ ref: 'r-2', first_name: 'Ann', email: 'ann@example.org' })
    await announce('user.deleted', user)
    start()
    await attempted(made.id)
    expect(JSON.parse(received[0]?.body ?? '').user).toEqual({
      id: user,
      reference: 'r-2',
      firstName: null,
      lastName: null,
      email: null,
      status: 'deleted',
      role: 'learner',
    })
  })

  it('is tried again after a failure, with what is stored by then', async () => {
    let code = 500
    const { url, received } = await receiver((_request, response) => void response.writeHead(code).end())
    const { endpoint: made } = await endpoint(url)
    const user = await rows.user({ first_name: 'Ann' })
    await announce('user.updated', user)
    start()
    const { state, next_attempt_at, ended_at } = await attempted(made.id)
    expect({ state, ended_at }).toEqual({ state: 'pending', ended_at: null })
    const wait = (next_attempt_at?.getTime() ?? 0) - Date.now()
    expect(wait).toBeGreaterThan(2000)
    expect(wait).toBeLessThan(5600)
    code = 204
    await test.owner.query(`update users set first_name = 'Anna' where id = $1`, [user])
    await makeDue()
    const after = await attempted(made.id, 2)
    expect(after).toMatchObject({ state: 'delivered', attempts: 2, next_attempt_at: null })
    expect(after.attempt_log.map(({ status }) => status)).toEqual([500, 204])
    expect(received.map(({ body }) => JSON.parse(body).user.firstName)).toEqual(['Ann', 'Anna'])
    expect(received[0]?.headers['webhook-id']).toBe(received[1]?.headers['webhook-id'])
  })

  it('waits as long as the receiver asks for', async () => {
    const { url } = await receiver(status(503, { 'retry-after': '7200' }))
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user())
    start()
    const { next_attempt_at } = await attempted(made.id)
    expect((next_attempt_at?.getTime() ?? 0) - Date.now()).toBeGreaterThan(7_100_000)
  })

  it('is dead after the last attempt: the administrators are told once, and the reference is destroyed', async () => {
    const { url } = await receiver(status(500))
    const { endpoint: made } = await endpoint(url)
    const administrator = await rows.administrator()
    const request = '018f0000-0000-7000-8000-0000000000aa'
    await test.inTenant(rows.tenant, async (tx) =>
      announceEvents(
        tx,
        ['ref-1', 'ref-2'].map((ref) => ({
          kind: 'user.anonymized' as const,
          requestId: request,
          sealedReference: sealReference(tx, ref),
        })),
      ),
    )
    await test.owner.query('update webhook_deliveries set attempts = $2 where tenant_id = $1', [
      rows.tenant,
      mostAttempts - 1,
    ])
    start()
    await vi.waitFor(async () => expect((await listed(made.id)).map(({ state }) => state)).toEqual(['dead', 'dead']), {
      timeout: 20_000,
    })
    const { rows: left } = await test.owner.query(
      'select sealed_reference from webhook_deliveries where tenant_id = $1',
      [rows.tenant],
    )
    expect(left).toEqual([{ sealed_reference: null }, { sealed_reference: null }])
    const { rows: told } = await test.owner.query(
      'select user_id, kind, data from notifications where tenant_id = $1',
      [rows.tenant],
    )
    expect(told).toEqual([{ user_id: administrator, kind: 'webhook_deliveries_dead', data: { endpoint: made.id } }])
  })

  it('carries the reference of an erased person until it is delivered, and a replay has the request alone', async () => {
    const { url, received } = await receiver()
    const { endpoint: made } = await endpoint(url)
    const request = '018f0000-0000-7000-8000-0000000000aa'
    const purged = '018f0000-0000-7000-8000-0000000000bb'
    await test.inTenant(rows.tenant, async (tx) =>
      announceEvents(tx, [
        { kind: 'user.purged', requestId: request, erasedUserId: purged, sealedReference: sealReference(tx, 'ref-9') },
      ]),
    )
    start()
    const { id } = await attempted(made.id)
    await test.inTenant(rows.tenant, (tx) => replayOne(tx, made.id, id))
    await attempted(made.id, 2)
    const bodies = received.map(({ body }) => JSON.parse(body))
    expect(bodies.map(({ data }) => data)).toEqual([
      { user_id: purged, reference: 'ref-9', request_id: request },
      { user_id: purged, request_id: request },
    ])
    expect(bodies.map(({ user }) => user)).toEqual([null, null])
  })

  it('that died is replayed with all others that died since a time', async () => {
    let code = 500
    const { url } = await receiver((_request, response) => void response.writeHead(code).end())
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user())
    const died = new Date()
    await test.owner.query(
      `update webhook_deliveries set state = 'dead', due_at = null, ended_at = $2 where tenant_id = $1`,
      [rows.tenant, died],
    )
    const replayed = (since: Date) => test.inTenant(rows.tenant, (tx) => replayAllDead(tx, made.id, since))
    expect(await replayed(new Date(died.getTime() + 1000))).toBe(0)
    expect(await replayed(new Date(died.getTime() - 1000))).toBe(1)
    code = 200
    start()
    expect(await attempted(made.id)).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  it('that is too old ends without a further attempt, and is deleted after 30 days', async () => {
    const { url, received } = await receiver()
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user())
    const days = (count: number) => new Date(Date.now() + count * 24 * 60 * 60 * 1000)
    await cleanDeliveries(test.database, days(3))
    expect(await only(made.id)).toMatchObject({ state: 'pending' })
    await cleanDeliveries(test.database, days(5))
    expect(await only(made.id)).toMatchObject({ state: 'dead', attempts: 0 })
    await cleanDeliveries(test.database, days(34))
    expect(await listed(made.id)).toHaveLength(1)
    await cleanDeliveries(test.database, days(36))
    expect(await listed(made.id)).toEqual([])
    expect(received).toEqual([])
  })

  it('is given back when the worker stops, and does not count', async () => {
    const { url, received } = await receiver(() => undefined)
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user())
    start()
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 })
    await deliverer?.stop()
    const { state, attempts, next_attempt_at, attempt_log } = await only(made.id)
    expect({ state, attempts, attempt_log }).toEqual({ state: 'pending', attempts: 0, attempt_log: [] })
    expect(next_attempt_at?.getTime()).toBeLessThanOrEqual(Date.now())
  })

  it('leaves no answer, address or secret in the database, and none in the log', async () => {
    const { url } = await receiver(status(400))
    const lines: string[] = []
    const { endpoint: made, secret } = await endpoint(url)
    await announce('user.updated', await rows.user())
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    deliverer = deliverEvents(test.database, open, log, { interval: 20 })
    await attempted(made.id)
    const { rows: found } = await test.owner.query<{ text: string }>(
      `select d::text || e::text || coalesce((select string_agg(a::text, '') from audit_entries a where a.tenant_id = $1), '') as text
       from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id where d.tenant_id = $1`,
      [rows.tenant],
    )
    const everything = `${found.map(({ text }) => text).join('')}${lines.join('')}`
    expect(everything).toContain(made.id)
    const inHex = (text: string) => Buffer.from(text).toString('hex')
    for (const canary of ['canary-answer', 'canary-token', '127.0.0.1', secret, secret.slice(6, 30)]) {
      expect(everything).not.toContain(canary)
      expect(everything).not.toContain(inHex(canary))
    }
  })
})

describe('a receiver', () => {
  it('that is gone disables its endpoint, and the administrators are told', async () => {
    const { url } = await receiver(status(410))
    const { endpoint: made } = await endpoint(url)
    await rows.administrator()
    await announce('user.updated', await rows.user())
    start()
    expect(await attempted(made.id)).toMatchObject({ state: 'dead', attempts: 1 })
    expect(await test.inTenant(rows.tenant, (tx) => showEndpoint(tx, made.id))).toMatchObject({
      enabled: false,
      disabled_because: 'receiver_gone',
    })
    const { rows: told } = await test.owner.query('select kind from notifications where tenant_id = $1', [rows.tenant])
    expect(told).toEqual([{ kind: 'webhook_disabled' }])
  })

  it('that does not answer in time has failed, and delays no other one', async () => {
    const [slow, fast] = [await receiver(() => undefined), await receiver()]
    const { endpoint: ofSlow } = await endpoint(slow.url)
    const { endpoint: ofFast } = await endpoint(fast.url)
    await announce('user.updated', await rows.user(), 30)
    start(open, { answer: 3000 })
    await vi.waitFor(
      async () => expect((await listed(ofFast.id)).every(({ state }) => state === 'delivered')).toBe(true),
      { timeout: 20_000 },
    )
    expect((await listed(ofSlow.id)).flatMap(({ attempt_log }) => attempt_log)).toEqual([])
    await vi.waitFor(
      async () =>
        expect((await listed(ofSlow.id)).flatMap(({ attempt_log }) => attempt_log)).toContainEqual(
          expect.objectContaining({ error: 'timeout' }),
        ),
      { timeout: 20_000 },
    )
    // Ten at a time, and one at a time once it has failed.
    expect(slow.received.length).toBeLessThanOrEqual(12)
  })

  it('that is dead costs few attempts, however many deliveries wait', async () => {
    const { url, received } = await receiver(status(500))
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user(), 200)
    start()
    await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(10), { timeout: 20_000 })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(received.length).toBeLessThanOrEqual(13)
    expect((await listed(made.id)).length).toBe(50)
  })

  it('may answer slowly, at length and for ever: its status counts', async () => {
    const { url } = await receiver((_request, response) => {
      response.writeHead(200)
      const more = setInterval(() => response.write('x'.repeat(100_000)), 5)
      response.once('close', () => clearInterval(more))
    })
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user())
    start()
    const { state, attempt_log } = await attempted(made.id)
    expect(state).toBe('delivered')
    expect(attempt_log[0]?.milliseconds).toBeLessThan(3000)
  })

  it('redirects to nowhere: the redirect is a failure', async () => {
    const other = await receiver()
    const { url } = await receiver(status(307, { location: other.url }))
    const { endpoint: made } = await endpoint(url)
    await announce('user.updated', await rows.user())
    start()
    expect((await attempted(made.id)).attempt_log).toMatchObject([{ status: 307 }])
    expect(other.received).toEqual([])
  })
})

describe('an address', () => {
  const closed: WebhookSettings = { webhookNetworks: [], webhookPlainHttp: true }

  it.each([
    'http://127.0.0.1/',
    'https://10.1.2.3/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/latest',
    'https://2130706433/',
    'https://0x7f.1/',
  ])('of a private network is refused at once: %s', async (url) => {
    await expect(endpoint(url, { settings: closed })).rejects.toMatchObject({ code: 'webhook.address_not_allowed' })
  })

  it('without TLS is refused unless the operator allows it', async () => {
    const settings = { webhookNetworks: [], webhookPlainHttp: false }
    await expect(endpoint('http://hooks.example.org/', { settings })).rejects.toMatchObject({
      code: 'webhook.address_not_allowed',
    })
  })

  it.each(['ftp://example.org/', 'https://user:pass@example.org/', 'https://example.org/#a', 'hooks', ''])(
    'that is no address for webhooks is refused: %s',
    async (url) => {
      await expect(endpoint(url)).rejects.toMatchObject({ code: 'input.invalid' })
    },
  )

  it('whose name leads to a private network gets nothing, whatever the name led to before', async () => {
    const { url, received } = await receiver()
    const port = new URL(url).port
    const { endpoint: made } = await endpoint(`http://hooks.example.org:${port}/`, { settings: closed })
    await announce('user.updated', await rows.user())
    const answers = [['127.0.0.1'], ['93.184.215.14', '127.0.0.1']]
    // Not a mock of the module: another file of this process may have loaded what looks names up.
    const { lookup } = dns
    dns.lookup = ((_name: string, _options: unknown, done: (...given: unknown[]) => void) => {
      const addresses = answers.shift() ?? ['127.0.0.1']
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )
    }) as never
    syncBuiltinESMExports()
    try {
      start(closed)
      await attempted(made.id)
      await makeDue()
      const { attempt_log } = await attempted(made.id, 2)
      expect(attempt_log.map(({ error }) => error)).toEqual([
        'webhook.address_not_allowed',
        'webhook.address_not_allowed',
      ])
      expect(received).toEqual([])
    } finally {
      dns.lookup = lookup
      syncBuiltinESMExports()
    }
  })
})

describe('a receiver with TLS', () => {
  it('is delivered to if its certificate is trusted, and not otherwise', async () => {
    const folder = await makeMemoryFolder('webhooks-')
    const file = (name: string) => path.join(folder, name)
    const own = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync('openssl', ['req', ...own, ...named, '-keyout', file('key'), '-out', file('pem')], { stdio: 'pipe' })
    const paths: (string | undefined)[] = []
    const server = createSecureServer(
      { key: readFileSync(file('key')), cert: readFileSync(file('pem')) },
      (request, response) => {
        paths.push(request.url)
        request.resume()
        response.end()
      },
    )
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    const settings = { webhookNetworks: open.webhookNetworks, webhookPlainHttp: false }
    const url = `https://localhost:${(server.address() as AddressInfo).port}/tls`
    const { endpoint: made } = await endpoint(url, { settings })
    await announce('user.updated', await rows.user())
    start(settings)
    expect((await attempted(made.id)).attempt_log).toMatchObject([{ error: 'DEPTH_ZERO_SELF_SIGNED_CERT' }])
    expect(paths).toEqual([])
    await deliverer?.stop()
    await makeDue()
    start({ ...settings, webhookCa: file('pem') })
    expect(await attempted(made.id, 2)).toMatchObject({ state: 'delivered' })
    expect(paths).toEqual(['/tls'])
    rmSync(folder, { recursive: true })
  })
})

describe('the secrets of an endpoint', () => {
  it('are two while one is replaced, and one once the other is ended', async () => {
    const { url, received } = await receiver()
    const { endpoint: made, secret: before } = await endpoint(url, { thriveSignature: true })
    const { secret: after, endpoint: rotated } = await test.inTenant(rows.tenant, (tx) => rotateSecret(tx, made.id))
    expect(rotated.previous_secret_until?.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    start()
    const verifies = async (secret: string) => {
      const { headers, body } = received.at(-1) as Received
      return () => new Webhook(secret).verify(body, headers as Record<string, string>)
    }
    const deliver = async () => {
      const count = received.length
      await test.inTenant(rows.tenant, (tx) => testEndpoint(tx, made.id))
      await vi.waitFor(() => expect(received.length).toBe(count + 1), { timeout: 20_000 })
    }
    const hmac = (secret: string) =>
      `sha256=${createHmac('sha256', secret)
        .update(received.at(-1)?.body ?? '')
        .digest('hex')}`
    await deliver()
    expect(await verifies(before)).not.toThrow()
    expect(await verifies(after)).not.toThrow()
    expect(received.at(-1)?.headers['x-hmac-signature']).toBe(hmac(before))
    await test.inTenant(rows.tenant, (tx) => endPreviousSecret(tx, made.id))
    await deliver()
    expect(await verifies(before)).toThrow()
    expect(await verifies(after)).not.toThrow()
    expect(received.at(-1)?.headers['x-hmac-signature']).toBe(hmac(after))
  })
})

describe('what waits for an endpoint', () => {
  it('is not sent once the key that created the endpoint is revoked', async () => {
    const { url, received } = await receiver()
    const { key } = await test.inTenant(rows.tenant, (tx) => createApiKey(tx, { name: 'Key', access: 'full_control' }))
    const { endpoint: made } = await inTenant(
      test.database,
      rows.tenant,
      (tx) => createEndpoint(tx, { name: 'Receiver', url, events: ['user.updated'] }, open),
      { initiator: { from: 'api', credential: { kind: 'api_key', id: key.id, scopes: ['api/all'] } } },
    )
    const witness = await receiver()
    const { endpoint: other } = await endpoint(witness.url)
    await announce('user.updated', await rows.user())
    await test.inTenant(rows.tenant, (tx) => revokeApiKey(tx, key.id))
    start()
    expect((await attempted(other.id)).state).toBe('delivered')
    expect(received).toEqual([])
    expect(await test.inTenant(rows.tenant, (tx) => showEndpoint(tx, made.id))).toMatchObject({
      enabled: false,
      disabled_because: 'credential_ended',
      credential_id: key.id,
    })
  })
})
