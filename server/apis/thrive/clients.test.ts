import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { createOAuthClient } from '../../access/oauth-clients.ts'
import type { Scope } from '../../permissions/principal.ts'

// The requests of public clients of Thrive, as they send them: docs/thrive.md says what works and what does not.

let http: TestHttp
let tenant: string
let secret: string
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  const key = { name: 'Thrive', access: 'full_control', kind: 'thrive' } as const
  secret = (await http.inTenant(tenant, (tx) => createApiKey(tx, key))).secret
  await http.startWorkers()
})
afterAll(() => http.close())

describe("Sim's tools", () => {
  /** The headers that each of them sends, also without a body. */
  const headers = (): Credential => ({
    ...basic(tenant, secret),
    'content-type': 'application/json',
    accept: 'application/json',
  })
  const send = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await http.call(method, `/rest/${path}`, {
      headers: headers(),
      ...(body !== undefined && { body }),
    })
    return { status, json }
  }
  const person = {
    ref: 'HR/0042 Ä',
    firstName: 'Thomas',
    lastName: 'Aster',
    email: 'thomas@example.org',
    loginMethod: 'email',
    role: 'learner',
    jobTitle: 'Director',
    startDate: '2021-08-19T18:00:00.000Z',
    timeZone: 'Europe/London',
    languageCode: 'en-gb',
    sso: false,
    domain: 'example.org',
    additionalFields: { department: 'Sales' },
  }
  const ref = encodeURIComponent(person.ref)
  /** The members of a user that the tools declare as outputs, of the life cycle. */
  const lifecycle = [
    ...['id', 'loginMethod', 'ref', 'email', 'firstName', 'lastName', 'role', 'jobTitle', 'managerRef', 'startDate'],
    ...['endDate', 'timeZone', 'languageCode', 'active', 'createdAt', 'updatedAt', 'sso', 'domain', 'additionalFields'],
  ].sort()

  it('create, update, find, suspend and delete a user', async () => {
    const created = await send('POST', 'v2/users', person)
    expect(Object.keys(created.json).sort()).toEqual(lifecycle)
    expect(created.json).toMatchObject({ ...person, domain: null, active: true })
    const updated = await send('PATCH', `v2/users/ref/${ref}`, { jobTitle: 'Gardener', managerRef: person.ref })
    expect([updated.status, updated.json.message]).toEqual([422, expect.stringContaining('managerRef')])
    expect((await send('PATCH', `v2/users/ref/${ref}`, { jobTitle: 'Gardener' })).json.jobTitle).toBe('Gardener')
    const { id } = created.json
    expect((await send('GET', `v1/users/ref/${ref}`)).json).toMatchObject({ id, status: 'active' })
    expect((await send('GET', `v1/user/${encodeURIComponent(id)}`)).json).toMatchObject({ id, deleted: false })
    const query = 'page=1&perPage=100&updatedSince=2020-01-01T00%3A00%3A00.000Z&statuses=active%2Cinactive'
    expect((await send('GET', `v1/users?${query}`)).json).toMatchObject({
      results: [{ id }],
      pagination: { totalResults: 1, totalPages: 1, page: 1, perPage: 100 },
    })
    const endDate = '2024-06-30T17:00:00.000Z'
    expect((await send('PATCH', `v2/users/ref/${ref}/suspend`, { endDate })).json).toMatchObject({
      active: false,
      endDate,
    })
    expect((await send('GET', 'v1/users?status=inactive&omitStatuses=new')).json.results).toMatchObject([{ id }])
    expect(await send('DELETE', `v2/users/ref/${ref}`)).toEqual({ status: 200, json: { success: true } })
    const gone = await send('GET', `v1/users/ref/${ref}`)
    // The tools show `message` where it is a text.
    expect([gone.status, typeof gone.json.message]).toEqual([404, 'string'])
  })

  it('read completions, audiences, members and levels, and set skills', async () => {
    const { json: user } = await send('POST', 'v2/users', { ...person, ref: 'tools' })
    const native = async (path: string, body: object) =>
      (await http.call('POST', `/api/v1${path}`, { as: headers(), body })).json.id
    const levels = [{ title: 'Leader', value: 1024 }]
    const scale_set_id = await native('/scale-sets', { title: 'Scale', levels, is_default: true })
    await native('/skills', { title: 'leadership', scale_set_id })
    const group = await native('/groups', { display_name: 'Bakers' })
    expect((await send('GET', 'v1/skills/levels')).json).toEqual([{ name: 'Leader', isEnabled: true, value: 1024 }])
    const value = [{ tagName: 'leadership', level: 1024, targetLevel: 1024 }]
    expect(await send('PATCH', `v1/users/${user.id}/skills`, { op: 'update', path: 'skills', value })).toEqual({
      status: 200,
      json: { status: 200, message: '1 skill(s) updated successfully for the learner.' },
    })
    const query = `userId=${user.id}&isRPL=false&completedDateRangeStart=2020-01-01&page=1&perPage=1000&limit=1000`
    expect(await send('GET', `v1/learning/completions?${query}`)).toEqual({ status: 200, json: [] })
    expect(
      (await send('GET', 'v1/audiences?apiControlled=false&page=1&perPage=100&limit=100')).json.results,
    ).toMatchObject([{ id: group, name: 'Bakers' }])
    expect((await send('GET', `v1/audiences/${group}/members?page=1&perPage=100`)).json).toMatchObject({
      results: [],
      pagination: { totalResults: 0 },
    })
  })

  it.each([
    ['GET', 'v1/assignments'],
    ['GET', 'v1/contents'],
    ['GET', 'v1/activities'],
    ['GET', 'v1/tags'],
    ['GET', 'v1/cpdCategories'],
    ['GET', 'v1/cpdEntries'],
    ['POST', 'v1/audiences/x/members'],
  ])('get 404 or 405 in the shape of Thrive for what Lethe does not serve: %s %s', async (method, path) => {
    const { status, json } = await send(method, path, method === 'GET' ? undefined : [])
    expect([status, json.status, typeof json.message]).toEqual([expect.toBeOneOf([404, 405]), status, 'string'])
  })
})

describe("Airbyte's source", () => {
  const read = (path: string) => http.call('GET', `/rest/v1/${path}`, { as: basic(tenant, secret) })

  it('reads the stream Users to its end: pages of 200 until one is shorter', async () => {
    const first = await read('users?page=1&perPage=200')
    expect([first.status, Array.isArray(first.json.results)]).toEqual([200, true])
    for (const user of first.json.results) {
      expect(user).toMatchObject({
        id: expect.any(String),
        tags: { skills: expect.any(Array) },
        rank: { currentLevel: expect.any(Number), currentCategory: expect.any(Number) },
        audiences: expect.any(Array),
      })
    }
    expect((await read('users?page=2&perPage=200')).json.results).toEqual([])
  })

  it('does not get the streams Content and Activities', async () => {
    for (const path of ['contents?page=1&perPage=200', 'activities?page=1&perPage=200']) {
      expect((await read(path)).status).toBe(404)
    }
  })
})

describe('a client with OAuth', () => {
  const allowed = { [oauth.allowInsecureRequests]: true }
  /** A token of a client with these scopes, by the address of the tenant, with a library. */
  async function tokenOf(scopes: Scope[], scope?: string): Promise<oauth.TokenEndpointResponse> {
    const as = { issuer: http.url, token_endpoint: `${http.url}/oauth2/token/${tenant}` }
    const made = await http.inTenant(tenant, (tx) => createOAuthClient(tx, { name: 'HR', scopes }))
    const client = { client_id: made.client.id }
    const authentication = oauth.ClientSecretBasic(made.secret)
    const asked = scope === undefined ? {} : { scope }
    const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, asked, allowed)
    return await oauth.processClientCredentialsResponse(as, client, response)
  }
  const statusOf = async (token: string, method: string, path: string) => {
    const url = new URL(path, http.url)
    try {
      return (await oauth.protectedResourceRequest(token, method, url, undefined, undefined, allowed)).status
    } catch (error) {
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.status
      throw error
    }
  }
  const calls: [method: string, path: string][] = [
    ['GET', '/rest/v1/users'],
    ['GET', '/rest/v1/audiences'],
    ['DELETE', '/users/ref/unknown'],
    ['DELETE', '/rest/v2/users/ref/unknown'],
  ]

  it.each<[Scope[], number[]]>([
    [['api/all'], [200, 200, 404, 404]],
    [['api/read'], [200, 200, 403, 403]],
    [['api/write'], [403, 403, 404, 404]],
    [['api/webhooks'], [403, 403, 403, 403]],
    [
      ['api/read', 'api/write'],
      [200, 200, 404, 404],
    ],
  ])('may do what its scopes say: %j', async (scopes, statuses) => {
    const token = await tokenOf(scopes)
    expect(token).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: scopes.join(' ') })
    const answers = await Promise.all(calls.map(([method, path]) => statusOf(token.access_token, method, path)))
    expect(answers).toEqual(statuses)
  })

  it('can ask for less than it has', async () => {
    const { access_token } = await tokenOf(['api/all'], 'api/read')
    expect(await statusOf(access_token, 'GET', '/rest/v1/users')).toBe(200)
    expect(await statusOf(access_token, 'DELETE', '/users/ref/unknown')).toBe(403)
  })

  it('is asked for a token where it has none, or one of another kind', async () => {
    expect(await statusOf('nothing', 'GET', '/rest/v1/users')).toBe(401)
    expect((await http.call('GET', '/rest/v1/users', { as: basic('another tenant', secret) })).status).toBe(401)
  })
})
