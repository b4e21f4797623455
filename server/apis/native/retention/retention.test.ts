import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

let http: TestHttp
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  key = await http.key(await http.tenant('Acme'))
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: object, headers = {}) =>
  http.call(method, `/api/v1${path}`, { as: key, headers, ...(body !== undefined && { body }) })

it('previews, enables and runs a policy, and repeats no run with the same idempotency key', async () => {
  const { json: user } = await call('POST', '/users', { email: 'leaver@example.org' })
  await call('DELETE', `/users/${user.id}`)
  const created = await call('POST', '/retention-policies', { name: 'Leavers', days: 0 })
  expect(created).toMatchObject({ status: 201, json: { enabled: false, daily_at: '03:00', last_run_at: null } })
  const policy = `/retention-policies/${created.json.id}`
  expect((await call('GET', '/retention-policies')).json.policies).toEqual([created.json])
  expect((await call('GET', `${policy}/preview`)).json).toMatchObject({
    found: 1,
    people: 1,
    subjects: [{ id: user.id, email: 'leaver@example.org', held: false }],
    next: null,
  })
  expect(await call('POST', `${policy}/enable`, { expected_people: 5 })).toMatchObject({
    status: 409,
    json: { code: 'retention.other_people' },
  })
  expect((await call('POST', `${policy}/enable`, { expected_people: 1 })).json.enabled).toBe(true)
  expect((await call('PATCH', policy, { days: 1 })).json).toMatchObject({ days: 1, enabled: false })
  await call('PATCH', policy, { days: 0 })
  expect((await call('POST', `${policy}/run`, {})).status).toBe(422)
  const ran = await call('POST', `${policy}/run`, { expected_people: 1 }, { 'idempotency-key': 'one-run' })
  expect(ran).toMatchObject({ status: 201, json: { requested: 1, scheduled_on: null, request_id: expect.any(String) } })
  const again = await call('POST', `${policy}/run`, { expected_people: 1 }, { 'idempotency-key': 'one-run' })
  expect(again.json).toEqual(ran.json)
  expect((await call('GET', `/retention-runs/${ran.json.id}`)).json).toEqual(ran.json)
  expect((await call('DELETE', policy)).status).toBe(204)
  expect((await call('GET', policy)).status).toBe(404)
  const { json } = await call('GET', `/retention-runs?policy=${created.json.id}`)
  expect(json).toEqual({ runs: [ran.json], next: null })
})
