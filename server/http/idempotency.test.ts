import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../test/http.ts'
import { cleanIdempotentRequests } from './idempotency.ts'

let http: TestHttp
let key: Credential
let tenant: string
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  await http.startWorkers()
})
afterAll(() => http.close())

const create = (idempotencyKey: string, body: unknown, as = key) =>
  http.call('POST', '/api/v1/users', { as, body, headers: { 'idempotency-key': idempotencyKey } })

async function usersNamed(name: string): Promise<number> {
  const { rows } = await http.owner.query('select count(*)::int as number from users where first_name = $1', [name])
  return rows[0].number
}

describe('Idempotency-Key', () => {
  it('gives the first answer again, and does nothing twice', async () => {
    const once = randomUUID()
    const first = await create(once, { first_name: 'Once' })
    const second = await create(once, { first_name: 'Once' })
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect([second.status, second.json]).toEqual([first.status, first.json])
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(await usersNamed('Once')).toBe(1)
  })

  it('answers many at once alike, and creates one', async () => {
    const once = randomUUID()
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(once, { first_name: 'Many' })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
    expect(await usersNamed('Many')).toBe(1)
  })

  it('refuses a key that was used for something else, whatever the order of the fields', async () => {
    const once = randomUUID()
    await create(once, { first_name: 'Ann', city: 'Bonn' })
    expect((await create(once, { city: 'Bonn', first_name: 'Ann' })).status).toBe(201)
    expect(await create(once, { first_name: 'Ann', city: 'Köln' })).toMatchObject({
      status: 422,
      json: { code: 'idempotency.other_request' },
    })
  })

  it('tries again what failed', async () => {
    const once = randomUUID()
    const ref = randomUUID()
    const { json: holder } = await http.call('POST', '/api/v1/users', { as: key, body: { ref } })
    const next = { ref, another_person: true }
    expect((await create(once, next)).status).toBe(409)
    await http.call('PATCH', `/api/v1/users/${holder.id}`, { as: key, body: { ref: null } })
    expect((await create(once, next)).status).toBe(201)
  })

  it('belongs to the credential and to the tenant', async () => {
    const once = randomUUID()
    const other = await http.key(await http.tenant('Another'))
    const ids = await Promise.all(
      [key, await http.key(tenant), other].map(async (as) => (await create(once, { first_name: 'Own' }, as)).json.id),
    )
    expect(new Set(ids).size).toBe(3)
  })

  it('is forgotten after a day', async () => {
    const once = randomUUID()
    await create(once, { first_name: 'Day' })
    await http.owner.query(`update idempotent_requests set expires_at = now() - interval '1 second'`)
    expect((await create(once, { first_name: 'Day' })).headers.get('idempotency-replayed')).toBeNull()
    expect(await usersNamed('Day')).toBe(2)
  })

  it('stores neither the key nor what is answered once', async () => {
    const once = `for-ann-aster-${randomUUID()}`
    const { json: user } = await http.call('POST', '/api/v1/users', { as: key, body: {} })
    await http.call('DELETE', `/api/v1/users/${user.id}`, { as: key })
    const order = () =>
      http.call('POST', '/api/v1/erasures', {
        as: key,
        body: { operation: 'anonymize', subjects: [{ id: user.id }] },
        headers: { 'idempotency-key': once },
      })
    const first = await order()
    expect(first.json.salt).toMatch(/^[\w-]{43}$/)
    expect((await order()).json).toEqual({ ...first.json, salt: null })

    const administrator = await http.person(tenant, 'administrator')
    const makeKey = () =>
      http.call('POST', '/api/v1/keys', {
        as: administrator,
        body: { name: 'Once', access: 'read_only' },
        headers: { 'idempotency-key': once },
      })
    const made = await makeKey()
    expect(made.json.secret).toMatch(/^lethe_/)
    expect((await makeKey()).json).toEqual({ key: made.json.key, secret: null })
    const { rows } = await http.owner.query('select * from idempotent_requests')
    const stored = JSON.stringify(rows)
    for (const secret of [once, first.json.salt, made.json.secret]) expect(stored).not.toContain(secret)
  })

  it('loses the stored answer with the person, and does not create the person anew', async () => {
    const once = randomUUID()
    const person = { first_name: 'Canaria-af52', email: 'canaria@example.org' }
    const { json } = await create(once, person)
    await http.call('DELETE', `/api/v1/users/${json.id}`, { as: key })
    const order = await http.call('POST', '/api/v1/erasures', {
      as: key,
      body: { operation: 'purge', subjects: [{ id: json.id }] },
    })
    await http.ended(tenant, order.json.id)
    const { rows } = await http.owner.query('select * from idempotent_requests')
    expect(JSON.stringify(rows)).not.toMatch(new RegExp(`canaria|${json.id}`, 'i'))
    expect(await create(once, person)).toMatchObject({ status: 409, json: { code: 'idempotency.erased' } })
  })

  it('is kept for a day, also where nobody writes any more', async () => {
    await create(randomUUID(), { first_name: 'Ann' })
    await http.owner.query(`update idempotent_requests set expires_at = now() - interval '1 second'`)
    await cleanIdempotentRequests(http.app)
    expect((await http.owner.query('select from idempotent_requests')).rowCount).toBe(0)
  })

  it('works for tenants, which are created outside of any', async () => {
    const operator = await http.operator()
    const once = randomUUID()
    const createTenant = (name: string) =>
      http.call('POST', '/api/v1/tenants', {
        as: operator,
        body: { name, kind: 'trial' },
        headers: { 'idempotency-key': once },
      })
    const [first, second] = [await createTenant('New'), await createTenant('New')]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.json).toEqual(first.json)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect((await createTenant('Newer')).json.code).toBe('idempotency.other_request')
  })
})

describe('the routes that create something or start work', () => {
  /** Each with the reason why a repetition of it needs no key. */
  const exceptions: Record<string, string> = {
    '/api/v1/session': 'a sign-in: its token is given once and stored nowhere',
    '/api/v1/operator-session': 'a sign-in: its token is given once and stored nowhere',
    '/api/v1/identity-provider/erasures': 'each assertion counts once, by its jti',
    '/api/v1/reach-matches/{id}/accept': 'belongs to no tenant; a second decision about a match is refused',
  }

  it('all take an Idempotency-Key, in the native API', () => {
    const { paths } = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'))
    type Route = { responses: object; parameters?: { in: string; name: string }[] }
    const without = Object.entries(paths as Record<string, { post?: Route }>).flatMap(([path, { post }]) => {
      if (post === undefined || !path.startsWith('/api/v1/')) return []
      if (!('201' in post.responses || '202' in post.responses)) return []
      return post.parameters?.some(({ name }) => name === 'idempotency-key') ? [] : [path]
    })
    expect(without.sort()).toEqual(Object.keys(exceptions).sort())
  })
})
