import net, { type AddressInfo } from 'node:net'
import type { InjectOptions } from 'fastify'
import { pino } from 'pino'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { basic } from '../../test/http.ts'
import { createApiKey } from '../access/api-keys.ts'
import { authenticate } from '../access/authenticate.ts'
import { peopleError } from '../people/errors.ts'
import { type LetheError, platformError } from '../platform/errors.ts'
import { tenancyError } from '../tenancy/errors.ts'
import { createTenant } from '../tenancy/tenants.ts'
import type { Api } from './api.ts'
import { readJson } from './body/read-json.ts'
import { createServer, type FrameOptions } from './create-server.ts'
import type { ErrorFormat } from './errors/error-format.ts'
import { usualReasons } from './errors/problem-details.ts'
import { usualStatuses } from './errors/statuses.ts'
import type { HttpServer } from './http-server.ts'
import { inTenantOf } from './in-tenant-of.ts'
import { sharedSchema } from './openapi/shared-schema.ts'

// The frame with two small APIs that stand only here: one with formats and content types of its own, one without.

const starType = 'application/vnd.star+json'

const starErrors: ErrorFormat = {
  mediaType: starType,
  statuses: { ...usualStatuses, input: 400 },
  reasons: { ...usualReasons, 418: 'A teapot' },
  schema: sharedSchema('StarError', Type.Object({ failed: Type.String(), status: Type.Integer() })),
  body: ({ code }, { status }) => ({ failed: code, status }),
  unreadable: (status) => ({ failed: 'unreadable', status }),
}

const StarBody = Type.Object({ name: Type.String() }, { additionalProperties: false })
const Star = sharedSchema('Star', Type.Object({ name: Type.String() }, { description: 'A star' }))

const starApi: Api = {
  title: 'Stars',
  prefixes: ['/star/v1', '/comets'],
  errors: starErrors,
  tags: [{ name: 'Sky', description: 'What shines.' }],
  async plugin(server) {
    readJson(server, [starType])
    server.addSchema(Star.schema)
    server.addHook('onSend', (_request, reply, payload, done) => {
      reply.header('x-star', 'yes')
      done(null, payload)
    })
    server.route({
      method: 'POST',
      url: '/star/v1/stars',
      config: { permission: 'public', errors: [404, 418] },
      schema: { tags: ['Sky'], body: StarBody, response: { 200: Star.ref } },
      handler: async (request) => {
        if (request.body.name === 'nova') throw peopleError('user.not_found', { selector: 'name' })
        if (request.body.name === 'hole') throw new Error('nothing comes out')
        return { name: request.body.name }
      },
    })
    server.route({
      method: 'GET',
      url: '/star/v1/tenant',
      config: { permission: 'users.read' },
      schema: { tags: ['Sky'], response: { 200: Type.Object({ tenant: Type.String() }) } },
      handler: (request) => inTenantOf(request, async (tx) => ({ tenant: tx.tenantId })),
    })
    await server.register(
      async (comets) => {
        comets.get('/halley', { config: { permission: 'public' } }, () => ({ returns: 2061 }))
      },
      { prefix: '/comets' },
    )
  },
}

const plainApi: Api = {
  title: 'Plain',
  prefixes: ['/plain'],
  plugin(server) {
    server.route({
      method: 'PUT',
      url: '/plain/thing',
      config: { permission: 'public' },
      schema: { tags: ['Things'], body: Type.Object({ name: Type.String() }, { additionalProperties: false }) },
      handler: async () => ({ done: true }),
    })
  },
}

let test: TestApplication
let server: HttpServer
let tenant: string
let key: Record<string, string>

const frame = (apis: readonly Api[], options: Partial<FrameOptions> = {}) =>
  createServer({
    database: test.database,
    log: pino({ level: 'silent' }),
    apis,
    authenticate: ({ headers: { authorization, cookie } }) => authenticate(test.database, { authorization, cookie }),
    document: {
      info: { title: 'Frame', version: '1', description: 'A test' },
      securitySchemes: { key: { type: 'http', scheme: 'basic' } },
      credentials: [{ key: [] }],
      pageTitle: 'Frame',
    },
    errorCodes: ['star.dark'],
    ...options,
  })

beforeAll(async () => {
  test = await openTestApplication()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  const { secret } = await test.inTenant(tenant, (tx) => createApiKey(tx, { name: 'Test', access: 'read_only' }))
  key = basic('api', secret)
  server = await frame([starApi, plainApi])
  await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server.close()
  await test.close()
})

async function ask(method: string, url: string, options: { type?: string; body?: unknown; headers?: object } = {}) {
  const { type, body, headers } = options
  const {
    statusCode,
    headers: answered,
    payload,
  } = await server.inject({
    method: method as NonNullable<InjectOptions['method']>,
    url,
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
    ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const json = payload === '' ? undefined : JSON.parse(payload)
  return { status: statusCode, type: String(answered['content-type']).split(';')[0], headers: answered, json }
}

/** Sends bytes as they are; answers what comes until the server closes the connection. */
function sendRaw(sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const { port } = server.server.address() as AddressInfo
    const socket = net.connect(port, '127.0.0.1', () => socket.write(sent))
    socket.on('data', (chunk) => {
      text += String(chunk)
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

describe('an API that is mounted', () => {
  it('reads its own content type, and works with the database in the tenant of the caller', async () => {
    expect(await ask('POST', '/star/v1/stars', { type: starType, body: { name: 'sun' } })).toMatchObject({
      status: 200,
      json: { name: 'sun' },
    })
    expect(await ask('GET', '/star/v1/tenant', { headers: key })).toMatchObject({ status: 200, json: { tenant } })
  })

  it('answers every error in its own format, wherever the error comes from', async () => {
    const post = (body: unknown, type = starType) => ask('POST', '/star/v1/stars', { type, body })
    const cases: [answer: ReturnType<typeof ask>, status: number, code: string][] = [
      [post({ name: 'nova' }), 404, 'user.not_found'],
      [post({ name: 'hole' }), 500, 'internal.unexpected'],
      [post({ name: 4 }), 400, 'input.invalid'],
      [post('{"name"'), 400, 'request.malformed'],
      [post('<star/>', 'text/xml'), 415, 'request.unsupported_media_type'],
      [post({ name: 'x'.repeat(2_000_000) }), 413, 'request.too_large'],
      [ask('GET', '/star/v1/tenant'), 401, 'access.unauthenticated'],
      [ask('GET', '/star/v1/tenant?x=1', { headers: key }), 400, 'input.unknown_field'],
      [ask('DELETE', '/star/v1/stars'), 405, 'request.method_not_allowed'],
      [ask('POST', '/comets/halley'), 405, 'request.method_not_allowed'],
      [ask('GET', '/star/v1'), 404, 'request.unknown_route'],
      [ask('GET', '/star/v1/nothing?x'), 404, 'request.unknown_route'],
      [ask('PUT', '/comets/nothing', { type: starType, body: {} }), 404, 'request.unknown_route'],
      // The router reads what is encoded, and so do the handlers.
      [ask('GET', '/%73tar/v1/nothing'), 404, 'request.unknown_route'],
      [ask('GET', '/%73tar/v1/tenant'), 401, 'access.unauthenticated'],
      [ask('GET', '/star/v1/%ff'), 400, 'request.malformed'],
    ]
    for (const [answer, status, code] of cases) {
      const { json, ...got } = await answer
      expect({ status: got.status, type: got.type, json }).toEqual({
        status,
        type: starType,
        json: { failed: code, status },
      })
    }
  })

  it('says which methods an address takes, those of plugins inside of it too', async () => {
    expect((await ask('GET', '/star/v1/stars')).headers.allow).toBe('POST')
    expect((await ask('POST', '/comets/halley')).headers.allow).toBe('GET, HEAD')
  })

  it('gets its format where the server cannot read the request', async () => {
    const long = 'x'.repeat(20_000)
    for (const [sent, status, isStar] of [
      [`GET /star/v1/stars HTTP/1.1\r\nHost: x\r\nX: ${long}\r\n\r\n`, 431, true],
      ['FOO /comets/halley HTTP/1.1\r\nHost: x\r\n\r\n', 400, true],
      ['GET http://x/comets HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n', 400, true],
      [`GET /plain/thing HTTP/1.1\r\nHost: x\r\nX: ${long}\r\n\r\n`, 431, false],
      ['FOO /star/v10 HTTP/1.1\r\nHost: x\r\n\r\n', 400, false],
      ['nonsense\r\n\r\n', 400, false],
    ] as const) {
      const answer = await sendRaw(sent)
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(answer.includes(`Content-Type: ${starType}\r\n`)).toBe(isStar)
      expect(answer.endsWith(JSON.stringify({ failed: 'unreadable', status }))).toBe(isStar)
    }
  })

  it('keeps its content types, hooks and format to itself', async () => {
    const put = (type: string) => ask('PUT', '/plain/thing', { type, body: { name: 'x' } })
    expect(await put('application/json')).toMatchObject({ status: 200, json: { done: true } })
    const refused = await put(starType)
    expect(refused).toMatchObject({
      status: 415,
      type: 'application/problem+json',
      json: { code: 'request.unsupported_media_type' },
    })
    expect(refused.headers['x-star']).toBeUndefined()
    expect((await ask('GET', '/comets/halley')).headers['x-star']).toBe('yes')
    for (const address of ['/', '/nothing', '/star', '/star/v10', '/star/v1-old', '/plain/nothing', '/healthz/x']) {
      expect(await ask('GET', address)).toMatchObject({ status: 404, type: 'application/problem+json' })
    }
  })

  it('refuses members that its schemas do not have, also with schemas that only its context knows', async () => {
    const answer = await ask('POST', '/star/v1/stars', { type: starType, body: { name: 'sun', size: 1 } })
    expect(answer).toMatchObject({ status: 400, json: { failed: 'input.unknown_field' } })
  })

  it('stands in the document with its groups, its errors and who may call it', async () => {
    const { json } = await ask('GET', '/openapi.json')
    expect(json.tags).toEqual([
      { name: 'Stars: Sky', description: 'What shines.' },
      { name: 'Frame: Operations', description: expect.any(String) },
    ])
    const { post } = json.paths['/star/v1/stars']
    expect(post.tags).toEqual(['Stars: Sky'])
    expect(Object.keys(post.responses)).toEqual(['200', '400', '404', '413', '415', '418', '429', '503'])
    expect(post.responses[418]).toEqual({
      description: 'A teapot',
      content: { [starType]: { schema: { $ref: '#/components/schemas/StarError' } } },
    })
    expect(json.paths['/star/v1/tenant'].get).toMatchObject({
      security: [{ key: [] }],
      'x-permission': 'users.read',
      description: 'Needs the permission `users.read`.',
    })
    expect(Object.keys(json.paths['/plain/thing'].put.responses[422].content)).toEqual(['application/problem+json'])
  })

  it('does not start with a route elsewhere, without a permission, or with a status that its format does not explain', async () => {
    const api = (url: string, config: object): Api => ({
      title: 'Wrong',
      prefixes: ['/wrong'],
      plugin: (context) => {
        context.route({ method: 'GET', url, config, handler: () => 'x' })
      },
    })
    const start = async (one: Api) => (await frame([one])).close()
    await start(api('/wrong/x', { permission: 'public', errors: [404] }))
    await expect(start(api('/wrongly', { permission: 'public' }))).rejects.toThrow(/not below \/wrong/)
    await expect(start(api('/wrong', {}))).rejects.toThrow(/who may call it/)
    await expect(start(api('/wrong', { permission: 'public', errors: [418] }))).rejects.toThrow(/what 418 means/)
  })

  it('answers an error without its hint, because callers of an API do not have the command line', async () => {
    const error = tenancyError('tenant.not_found', { tenant: 'Acme' })
    const api: Api = {
      title: 'Hints',
      prefixes: ['/hints'],
      plugin(server) {
        server.get('/hints', { config: { permission: 'public', errors: [404] } }, () => {
          throw error
        })
      },
    }
    const other = await frame([api])
    const answer = await other.inject('/hints')
    expect(error.hint).toBe('"lethe tenant list" lists the tenants.')
    expect(answer.json()).toMatchObject({ code: 'tenant.not_found', detail: 'There is no tenant Acme.' })
    expect(answer.body).not.toContain('lethe tenant list')
    await other.close()
  })

  it('answers the failure where what an error may tell besides cannot be read', async () => {
    const completeError = async ({ code }: LetheError) => {
      if (code === 'user.not_found') throw platformError('service.unavailable')
    }
    const other = await frame([starApi], { completeError })
    const answer = await other.inject({ method: 'POST', url: '/star/v1/stars', payload: { name: 'nova' } })
    expect([answer.statusCode, answer.json()]).toEqual([503, { failed: 'service.unavailable', status: 503 }])
    expect(answer.headers['retry-after']).toBe('5')
    await other.close()
  })
})
