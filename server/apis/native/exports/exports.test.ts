import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { runExport } from '../../../exports/run-export.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let http: TestHttp
let tenant: string
let key: Credential
let officer: Credential & { userId: string }
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  officer = await http.person(tenant, 'privacy_officer')
})
afterAll(() => http.close())

const call = (method: string, address: string, options: { as?: Credential; body?: unknown; headers?: object } = {}) => {
  const { as = officer, body, headers } = options
  return http.call(method, address, { as, ...(body !== undefined && { body }), headers: { ...headers } })
}

let people = 0
const user = async (): Promise<string> => {
  const body = { email: `kept-${++people}@example.org` }
  return (await call('POST', '/api/v1/users', { as: key, body })).json.id
}
/** Orders an export, and answers its address. */
async function order(userId: string, body: object = {}): Promise<string> {
  const ordered = await call('POST', `/api/v1/users/${userId}/exports`, { body })
  expect(ordered.status).toBe(202)
  return String(ordered.headers.get('location'))
}
const write = (address: string) => runExport(http.app.database, { tenant, export: address.split('/').at(-1) ?? '' })

async function bytesOf(address: string): Promise<Buffer> {
  const response = await fetch(`${http.url}${address}`, { headers: { cookie: officer.cookie ?? '' } })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/zip')
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(response.headers.get('content-length')).toBe(String(bytes.length))
  return bytes
}

describe('/api/v1/users/:id/exports', () => {
  it('does nothing where the content type of a body is refused', async () => {
    const ann = await user()
    const headers = { 'content-type': 'text/plain', 'idempotency-key': 'text' }
    const refused = await http.call('POST', `/api/v1/users/${ann}/exports`, { as: officer, body: '{}', headers })
    expect(refused.status).toBe(415)
    expect((await call('GET', `/api/v1/users/${ann}/exports`)).json.exports).toEqual([])
  })

  it('orders an export, follows it to the end, and fetches the archive', async () => {
    const ann = await user()
    const ordered = await call('POST', `/api/v1/users/${ann}/exports`, { body: { keep_days: 14 } })
    const address = `/api/v1/users/${ann}/exports/${ordered.json.id}`
    expect(ordered.headers.get('location')).toBe(address)
    const days = (Date.parse(ordered.json.expires_at) - Date.now()) / (24 * 60 * 60 * 1000)
    expect(Math.round(days)).toBe(14)
    expect(await call('GET', address)).toMatchObject({
      status: 200,
      json: {
        id: ordered.json.id,
        user_id: ann,
        ordered_by: officer.userId,
        state: 'waiting',
        size: 0,
        finished_at: null,
        expires_at: ordered.json.expires_at,
      },
    })
    expect(await call('GET', `${address}/content`)).toMatchObject({
      status: 409,
      json: { code: 'export.not_ready', detail: expect.not.stringContaining('lethe') },
    })
    const waiting = call('GET', `${address}?wait=60`)
    await http.startWorkers()
    const { json } = await waiting
    await http.stopWorkers()
    expect(json).toMatchObject({ state: 'ready', finished_at: expect.any(String), error_code: null })
    const bytes = await bytesOf(`${address}/content`)
    expect(bytes).toHaveLength(json.size)
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    for (const name of ['index.html', 'data/about-users.json']) expect(bytes.includes(name)).toBe(true)
    // Who follows what has ended does not wait.
    expect((await call('GET', `${address}?wait=60`)).json).toEqual(json)
  })

  it('orders once for one Idempotency-Key', async () => {
    const ann = await user()
    const send = () =>
      call('POST', `/api/v1/users/${ann}/exports`, { body: {}, headers: { 'idempotency-key': 'export-1' } })
    const first = await send()
    expect(await send()).toMatchObject({ status: 202, json: first.json })
    expect((await call('GET', `/api/v1/users/${ann}/exports`)).json.exports).toHaveLength(1)
  })

  it('lists exports, the newest first, about one user and of everybody', async () => {
    const [ann, bob] = [await user(), await user()]
    const addresses = [await order(ann), await order(bob), await order(ann)]
    const [first, second, third] = addresses.map((address) => address.split('/').at(-1))
    const idsOf = async (address: string) =>
      (await call('GET', address)).json.exports.map(({ id }: { id: string }) => id)
    expect(await idsOf(`/api/v1/users/${ann}/exports`)).toEqual([third, first])
    const page = (await call('GET', `/api/v1/users/${ann}/exports?limit=1`)).json
    expect(page).toMatchObject({ exports: [{ id: third }], next: third })
    const rest = await call('GET', `/api/v1/users/${ann}/exports?limit=1000&after=${page.next}`)
    expect(rest.json).toMatchObject({ exports: [{ id: first }], next: null })
    expect((await idsOf('/api/v1/exports')).slice(0, 3)).toEqual([third, second, first])
    expect((await call('GET', `/api/v1/users/${unknown}/exports`)).status).toBe(404)
  })

  it('deletes an export, finds none under another user, and hands out nothing that has expired', async () => {
    const [ann, bob] = [await user(), await user()]
    const address = await order(ann)
    await write(address)
    const under = address.replace(ann, bob)
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/content'],
      ['DELETE', ''],
    ] as const) {
      expect(await call(method, `${under}${rest}`)).toMatchObject({ status: 404, json: { code: 'export.not_found' } })
    }
    await http.owner.query(`update exports set expires_at = now() where user_id = $1`, [ann])
    expect((await call('GET', address)).json).toMatchObject({ state: 'expired' })
    expect(await call('GET', `${address}/content`)).toMatchObject({ status: 404, json: { code: 'export.expired' } })
    expect(await call('DELETE', address)).toMatchObject({ status: 204, text: '' })
    expect((await call('GET', address)).status).toBe(404)
    const { rows } = await http.owner.query('select from export_chunks where user_id = $1', [ann])
    expect(rows).toEqual([])
  })

  it('lets people follow and fetch exports about themselves, and order none', async () => {
    const [ann, bob] = [await http.person(tenant, 'learner'), await http.person(tenant, 'learner')]
    const address = await order(ann.userId)
    await write(address)
    for (const rest of ['', '/content']) {
      expect((await call('GET', `${address}${rest}`, { as: ann })).status).toBe(200)
      expect((await call('GET', `${address}${rest}`, { as: bob })).status).toBe(403)
    }
    expect((await call('GET', `/api/v1/users/${ann.userId}/exports`, { as: ann })).json.exports).toHaveLength(1)
    expect((await call('GET', '/api/v1/exports', { as: ann })).status).toBe(403)
    expect((await call('POST', `/api/v1/users/${ann.userId}/exports`, { as: ann, body: {} })).status).toBe(403)
    expect((await call('DELETE', address, { as: ann })).status).toBe(403)
    // What is about somebody else is not found by one's own address.
    const other = (await order(bob.userId)).replace(bob.userId, ann.userId)
    expect((await call('GET', other, { as: ann })).status).toBe(404)
    const reader = await http.key(tenant, 'read_only')
    expect((await call('GET', address, { as: reader })).status).toBe(200)
    expect((await call('POST', `/api/v1/users/${ann.userId}/exports`, { as: reader, body: {} })).status).toBe(403)
  })
})
