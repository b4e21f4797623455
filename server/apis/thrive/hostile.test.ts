import { request as sendRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { basic, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { createApiKey } from '../../access/api-keys.ts'

let http: TestHttp
let key: Credential
let ids: { own: string; others: string }
beforeAll(async () => {
  http = await openTestHttp()
  const make = async (name: string) => {
    const tenant = await http.tenant(name)
    const { secret } = await http.inTenant(tenant, (tx) =>
      createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' }),
    )
    const as = basic(tenant, secret)
    const body = { ref: `user of ${name}`, firstName: 'Ann', lastName: 'Aster', loginMethod: 'ref' }
    const { json } = await http.call('POST', '/rest/v2/users', { as, body })
    return { as, id: String(json.id) }
  }
  const [own, other] = [await make('Acme'), await make('Other')]
  key = own.as
  ids = { own: own.id, others: other.id }
  await http.startWorkers()
})
afterAll(() => http.close())

/** Sends an address as it stands: to `fetch`, dots in it are steps. */
async function send(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  const request = sendRequest(http.url, { method, path, headers: { ...key, ...headers } })
  request.end(body)
  return await new Promise<{ status: number; body: string; allow: string | undefined }>((resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      const { statusCode = 0, headers: answered } = response
      text(response).then((read) => resolve({ status: statusCode, body: read, allow: answered.allow }), reject)
    })
  })
}

const json = { 'content-type': 'application/json' }
const event = (id: string, user: object) =>
  JSON.stringify({ id, timestamp: '2026-11-01T00:00:00Z', eventType: 'user_joined', content: { user } })

it('answers every spelling of a ref with 400 or 404, and touches no other user', async () => {
  const refs = [
    '%00',
    '%ff',
    '%C3%28',
    '%',
    '%zz',
    '..',
    '.',
    '%2e%2e',
    '%252e',
    'a%2Fb',
    '+',
    ';x',
    '%3Fx',
    '%0d%0aX:1',
  ]
  const more = [
    'USER%20OF%20ACME',
    '%20user%20of%20Acme',
    'user%2520of%2520Acme',
    'user+of+Acme',
    'user%20of%20Acme/',
    '__proto__',
  ]
  const others = [
    'user%20of%20Other',
    'x'.repeat(257),
    'x'.repeat(5000),
    "'%20or%201=1--",
    '%E2%80%8B',
    ids.own,
    ids.others,
  ]
  for (const ref of [...refs, ...more, ...others]) {
    for (const [method, path] of [
      ['GET', '/rest/v1/users/ref'],
      ['PATCH', '/rest/v2/users/ref'],
      ['DELETE', '/rest/v2/users/ref'],
      ['DELETE', '/users/ref'],
    ] as const) {
      const { status } = await send(
        method,
        `${path}/${ref}`,
        method === 'PATCH' ? json : {},
        method === 'PATCH' ? '{}' : undefined,
      )
      expect([400, 404, 422], `${method} ${ref.slice(0, 40)}`).toContain(status)
    }
  }
  const { rows } = await http.owner.query(`select distinct state from users`)
  expect(rows).toEqual([{ state: 'active' }])
})

it('reads only JSON in UTF-8, whatever the body says that it is', async () => {
  const types = [
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
  ]
  for (const type of types) {
    const headers = { 'content-type': type }
    expect((await send('POST', '/webhooks', headers, event('type', { ref: 'typed' }))).status, type).toBe(415)
    expect((await send('PATCH', '/rest/v2/users/ref/x', headers, '{}')).status, type).toBe(415)
  }
  const bodies = ['', '[]', 'null', '{"a":', '['.repeat(20_000), '{"__proto__":{}}', '{"constructor":{"prototype":{}}}']
  for (const body of bodies) {
    expect((await send('POST', '/webhooks', json, body)).status, body.slice(0, 20)).toBe(400)
    expect([400, 422], body.slice(0, 20)).toContain((await send('POST', '/rest/v2/users', json, body)).status)
  }
  const deep = `{"a":${'{"a":'.repeat(200)}1${'}'.repeat(201)}`
  expect(
    (await send('POST', '/webhooks', json, event('deep', { ref: 'deep', additionalFields: JSON.parse(deep) }))).status,
  ).toBe(400)
  const large = event('large', { ref: 'large', additionalFields: { x: 'y'.repeat(2_000_000) } })
  expect((await send('POST', '/webhooks', json, large)).status).toBe(413)
})

it('names the methods of an address that takes another one', async () => {
  const addresses = [
    ['/webhooks', 'POST'],
    ['/users/ref/x', 'DELETE'],
    ['/rest/v2/users', 'POST'],
    ['/rest/v1/users', 'GET, HEAD'],
    ['/rest/v2/users/ref/x/suspend', 'PATCH'],
  ] as const
  for (const [path, allowed] of addresses) {
    for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].filter((one) => !allowed.includes(one))) {
      const { status, allow } = await send(method, path)
      expect([status, allow], `${method} ${path}`).toEqual([405, allowed])
    }
  }
})

it('answers the ids of another tenant as ids of nobody', async () => {
  const skills = '{"op":"update","path":"skills","value":[{"tagName":"Pruning","level":1}]}'
  const unknown = '018f0000-0000-7000-8000-0000000000a2'
  const answers = async (id: string) => [
    await send('GET', `/rest/v1/user/${id}`),
    await send('PATCH', `/rest/v1/users/${id}/skills`, json, skills),
    await send('GET', `/rest/v1/audiences/${id}/members`),
    await send('GET', `/rest/v1/learning/completions?userId=${id}`),
  ]
  const [theirs, nobodys] = [await answers(ids.others), await answers(unknown)]
  expect(theirs.map(({ status }) => status)).toEqual([404, 404, 404, 200])
  expect(theirs.map(({ body }) => body.replaceAll(ids.others, 'id'))).toEqual(
    nobodys.map(({ body }) => body.replaceAll(unknown, 'id')),
  )
  const manager = { ref: 'managed', managerRef: 'user of Other' }
  expect((await send('POST', '/webhooks', json, event('manager', manager))).status).toBe(400)
})
