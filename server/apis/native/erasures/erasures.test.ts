import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { verifyCertificate } from '../../../erasure/proof/certificate.ts'
import { verifySubjectProof } from '../../../erasure/proof/subject-proof.ts'

let http: TestHttp
let key: Credential
let tenant: string
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
})
afterAll(() => http.close())

let people = 0
async function deletedUser(fields: object = {}): Promise<{ id: string; email: string }> {
  const email = `leaver-${++people}@example.org`
  const { json } = await http.call('POST', '/api/v1/users', { as: key, body: { email, ...fields } })
  await http.call('DELETE', `/api/v1/users/${json.id}`, { as: key })
  return { id: json.id, email }
}

const post = (path: string, body?: unknown) =>
  http.call('POST', `/api/v1/erasures${path}`, { as: key, ...(body !== undefined && { body }) })
const get = (path: string, headers = {}) => http.call('GET', path, { as: key, headers })

/** Reads a stream of events to its end. */
async function events(path: string): Promise<{ event: string; data: { state: string; id: string } }[]> {
  const response = await fetch(`${http.url}${path}`, { headers: key })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const text = await response.text()
  return text.split('\n\n').flatMap((block) => {
    const [, event = '', data = ''] = /^id: .*\nevent: (.*)\ndata: (.*)$/.exec(block) ?? []
    return event === '' ? [] : [{ event, data: JSON.parse(data) }]
  })
}

/** Connections that listen for announcements. */
async function listeners(): Promise<number> {
  const { rows } = await http.owner.query(
    `select count(*)::int as number from pg_stat_activity where datname = current_database() and query = 'listen lethe'`,
  )
  return rows[0].number
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('/api/v1/erasures', () => {
  it('leads from a preview over the order and its progress to a certificate that verifies offline', async () => {
    const { id, email } = await deletedUser({ first_name: 'Annegret', last_name: 'Astermann' })
    const whom = { operation: 'purge', subjects: [{ email }] }
    const preview = await post('/preview', whom)
    expect(preview).toMatchObject({ status: 200, json: { people: 1, not_deleted: [], singled_out: 0 } })
    const ordered = await post('', { ...whom, reason: 'Asked for it', expected_people: 1 })
    expect(ordered.status).toBe(202)
    expect(Object.keys(ordered.json)).toEqual(['id', 'state', 'run_at'])
    const path = `/api/v1/erasures/${ordered.json.id}`
    expect(ordered.headers.get('location')).toBe(path)
    expect(await get(path)).toMatchObject({ status: 200, json: { state: 'queued', people: { total: 1, waiting: 1 } } })
    expect(await get(`${path}/certificate`)).toMatchObject({ status: 404, json: { code: 'certificate.not_found' } })
    expect(await http.call('PATCH', `/api/v1/users/${id}`, { as: key, body: { city: 'Bonn' } })).toMatchObject({
      status: 409,
    })

    const following = events(`${path}/progress`)
    const waiting = get(`${path}/certificate?wait=60`)
    await http.startWorkers()
    expect((await waiting).status).toBe(200)
    const followed = await following
    await http.stopWorkers()
    expect(followed.at(-1)).toMatchObject({ event: 'end', data: { id: ordered.json.id, state: 'completed' } })
    expect(followed.slice(0, -1).every(({ event }) => event === 'progress')).toBe(true)

    const read = await get(path)
    expect(read.json).toMatchObject({ state: 'completed', certified: true, failures: [], people: { done: 1 } })
    expect(read.json.receipt).toEqual(preview.json.effects)
    expect(read.json.steps.map(({ step }: { step: string }) => step)).toContain('verify')
    expect((await get(`${path}/subjects`)).json).toMatchObject({
      subjects: [{ user_id: id, state: 'done' }],
      next: null,
    })
    expect(await get(`/api/v1/users/${id}`)).toMatchObject({ status: 404 })

    const file = await get(`${path}/certificate`)
    await expect(verifyCertificate(file.json)).resolves.toBeDefined()
    expect(file.json.claims[0]).toMatchObject({ type: 'lethe.erasure_certificate', request: ordered.json.id })
    const jws = await get(`${path}/certificate`, { accept: 'application/jose' })
    expect(jws.headers.get('content-type')).toMatch(/^application\/jose/)
    expect(jws.text).toBe(file.json.certificates[0])
    expect((await http.call('GET', '/.well-known/jwks.json')).json).toEqual(file.json.keys)
    // Whole names: three letters in a row also occur by chance in what is signed and encoded.
    expect(JSON.stringify([read.json, file.json])).not.toMatch(/annegret|astermann|leaver-/i)

    const proof = await post(`/${ordered.json.id}/proof`, { id })
    expect(proof.status).toBe(200)
    await expect(verifySubjectProof(proof.json)).resolves.toMatchObject({ certificate: { request: ordered.json.id } })
    expect(await post(`/${ordered.json.id}/proof`, { email: 'stranger@example.org' })).toMatchObject({
      status: 404,
      json: { code: 'certificate.not_covered' },
    })
    expect(await post(`/${ordered.json.id}/proof`, { id, ref: '4711' })).toMatchObject({
      json: { code: 'subject.two_selectors' },
    })
  })

  it('orders for many and for a filter, and refuses where the number is not the expected one', async () => {
    const some = [await deletedUser(), await deletedUser(), await deletedUser()]
    const many = await post('', { operation: 'anonymize', subjects: some.map(({ id }) => ({ id })) })
    expect(many).toMatchObject({ status: 202, json: { salt: expect.stringMatching(/^[\w-]{43}$/) } })
    expect((await get(`/api/v1/erasures/${many.json.id}/subjects?limit=2`)).json.subjects).toHaveLength(2)

    const others = [await deletedUser({ department: 'Gone' }), await deletedUser({ department: 'Gone' })]
    const filter = { operation: 'purge', filter: { department: 'Gone' } }
    expect((await post('/preview', filter)).json.people).toBe(2)
    expect(await post('', { ...filter, expected_people: 3 })).toMatchObject({
      status: 409,
      json: { code: 'erasure.other_people', details: { expected: 3, found: 2 } },
    })
    const { json } = await post('', { ...filter, expected_people: 2 })
    const subjects = (await get(`/api/v1/erasures/${json.id}/subjects`)).json.subjects
    expect(subjects.map(({ user_id }: { user_id: string }) => user_id)).toEqual(others.map(({ id }) => id).sort())
    expect(await post('', { operation: 'purge', filter: { department: 'Nobody' }, expected_people: 1 })).toMatchObject({
      json: { code: 'erasure.no_subjects' },
    })
    const page = await get('/api/v1/erasures?limit=1')
    expect(page.json.erasures).toMatchObject([{ id: json.id, operation: 'purge', state: 'queued' }])
    const next = await get(`/api/v1/erasures?limit=1&after=${page.json.next}`)
    expect(next.json.erasures).toMatchObject([{ id: many.json.id }])
  })

  it('says what keeps it from ordering', async () => {
    const { json: active } = await http.call('POST', '/api/v1/users', { as: key, body: { login_name: 'twin' } })
    await http.call('POST', '/api/v1/users', { as: key, body: { login_name: 'i:0#.f|membership|Twin' } })
    const order = async (subjects: unknown, rest = {}) => {
      const { status, json } = await post('', { operation: 'purge', subjects, ...rest })
      return [status, json.code, json.field]
    }
    expect(await order([{ id: active.id }])).toEqual([409, 'user.not_deleted', undefined])
    expect(await order([{ login_name: 'twin' }])).toEqual([409, 'subject.ambiguous', undefined])
    expect(await order([{ ref: 'nobody' }])).toEqual([404, 'user.not_found', undefined])
    expect(await order([])).toEqual([422, 'input.invalid', 'subjects'])
    expect(await order([{ id: active.id, ref: 'x' }])).toEqual([422, 'input.invalid', 'subjects.0'])
    expect(await order([{ id: active.id }], { filter: {}, expected_people: 1 })).toEqual([
      422,
      'input.invalid',
      'subjects',
    ])
  })

  it('binds a request to the plan of a preview, and confirms people who changed', async () => {
    const [changed, other] = [await deletedUser(), await deletedUser()]
    const whom = { operation: 'purge', subjects: [{ id: changed.id }, { id: other.id }] }
    const { plan, plan_expires_at, plan_covers_mentions } = (await post('/preview', whom)).json
    expect(plan).toMatch(/^[0-9a-f]{64}$/)
    expect(plan_covers_mentions).toBe(true)
    expect(Date.parse(plan_expires_at) - Date.now()).toBeGreaterThan(50 * 60_000)
    const another = await http.key(tenant)
    const order = { operation: 'purge', plan }
    expect(await http.call('POST', '/api/v1/erasures', { as: another, body: order })).toMatchObject({
      status: 409,
      json: { code: 'plan.other_requester' },
    })
    expect(await post('', { ...order, operation: 'anonymize' })).toMatchObject({
      status: 409,
      json: { code: 'plan.other_operation' },
    })
    expect((await post('', { ...order, subjects: [{ id: other.id }] })).json).toMatchObject({
      code: 'plan.other_people',
      details: { added: 0, missing: 1 },
    })
    await http.owner.query(`update users set manager_id = $1 where id <> $1 and tenant_id = $2`, [changed.id, tenant])
    const { json } = await post('', order)
    await http.startWorkers()
    const path = `/api/v1/erasures/${json.id}`
    await events(`${path}/progress`)
    expect((await get(path)).json).toMatchObject({
      state: 'partial',
      people: { total: 2, done: 1, plan_changed: 1 },
      plan_changed: [{ user_id: changed.id }],
    })
    const { subjects } = (await get(`${path}/subjects`)).json
    const one = subjects.find(({ user_id }: { user_id: string }) => user_id === changed.id)
    expect(one).toMatchObject({ state: 'plan_changed', erased_at: null })
    expect(one.plan_changes).toContainEqual({
      table: 'users',
      effect: 'cleared manager_id',
      planned: 0,
      found: expect.any(Number),
    })
    const again = (await post('/preview', { operation: 'purge', subjects: [{ id: changed.id }] })).json
    const confirm = () =>
      http.call('POST', `/api/v1/erasures/${json.id}/confirm`, {
        as: key,
        body: { plan: again.plan },
        headers: { 'idempotency-key': 'confirm-once' },
      })
    expect(await confirm()).toMatchObject({ status: 202, json: { id: json.id, people: 1 } })
    const repeated = await confirm()
    expect(repeated).toMatchObject({ status: 202, json: { id: json.id, people: 1 } })
    expect(repeated.headers.get('idempotency-replayed')).toBe('true')
    expect(repeated.headers.get('location')).toBe(path)
    await events(`${path}/progress`)
    await http.stopWorkers()
    expect((await get(path)).json).toMatchObject({ state: 'completed', plan_changed: [] })
  })

  it('deletes people first in the transaction of the request, if it is told so', async () => {
    const { json: user } = await http.call('POST', '/api/v1/users', { as: key, body: { email: 'first@example.org' } })
    const whom = { operation: 'purge', subjects: [{ id: user.id }], delete_first: true }
    const preview = (await post('/preview', whom)).json
    expect(preview.not_deleted).toEqual([])
    const { status, json } = await post('', { ...whom, plan: preview.plan })
    expect(status).toBe(202)
    expect((await http.call('GET', `/api/v1/users/${user.id}`, { as: key })).json).toMatchObject({ state: 'deleted' })
    await post(`/${json.id}/cancel`)
  })

  it('cancels what has not begun, and retries only what failed', async () => {
    const { id } = await deletedUser()
    const { json } = await post('', { operation: 'purge', subjects: [{ id }] })
    expect(await post(`/${json.id}/retry`)).toMatchObject({ status: 409, json: { code: 'erasure.wrong_state' } })
    expect(await post(`/${json.id}/cancel`)).toMatchObject({
      status: 200,
      json: { cancelled: 1, gone: 0 },
    })
    expect(await post(`/${json.id}/cancel`)).toMatchObject({ status: 409 })
    expect(await events(`/api/v1/erasures/${json.id}/progress`)).toMatchObject([
      { event: 'end', data: { state: 'cancelled' } },
    ])
  })

  it('lets any number follow over one connection, and keeps none of the others from anybody', async () => {
    const { id } = await deletedUser()
    const { json } = await post('', { operation: 'purge', subjects: [{ id }] })
    const gone = new AbortController()
    const followers = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const response = await fetch(`${http.url}/api/v1/erasures/${json.id}/progress`, {
          headers: key,
          signal: gone.signal,
        })
        const reader = response.body?.getReader()
        expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^id: .*\nevent: progress\n/)
        return reader
      }),
    )
    expect(await listeners()).toBe(1)
    // Ten connections are all that the pool has.
    expect((await get(`/api/v1/erasures/${json.id}`)).status).toBe(200)
    gone.abort()
    await Promise.allSettled(followers.map((reader) => reader?.read()))
    expect(http.database.pool.waitingCount).toBe(0)
    await until(async () => http.database.pool.idleCount === http.database.pool.totalCount)
    await post(`/${json.id}/cancel`)
  })

  it('refuses to follow what is not there, as a problem', async () => {
    const answer = await get('/api/v1/erasures/0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a/progress')
    expect(answer).toMatchObject({ status: 404, json: { code: 'erasure.not_found' } })
  })
})
