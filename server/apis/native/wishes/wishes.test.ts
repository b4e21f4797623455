import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

let http: TestHttp
let key: Credential
let tenant: string
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
})
afterAll(() => http.close())

const call = (method: string, path: string, as: Credential, body?: object) =>
  http.call(method, `/api/v1${path}`, { as, ...(body !== undefined && { body }) })

it('a learner makes, sees and withdraws the own wish, and no other; an administrator decides it', async () => {
  const learner = await http.person(tenant, 'learner')
  const other = await http.person(tenant, 'learner')
  const wishes = `/users/${learner.userId}/erasure-wishes`
  const made = await call('POST', wishes, learner)
  expect(made).toMatchObject({ status: 201, json: { user_id: learner.userId, state: 'open' } })
  expect(await call('POST', wishes, learner)).toMatchObject({ status: 409, json: { code: 'wish.open' } })
  expect((await call('GET', wishes, learner)).json.wishes).toMatchObject([{ id: made.json.id }])
  expect((await call('POST', wishes, other)).status).toBe(403)
  expect((await call('GET', wishes, other)).status).toBe(403)
  expect((await call('GET', '/erasure-wishes', learner)).status).toBe(403)
  expect((await call('POST', `/erasure-wishes/${made.json.id}/accept`, learner, {})).status).toBe(403)
  expect(await call('POST', `${wishes}/withdraw`, learner)).toMatchObject({ json: { state: 'withdrawn' } })

  const again = await call('POST', wishes, learner)
  expect((await call('GET', '/erasure-wishes?state=open', key)).json.wishes).toMatchObject([{ id: again.json.id }])
  const refuse = `/erasure-wishes/${again.json.id}/refuse`
  expect((await call('POST', refuse, key, { reason: 'because' })).status).toBe(422)
  expect(await call('POST', refuse, key, { reason: 'excessive' })).toMatchObject({
    status: 200,
    json: { state: 'refused', refusal_term: 'https://w3id.org/dpv/justifications#ProcessExcessive' },
  })

  const last = await call('POST', wishes, learner)
  const accepted = await call('POST', `/erasure-wishes/${last.json.id}/accept`, key, {})
  expect(accepted.status).toBe(202)
  expect(accepted.headers.get('location')).toBe(`/api/v1/erasures/${accepted.json.id}`)
  expect(await call('GET', `/erasures/${accepted.json.id}`, key)).toMatchObject({
    json: { operation: 'purge', state: 'queued', people: { total: 1 } },
  })
  expect(await call('GET', `/users/${learner.userId}`, key)).toMatchObject({ json: { state: 'deleted' } })
})
