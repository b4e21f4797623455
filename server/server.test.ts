import { once } from 'node:events'
import net from 'node:net'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../test/http.ts'
import { problemDetails } from './http/errors/problem-details.ts'
import { completeRoute } from './http/openapi/complete-route.ts'
import { GuardedPool } from './platform/database/guarded-pool.ts'
import { buildServer } from './server.ts'

let http: TestHttp
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  key = await http.key(await http.tenant('Acme'))
})
afterAll(() => http.close())

/** The server on a database that does not answer. */
async function withoutDatabase<T>(work: (server: Awaited<ReturnType<typeof buildServer>>) => Promise<T>): Promise<T> {
  const url = () => 'postgres://127.0.0.1:1/none'
  const open = () => new GuardedPool({ url, max: 1, waitSeconds: 1, family: {}, rank: 1 })
  const pool = open()
  const database = { ...http.database, pool, reading: pool, openUnflushed: open, url }
  const server = await buildServer({ ...http.app, database }, { log: pino({ level: 'silent' }) })
  try {
    return await work(server)
  } finally {
    await server.close()
    await pool.end()
  }
}

describe('the HTTP server', () => {
  it('tells that it lives, and that it can work as long as the database answers', async () => {
    expect(await http.call('GET', '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await http.call('GET', '/readyz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    await withoutDatabase(async (server) => {
      expect((await server.inject('/healthz')).statusCode).toBe(200)
      const ready = await server.inject('/readyz')
      expect(ready.statusCode).toBe(503)
      expect(ready.headers['retry-after']).toBe('5')
      expect(ready.json()).toMatchObject({ code: 'service.not_ready', detail: 'The database does not answer.' })
    })
  })

  it('says why it cannot work: requests that wait for connections, a database that only reads, jobs that nobody takes', async () => {
    const { rows } = await http.owner.query('select current_database() as name')
    const [{ name }] = rows
    const readOnly = (value: string) =>
      http.owner.query(`alter database ${name} set default_transaction_read_only = ${value}`)
    const workers = { missingFor: () => 0, idleFor: () => 0 }
    const server = await buildServer(http.app, { log: pino({ level: 'silent' }), workers })
    vi.useFakeTimers({ toFake: ['Date'] })
    const detail = async () => {
      // An answer of the database counts for a second.
      vi.setSystemTime(Date.now() + 1100)
      const { statusCode, body } = await server.inject('/readyz')
      return `${statusCode} ${JSON.parse(body).detail ?? 'ok'}`
    }
    try {
      expect(await detail()).toBe('200 ok')
      await readOnly('on')
      const renewed = { ...http.app, database: { ...http.database } }
      const another = await buildServer(renewed, { log: pino({ level: 'silent' }) })
      expect((await another.inject('/readyz')).json()).toMatchObject({
        detail: expect.stringMatching(/^The database is set to read-only/),
      })
      await another.close()
      await readOnly('off')
      workers.missingFor = () => 31_000
      expect(await detail()).toBe('503 Nothing has taken jobs for 31 seconds.')
      workers.missingFor = () => 0
      await http.owner.query(
        `select graphile_worker.add_job('a task of a test', run_at := now() - interval '6 minutes', job_key := 'stuck')`,
      )
      expect(await detail()).toBe('200 ok')
      workers.idleFor = () => 301_000
      expect(await detail()).toMatch(/^503 A job has waited for 36\d seconds, and nothing takes it/)
      await http.owner.query(`select graphile_worker.remove_job('stuck')`)
      expect(await detail()).toBe('200 ok')
      const held = await Promise.all(Array.from({ length: 10 }, () => http.database.pool.connect()))
      const waiting = http.database.pool.query('select 1')
      vi.setSystemTime(Date.now() + 5100)
      expect(await detail()).toMatch(/^503 Requests have waited for a connection to the database for \d seconds/)
      for (const client of held) client.release()
      await waiting
      expect(await detail()).toBe('200 ok')
    } finally {
      vi.useRealTimers()
      await readOnly('off')
      await server.close()
    }
  })

  it('is not ready on a database that is not migrated', async () => {
    await http.owner.query(`update lethe_migrations set name = 'x' || name where name like '0012%'`)
    try {
      expect((await http.call('GET', '/readyz')).status).toBe(503)
    } finally {
      await http.owner.query(`update lethe_migrations set name = substr(name, 2) where name like 'x0012%'`)
    }
  })

  it('measures requests by the pattern of their route, never by their address', async () => {
    const { json } = await http.call('POST', '/api/v1/users', { as: key, body: { email: 'metric@example.org' } })
    await http.call('GET', `/api/v1/users/${json.id}`, { as: key })
    await http.call('GET', '/somewhere/metric@example.org')
    await http.call('GET', '/api/v1/users?search=metric@example.org', { as: key })
    const { text, status } = await http.call('GET', '/metrics')
    expect(status).toBe(200)
    expect(text).toContain(
      'lethe_http_request_duration_seconds_count{method="GET",route="/api/v1/users/:id",status="200"}',
    )
    expect(text).toContain('route="none",status="404"')
    expect(text).not.toContain('metric@example.org')
    expect(text).not.toContain(json.id)
  })

  it('returns the request id that it was sent, if it is of a form that nobody puts a name into', async () => {
    const idOf = async (sent: string) =>
      (await http.call('GET', '/healthz', { headers: { 'x-request-id': sent } })).headers.get('x-request-id')
    expect(await idOf('0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a')).toBe('0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a')
    expect(await idOf('4bf92f3577b34da6a3ce929d0e0e4736')).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
    for (const name of ['ann-aster', 'ann@example.org', 'x'.repeat(1000)]) {
      expect(await idOf(name)).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('answers problem details with a stable code, and says which methods an address takes', async () => {
    const unknown = await http.call('GET', '/nothing')
    expect(unknown.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(unknown.json).toEqual({
      type: 'urn:lethe:problem:request.unknown_route',
      title: 'Not found',
      status: 404,
      detail: expect.any(String),
      code: 'request.unknown_route',
      request_id: unknown.headers.get('x-request-id'),
    })
    const id = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'
    const missing = await http.call('GET', `/api/v1/erasures/${id}`, { as: key })
    // Without the sentence for the command line.
    expect(missing.json.detail).toBe(`There is no erasure request ${id} in this tenant.`)
    const refused = await http.call('PUT', '/api/v1/users', { as: key, body: {} })
    expect(refused).toMatchObject({ status: 405, json: { code: 'request.method_not_allowed' } })
    expect(refused.headers.get('allow')).toBe('GET, HEAD, POST')
  })

  it('names what is wrong with a request, and repeats nothing of it', async () => {
    const post = (body: unknown, headers = {}) => http.call('POST', '/api/v1/users', { as: key, body, headers })
    const get = (path: string) => http.call('GET', path, { as: key })
    const secret = 'secret-value-8d30'
    const deep = `{"custom_fields":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`
    const cases: [
      status: number,
      code: string,
      field: string | undefined,
      answer: Promise<{ status: number; json: { code: string; field?: string }; text: string }>,
    ][] = [
      [400, 'request.malformed', undefined, post('{"email":')],
      [400, 'request.malformed', undefined, post('')],
      [400, 'request.malformed', undefined, post('{"__proto__":{"x":1}}')],
      [400, 'request.malformed', undefined, get('/api/v1/users/%ff')],
      [415, 'request.unsupported_media_type', undefined, post('<a/>', { 'content-type': 'text/xml' })],
      [413, 'request.too_large', undefined, post({ first_name: 'x'.repeat(10_000_000) })],
      [422, 'input.invalid', 'body', post([])],
      [422, 'input.invalid', 'first_name', post({ first_name: 'x'.repeat(100_000) })],
      [422, 'input.invalid', 'first_name', post({ first_name: `a\0b` })],
      [422, 'input.invalid', 'first_name', post('{"first_name":"\\ud800"}')],
      [422, 'input.invalid', 'custom_fields.a.0', post({ custom_fields: { a: ['\0'] } })],
      // Read as infinite, which JSON has no way to write: the fingerprint of the request failed on it.
      [
        422,
        'input.invalid',
        'custom_fields.a.0',
        post('{"custom_fields":{"a":[1e999]}}', { 'idempotency-key': 'once' }),
      ],
      [422, 'input.invalid', undefined, post(deep)],
      [422, 'input.invalid', 'email', post({ email: secret })],
      [422, 'input.invalid', 'email', post({ email: 12 })],
      [422, 'input.unknown_field', secret, post({ [secret]: 1 })],
      [422, 'input.invalid', 'limit', get('/api/v1/users?limit=99999999999999999999')],
      [422, 'input.invalid', 'limit', get('/api/v1/users?limit=-1')],
      [422, 'input.invalid', 'after', get('/api/v1/users?after=nonsense')],
      [422, 'input.invalid', 'search', get('/api/v1/users?search=%00')],
      [422, 'input.invalid', 'state', get('/api/v1/users?state=asleep')],
      [422, 'input.invalid', 'deleted_in', get('/api/v1/users?deleted_in=2026-13')],
      [422, 'input.invalid', 'id', get('/api/v1/users/4711')],
      [404, 'user.not_found', undefined, get('/api/v1/users/0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a')],
    ]
    for (const [status, code, field, answer] of cases) {
      const { status: answered, json, text } = await answer
      expect({ status: answered, code: json.code }).toEqual({ status, code })
      if (field !== undefined) expect(json.field).toBe(field)
      if (field !== secret) expect(text).not.toContain(secret)
      expect(text.length).toBeLessThan(2000)
    }
  })

  it('answers what is no HTTP with a problem, and closes', async () => {
    for (const [sent, status] of [
      ['nonsense\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const answer = await new Promise<string>((resolve, reject) => {
        let text = ''
        const socket = net.connect(Number(new URL(http.url).port), '127.0.0.1', () => socket.write(sent))
        socket.on('data', (chunk) => {
          text += String(chunk)
        })
        socket.on('close', () => resolve(text))
        socket.on('error', reject)
      })
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(answer).toContain('"code":"request.malformed"')
    }
  })

  it('shows the APIs without anything from elsewhere, under a policy that allows nothing from elsewhere', async () => {
    const page = await http.call('GET', '/docs/')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/https?:|unsafe-inline|unsafe-eval/)
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(3)
    for (const link of links) {
      expect(link).toMatch(/^\.\/static\//)
      expect((await http.call('GET', `/docs/${link.slice(2)}`)).status).toBe(200)
    }
    expect(page.text).not.toMatch(/<script>|<style>| on\w+="| style="/)
    const document = await http.call('GET', '/openapi.json')
    expect(document.json).toMatchObject({ openapi: '3.1.0' })
    expect((await http.call('GET', '/docs/json')).json).toEqual(document.json)
  })

  it('never makes a browser ask for a password on behalf of a script', async () => {
    const token = {
      path: `/oauth2/token/${crypto.randomUUID()}`,
      method: 'POST',
      body: { grant_type: 'client_credentials' },
    }
    for (const { path, method, body } of [{ path: '/api/v1/users', method: 'GET', body: undefined }, token]) {
      const challenged = async (headers: Record<string, string>) => {
        const sent = body === undefined ? {} : { body: new URLSearchParams(body).toString() }
        const form = { 'content-type': 'application/x-www-form-urlencoded' }
        const answer = await http.call(method, path, { ...sent, headers: { ...headers, ...(body && form) } })
        expect([path, answer.status]).toEqual([path, 401])
        return answer.headers.get('www-authenticate')
      }
      expect(await challenged({})).toMatch(/^Basic /)
      expect(await challenged({ 'sec-fetch-dest': 'empty' })).toMatch(/^(?!Basic)\w+ realm="Lethe"/)
    }
  })

  it('does not start with a route that does not say who may call it', async () => {
    expect(() =>
      completeRoute({ method: 'GET', url: '/forgotten', handler: () => undefined }, problemDetails(), []),
    ).toThrow(/\/forgotten/)
    const server = await buildServer(http.app, { log: pino({ level: 'silent' }) })
    expect(() => server.get('/forgotten', () => '')).toThrow(/does not say in its config who may call it/)
    await server.close()
  })

  it('writes nothing personal into its log, whatever happens', async () => {
    const canary = 'canary-6b1e'
    const requests: [string, string, unknown?, Record<string, string>?][] = [
      ['POST', '/api/v1/users', { email: `${canary}@example.org`, first_name: canary }],
      ['POST', '/api/v1/users', { email: canary }],
      ['POST', '/api/v1/users', { [canary]: canary }],
      ['POST', '/api/v1/users', `{"${canary}`],
      ['GET', `/api/v1/users?search=${canary}`],
      ['GET', `/api/v1/users?${canary}=1`],
      ['GET', `/api/v1/users/${canary}`],
      ['GET', `/${canary}`],
      ['PUT', `/api/v1/users/${canary}`],
      ['GET', '/api/v1/users', undefined, { authorization: `Basic ${canary}`, cookie: canary, 'user-agent': canary }],
      ['GET', '/healthz', undefined, { 'x-request-id': canary }],
      ['POST', '/api/v1/session', { tenant: 'Acme', login: canary, password: canary }],
      [
        'POST',
        '/api/v1/erasures',
        { operation: 'purge', subjects: [{ email: `${canary}@example.org` }], reason: canary },
      ],
      ['POST', `/oauth2/token/${canary}`, 'grant_type=x', { 'content-type': 'application/x-www-form-urlencoded' }],
    ]
    const before = http.requestLog().length
    for (const [method, path, body, headers] of requests) {
      await http.call(method, path, { as: key, ...(body !== undefined && { body }), ...(headers && { headers }) })
    }
    // An error that nobody foresaw, with values in its message.
    await http.owner.query(
      `create function fail() returns trigger language plpgsql as $$ begin raise exception 'no %', new; end $$;
       create trigger fail before insert on users for each row execute function fail()`,
    )
    const failed = await http.call('POST', '/api/v1/users', { as: key, body: { email: `${canary}@example.org` } })
    await http.owner.query('drop function fail cascade')
    expect(failed).toMatchObject({ status: 500, json: { code: 'internal.unexpected' } })
    expect(failed.text).not.toContain(canary)
    const log = http.requestLog().slice(before)
    expect(log).toContain('"route":"/api/v1/users/:id"')
    expect(log).toContain('"cause":"P0001"')
    expect(log.split('\n').length).toBeGreaterThan(requests.length)
    expect(log).not.toContain(canary)
    expect(log).not.toContain('lethe_')
    for (const line of log.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
  })
})

describe('rate limits', () => {
  let limited: TestHttp
  beforeAll(async () => {
    limited = await openTestHttp({ rateLimits: { perCredential: 5, failures: 4, open: 3 } })
  })
  afterAll(() => limited.close())

  it('answers 429 with Retry-After, counted for each credential, and for wrong ones by address', async () => {
    const tenant = await limited.tenant('Acme')
    const [one, other] = [await limited.key(tenant), await limited.key(tenant)]
    const call = async (as: Credential) => await limited.call('GET', '/api/v1/session', { as })
    for (let number = 0; number < 5; number++) expect((await call(one)).status).toBe(200)
    const refused = await call(one)
    expect(refused).toMatchObject({ status: 429, json: { code: 'request.rate_limited' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await call(other)).status).toBe(200)

    const wrong = { authorization: 'Basic YXBpOndyb25n' }
    for (let number = 0; number < 4; number++) expect((await call(wrong)).status).toBe(401)
    expect((await call(wrong)).status).toBe(429)
    // Whoever shares the address waits with them: who it is has not been looked at yet.
    expect((await call(other)).status).toBe(429)
    expect((await limited.call('GET', '/healthz')).status).toBe(200)
  })

  it('counts attempts to sign in and to get a token', async () => {
    const body = { tenant: 'Acme', login: 'nobody', password: 'wrong' }
    const statuses: number[] = []
    for (let number = 0; number < 4; number++) {
      statuses.push((await limited.call('POST', '/api/v1/session', { body })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429])
  })
})

describe('stopping', () => {
  it('finishes requests that run, ends streams, and lets nobody in any more', async () => {
    const stopping = await openTestHttp()
    const tenant = await stopping.tenant('Acme')
    const as = await stopping.key(tenant)
    // The request waits for a lock that the test holds.
    await stopping.owner.query('begin; lock table users in access exclusive mode')
    const running = stopping.call('POST', '/api/v1/users', { as, body: { first_name: 'Last' } })
    for (;;) {
      await stopping.owner.query('select pg_stat_clear_snapshot()')
      const { rowCount } = await stopping.owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (rowCount !== 0) break
    }
    // As a browser opens them in advance.
    const unused = net.connect(Number(new URL(stopping.url).port), '127.0.0.1')
    await once(unused, 'connect')
    const closed = stopping.server.close()
    await expect(async () => {
      for (;;) await stopping.call('GET', '/healthz')
    }).rejects.toThrow()
    await stopping.owner.query('commit')
    expect(await running).toMatchObject({ status: 201, json: { first_name: 'Last' } })
    await closed
    await stopping.close()
  })
})

describe('a log that is given', () => {
  it('gets one line a request, with what came of it', async () => {
    const lines: Record<string, unknown>[] = []
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString('utf8')))
        done()
      },
    })
    const server = await buildServer(http.app, { log: pino({ base: null }, sink) })
    await server.inject({ url: '/healthz', headers: { 'x-request-id': '4bf92f3577b34da6a3ce929d0e0e4736' } })
    await server.close()
    expect(lines).toEqual([
      {
        level: 30,
        time: expect.any(Number),
        request: '4bf92f3577b34da6a3ce929d0e0e4736',
        method: 'GET',
        route: '/healthz',
        status: 200,
        ms: expect.any(Number),
        msg: 'request',
      },
    ])
  })
})
