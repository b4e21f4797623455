import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tableFingerprint } from '../../../test/fingerprint.ts'
import { basic, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { startWorkerProcess } from '../../../test/workers.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { createOAuthClient } from '../../access/oauth-clients.ts'
import { placeHold } from '../../holds/place-hold.ts'
import type { Scope } from '../../permissions/principal.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'

let http: TestHttp
let tenant: string
let key: Credential
let number = 0
beforeAll(async () => {
  http = await openTestHttp()
})
afterAll(() => http.close())
beforeEach(async () => {
  tenant = await http.tenant(`Acme ${++number}`)
  const { secret } = await http.inTenant(tenant, (tx) =>
    createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' }),
  )
  key = basic(tenant, secret)
})

const call = (method: string, path: string, body?: unknown) =>
  http.call(method, path, { as: key, ...(body !== undefined && { body }) })
const remove = (ref: string, path = '/rest/v2/users/ref') => call('DELETE', `${path}/${encodeURIComponent(ref)}`)
const create = async (ref: string, body: object = {}): Promise<string> => {
  const email = `${ref}@example.org`
  const whole = { ref, email, firstName: 'Winifred', lastName: 'Thistledown', ...body }
  const { status, json } = await call('POST', '/rest/v2/users', whole)
  expect([status, json]).toEqual([201, expect.anything()])
  return json.id
}
const native = async (path: string, body: object): Promise<string> =>
  (await call('POST', `/api/v1${path}`, body)).json.id
/**
 * Everything of the tenant that a refusal must leave as it was, and how much is on record. A use of the key is written down
 * once a minute, and workers seal what is on record.
 */
const everything = async () => {
  const { rows } = await http.owner.query('select id from audit_entries where tenant_id = $1 order by id', [tenant])
  const changing = ['api_keys', 'oauth_clients', 'audit_entries', 'audit_checkpoints']
  return { ...(await tableFingerprint(http.owner, changing, tenant)), rows }
}
const success = { status: 200, json: { success: true } }

describe('with workers', () => {
  beforeAll(() => http.startWorkers())
  afterAll(() => http.stopWorkers())

  it.each(['/rest/v2/users/ref', '/users/ref'])('a delete at %s anonymizes within the call', async (path) => {
    const id = await create('xyzabc', { additionalFields: { location: 'London' } })
    const catalog = await native('/catalogs', { title: 'Gardens' })
    const course = await native('/courses', { title: 'Roses', catalog_id: catalog })
    const enrollment = await native('/enrollments', { user_id: id, course_id: course })
    await call('POST', `/api/v1/enrollments/${enrollment}/complete`, { result: 'pass' })
    const completions = async () => (await call('GET', `/rest/v1/learning/completions?userId=${id}`)).json
    const before = await completions()
    expect(before).toMatchObject([{ id: enrollment, userId: id, contentId: course, isRPL: false }])
    expect(await remove('xyzabc', path)).toMatchObject(success)
    expect((await call('GET', '/rest/v1/users/ref/xyzabc')).status).toBe(404)
    const { json, text } = await call('GET', `/rest/v1/user/${id}`)
    expect(json).toMatchObject({
      id,
      deleted: true,
      ...{ ref: null, firstName: null, lastName: null, email: null, role: null, status: null },
      ...{ additionalFields: null, languageCode: null, positions: [] },
    })
    expect(text).not.toMatch(/xyzabc|Winifred|Thistledown|London/)
    expect(await completions()).toEqual(before)
    expect(await remove('xyzabc', path)).toMatchObject({
      status: 404,
      json: { status: 404, error: 'Not Found', message: expect.any(String) },
    })
  })

  it('ends the sessions of the user', async () => {
    const person = await http.person(tenant, 'learner')
    await http.owner.query(`update users set ref = 'signed-in' where id = $1`, [person.userId])
    expect((await http.call('GET', '/api/v1/session', { as: person })).status).toBe(200)
    expect(await remove('signed-in')).toMatchObject(success)
    expect((await http.call('GET', '/api/v1/session', { as: person })).status).toBe(401)
  })

  it('takes a user who was deleted before', async () => {
    const id = await create('binned')
    expect((await call('DELETE', `/api/v1/users/${id}`)).status).toBe(200)
    expect(await remove('binned')).toMatchObject(success)
    const { rows } = await http.owner.query('select state, ref from users where id = $1', [id])
    expect(rows).toEqual([{ state: 'anonymized', ref: null }])
  })

  it('makes one request of several calls at once, and fails none of them', async () => {
    for (let round = 0; round < 3; round++) {
      await create(`race-${round}`)
      const answers = await Promise.all(Array.from({ length: 6 }, () => remove(`race-${round}`)))
      const statuses = answers.map(({ status }) => status)
      expect(statuses).toContain(200)
      expect(statuses.filter((status) => status !== 200 && status !== 404)).toEqual([])
    }
    const { rows } = await http.owner.query('select operation from erasure_requests where tenant_id = $1', [tenant])
    expect(rows).toEqual(Array.from({ length: 3 }, () => ({ operation: 'anonymize' })))
  })

  it('refuses a user under a legal hold with 422, and changes nothing', async () => {
    const id = await create('held')
    await http.inTenant(tenant, (tx) => placeHold(tx, { reason: 'legal_claim', userIds: [id] }))
    for (const approvalRequired of [false, true]) {
      await http.inTenant(tenant, (tx) => updateTenant(tx, { approvalRequired }))
      const before = await everything()
      expect(await remove('held')).toMatchObject({
        status: 422,
        json: { status: 422, error: 'Unprocessable Entity', message: expect.stringContaining('legal hold') },
      })
      expect(await everything()).toEqual(before)
    }
  })

  it('refuses the last administrator with 422, and changes nothing', async () => {
    const { userId } = await http.person(tenant, 'administrator')
    await http.owner.query(`update users set ref = 'last' where id = $1`, [userId])
    const before = await everything()
    expect(await remove('last')).toMatchObject({ status: 422, json: { code: 'user.last_administrator' } })
    expect(await everything()).toEqual(before)
  })

  it('names the request that waits for an approval, the same on every call, and anonymizes once it is approved', async () => {
    const officer = await http.person(tenant, 'privacy_officer')
    await http.inTenant(tenant, (tx) => updateTenant(tx, { approvalRequired: true }))
    const id = await create('approve')
    const { rows } = await Promise.all([remove('approve'), remove('approve')]).then(async (answers) => {
      expect(answers.map(({ status }) => status)).toEqual([422, 422])
      return http.owner.query('select id from erasure_requests where tenant_id = $1', [tenant])
    })
    expect(rows).toHaveLength(1)
    const [{ id: request }] = rows
    expect(await remove('approve')).toMatchObject({
      status: 422,
      json: { status: 422, error: 'Unprocessable Entity', message: expect.stringContaining(request) },
    })
    expect((await call('GET', '/rest/v1/users/ref/approve')).status).toBe(404)
    const approved = await http.call('POST', `/api/v1/erasures/${request}/approve`, { as: officer, body: {} })
    expect(approved.status).toBe(204)
    await http.ended(tenant, request)
    expect((await remove('approve')).status).toBe(404)
    expect((await call('GET', `/rest/v1/user/${id}`)).json).toMatchObject({ deleted: true, ref: null })
  })

  it('names the request whose cooling-off period runs', async () => {
    await http.inTenant(tenant, (tx) => updateTenant(tx, { coolingOffHours: 24 }))
    await create('cool')
    const first = await remove('cool')
    expect(first).toMatchObject({ status: 422, json: { code: 'user.erasure_pending' } })
    expect((await remove('cool')).json.message).toBe(first.json.message)
  })

  it('leaves no link from a new person with the same ref to the anonymized one', async () => {
    const manager = await http.person(tenant, 'administrator')
    const old = await create('again', { jobTitle: 'Clerk', managerRef: undefined })
    await call('PATCH', '/rest/v2/users/ref/again', { ref: 'again-2' })
    await call('PATCH', '/rest/v2/users/ref/again-2', { ref: 'again' })
    expect(await remove('again')).toMatchObject(success)
    const id = await create('again', { jobTitle: 'Clerk' })
    expect(id).not.toBe(old)
    expect((await call('GET', '/rest/v1/users/ref/again')).json).toMatchObject({ id, status: 'active' })
    // No row about the one names the other, and nothing that is still there tells what the old one was called.
    const { rows: tables } = await http.owner.query(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
    )
    for (const { name } of tables) {
      const { rows } = await http.owner.query(
        `select to_jsonb(t) - 'ref_key' as row from "${name}" t where t::text like '%' || $1 || '%'`,
        [old],
      )
      for (const { row } of rows) {
        const text = JSON.stringify(row)
        expect([name, text.includes(id), /"again|again(-2)?@|Winifred|Thistledown/.test(text)]).toEqual([
          name,
          false,
          false,
        ])
      }
    }
    const shown = await http.call('GET', `/api/v1/users/${id}`, { as: manager })
    expect(shown.json).toMatchObject({ reappeared: null, counts: { enrollments: 0 } })
    const entries = (await http.call('GET', `/api/v1/audit?object=${id}`, { as: manager })).text
    expect(entries).not.toContain(old)
  })
})

describe('without a worker', () => {
  it('a delete is 503 with Retry-After, and changes nothing', async () => {
    await create('nobody-works')
    const before = await everything()
    for (const path of ['/rest/v2/users/ref', '/users/ref']) {
      const { status, json, headers } = await remove('nobody-works', path)
      expect([status, headers.get('retry-after')]).toEqual([503, '5'])
      expect(json).toEqual({
        id: headers.get('x-request-id'),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        eventType: 'user_suspended',
        message: { status: 503, error: 'Service Unavailable', message: expect.any(String) },
        code: 'erasure.no_worker',
      })
    }
    expect(await everything()).toEqual(before)
    expect((await call('GET', '/rest/v1/users/ref/nobody-works')).status).toBe(200)
  })

  it('an unknown ref is 404 all the same', async () => {
    expect((await remove('unknown')).status).toBe(404)
  })
})

describe('a worker that dies', () => {
  it('leaves the user as before, and the call says that no worker is there', async () => {
    const { appUrl: databaseUrl, ownerUrl: connectionString } = http
    const worker = await startWorkerProcess({ name: 'dying', databaseUrl, masterKey: http.app.masterKey })
    const id = await create('survivor', { role: 'learneradmin' })
    const accounts = async () =>
      (await http.owner.query('select deletion_id from product_accounts where user_id = $1', [id])).rows
    expect(await accounts()).toEqual([{ deletion_id: null }])
    // What only the worker needs is locked, so that it is at work when it dies.
    const holder = new pg.Client({ connectionString })
    await holder.connect()
    await holder.query('begin; lock table ratings')
    const removing = remove('survivor')
    const waiting = `select from pg_stat_activity where application_name = 'dying' and wait_event_type = 'Lock'`
    await expect.poll(async () => (await http.owner.query(waiting)).rowCount, { timeout: 20_000 }).toBe(1)
    await worker.kill()
    await holder.end()
    const { status, json } = await removing
    expect([status, json.code]).toEqual([503, 'erasure.no_worker'])
    expect((await call('GET', '/rest/v1/users/ref/survivor')).json).toMatchObject({
      id,
      status: 'active',
      role: 'learneradmin',
    })
    expect(await accounts()).toEqual([{ deletion_id: null }])
    await http.startWorkers()
    expect(await remove('survivor')).toMatchObject(success)
    await http.stopWorkers()
  })
})

describe('the address of a delete', () => {
  it.each(['/users/ref', '/users/ref/', '/rest/v2/users/ref', '/rest/v2/users/ref/', '/users/ref/?x'])(
    'is refused without a ref, in the words of the reference: %s',
    async (path) => {
      const { status, json, headers } = await call('DELETE', path)
      expect(status).toBe(400)
      expect(json).toEqual({
        id: headers.get('x-request-id'),
        timestamp: expect.any(String),
        eventType: 'user_suspended',
        error: { status: 400, error: 'Bad Request', message: expect.stringContaining('ref is required') },
        code: 'ref.missing',
      })
    },
  )

  it('asks for a credential first', async () => {
    for (const path of ['/users/ref/', '/users/ref/xyzabc']) {
      const answer = await http.call('DELETE', path)
      expect([answer.status, answer.json]).toEqual([
        401,
        { status: 401, error: 'Unauthorized', message: expect.any(String), code: 'access.unauthenticated' },
      ])
    }
  })

  it('cannot be used by a credential that only reads, or only receives webhooks', async () => {
    await create('protected')
    const tokenOf = async (...scopes: Scope[]) => {
      const { client, secret } = await http.inTenant(tenant, (tx) => createOAuthClient(tx, { name: 'C', scopes }))
      const { json } = await http.call('POST', `/oauth2/token/${tenant}`, {
        as: basic(client.id, secret),
        body: 'grant_type=client_credentials',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      return { authorization: `Bearer ${json.access_token}` }
    }
    for (const credential of [await tokenOf('api/read'), await tokenOf('api/webhooks')]) {
      const answer = await http.call('DELETE', '/users/ref/protected', { as: credential })
      expect([answer.status, answer.json.error]).toEqual([403, 'Forbidden'])
    }
    const webhooks = await tokenOf('api/webhooks')
    for (const path of ['/rest/v1/users', '/rest/v1/users/ref/protected', '/api/v1/users']) {
      expect((await http.call('GET', path, { as: webhooks })).status).toBe(403)
    }
    const reading = await tokenOf('api/read')
    expect((await http.call('GET', '/rest/v1/users', { as: reading })).status).toBe(200)
    expect((await http.call('PATCH', '/rest/v2/users/ref/protected', { as: reading, body: {} })).status).toBe(403)
  })
})
