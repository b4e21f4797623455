import { once } from 'node:events'
import { request as sendRequest } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'

let http: TestHttp
let tenant: string
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  const { secret } = await http.inTenant(tenant, (tx) =>
    createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' }),
  )
  key = basic(tenant, secret)
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: unknown) =>
  http.call(method, path, { as: key, ...(body !== undefined && { body }) })
const create = async (body: object) => {
  const { status, json } = await call('POST', '/rest/v2/users', {
    firstName: 'Ann',
    lastName: 'Aster',
    loginMethod: 'ref',
    ...body,
  })
  expect([status, json]).toEqual([201, expect.anything()])
  return json
}

/** Reads an address as it stands. To `fetch`, dots in it are steps. */
async function readRaw(path: string): Promise<unknown> {
  const request = sendRequest(`${http.url}${path}`, { path, headers: key })
  request.end()
  const [response] = await once(request, 'response')
  return await json(response)
}

describe('creating a user', () => {
  it('answers every field of the life cycle', async () => {
    const manager = await create({ ref: 'boss' })
    const fields = {
      ref: 'UID30084022',
      email: 'thomas@example.org',
      firstName: 'Thomas',
      lastName: 'Aster',
      role: 'learner',
      jobTitle: 'Director',
      managerRef: manager.ref,
      timeZone: 'Europe/London',
      languageCode: 'en-gb',
      additionalFields: { location: 'London' },
    }
    const { status, json } = await call('POST', '/rest/v2/users', { ...fields, sso: false, domain: 'example.org' })
    expect(status).toBe(201)
    expect(json).toEqual({
      ...fields,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      loginMethod: 'email',
      startDate: null,
      endDate: null,
      active: true,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      sso: false,
      domain: null,
    })
  })

  it('needs a ref, both names, and an e-mail address unless the login name is the ref', async () => {
    const whole = { ref: 'needs', firstName: 'A', lastName: 'B', email: 'a@example.org' }
    for (const field of ['ref', 'firstName', 'lastName', 'email'] as const) {
      const { [field]: _, ...rest } = whole
      const { status, json } = await call('POST', '/rest/v2/users', rest)
      expect([status, json]).toEqual([
        422,
        expect.objectContaining({ status: 422, error: 'Unprocessable Entity', field, message: expect.any(String) }),
      ])
    }
    expect(await create({ ref: 'without-email' })).toMatchObject({ loginMethod: 'ref', email: null })
  })

  it('refuses a ref that is taken, a manager that is not there, and a field that it does not know', async () => {
    await create({ ref: 'taken' })
    const person = { firstName: 'A', lastName: 'B', loginMethod: 'ref' }
    const bodies = { code: 'user.taken', managerRef: 'input.invalid', nickname: 'input.unknown_field' }
    expect(await call('POST', '/rest/v2/users', { ...person, ref: 'taken' })).toMatchObject({
      status: 422,
      json: { code: bodies.code, field: 'ref' },
    })
    for (const field of ['managerRef', 'nickname'] as const) {
      expect(await call('POST', '/rest/v2/users', { ...person, ref: 'free', [field]: 'x' })).toMatchObject({
        status: 422,
        json: { code: bodies[field], field },
      })
    }
  })

  it('gives no role that may do more than the credential', async () => {
    const person = { firstName: 'A', lastName: 'B', loginMethod: 'ref' }
    expect((await create({ ref: 'reader', role: 'learneradmin' })).role).toBe('learneradmin')
    expect(await call('POST', '/rest/v2/users', { ...person, ref: 'root', role: 'administrator' })).toMatchObject({
      status: 403,
      json: { status: 403, error: 'Forbidden', code: 'access.beyond_own' },
    })
  })
})

describe('changing a user', () => {
  it('sets what it names, clears what is null, and merges the custom fields', async () => {
    const { id } = await create({ ref: 'change', jobTitle: 'Clerk', additionalFields: { a: 1, b: 2 } })
    const change = (body: object) => call('PATCH', '/rest/v2/users/ref/change', body)
    expect(
      (await change({ jobTitle: null, lastName: 'Berg', additionalFields: { b: null, c: 3 } })).json,
    ).toMatchObject({
      id,
      firstName: 'Ann',
      lastName: 'Berg',
      jobTitle: null,
      additionalFields: { a: 1, c: 3 },
    })
    expect((await change({})).json).toMatchObject({ lastName: 'Berg', additionalFields: { a: 1, c: 3 } })
  })

  it('lets the login name follow the e-mail address or the ref', async () => {
    const loginOf = async (id: string) =>
      (await http.owner.query('select login_name from users where id = $1', [id])).rows[0].login_name
    const { id } = await create({ ref: 'follow', loginMethod: 'email', email: 'follow@example.org' })
    expect(await loginOf(id)).toBe('follow@example.org')
    await call('PATCH', '/rest/v2/users/ref/follow', { email: 'follow-2@example.org' })
    expect(await loginOf(id)).toBe('follow-2@example.org')
    expect((await call('PATCH', '/rest/v2/users/ref/follow', { loginMethod: 'ref' })).json.loginMethod).toBe('ref')
    await call('PATCH', '/rest/v2/users/ref/follow', { ref: 'follow-2' })
    expect(await loginOf(id)).toBe('follow-2')
  })

  it('keeps the roles that stand for the same role of Thrive', async () => {
    const officer = await http.person(tenant, 'privacy_officer')
    await http.owner.query(`update users set ref = 'officer' where id = $1`, [officer.userId])
    const change = (role: string) => call('PATCH', '/rest/v2/users/ref/officer', { role })
    const roles = async () => (await http.owner.query('select roles from users where id = $1', [officer.userId])).rows
    expect((await change('learneradmin')).status).toBe(200)
    expect(await roles()).toEqual([{ roles: ['privacy_officer'] }])
    expect((await change('learner')).json.role).toBe('learner')
    expect(await roles()).toEqual([{ roles: ['learner'] }])
  })
})

describe('reading users', () => {
  it('answers a basic user by ref, and all of it by id', async () => {
    const manager = await create({ ref: 'read-boss' })
    const { id, createdAt } = await create({ ref: 'read', managerRef: 'read-boss', languageCode: 'en-gb' })
    const basicUser = {
      id,
      ref: 'read',
      firstName: 'Ann',
      lastName: 'Aster',
      email: null,
      role: 'learner',
      status: 'active',
      positions: [
        {
          id,
          title: null,
          manager: { id: manager.id },
          ouId: null,
          isActive: true,
          startDate: null,
          endDate: null,
          createdAt,
          updatedAt: createdAt,
        },
      ],
      additionalFields: {},
      languageCode: 'en-gb',
    }
    expect((await call('GET', '/rest/v1/users/ref/read')).json).toEqual(basicUser)
    const full = (await call('GET', `/rest/v1/user/${id}`)).json
    expect(full).toMatchObject({ ...basicUser, deleted: false, compliance: 0, level: 0, tags: { skills: [] } })
  })

  it('hides a deleted user by ref, and shows the record by id without the person', async () => {
    const { id } = await create({ ref: 'hidden', email: 'hidden@example.org' })
    await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    expect(await call('GET', '/rest/v1/users/ref/hidden')).toMatchObject({
      status: 404,
      json: { status: 404, error: 'Not Found', message: expect.any(String) },
    })
    const { text, json } = await call('GET', `/rest/v1/user/${id}`)
    expect(json).toMatchObject({
      id,
      deleted: true,
      ref: null,
      firstName: null,
      lastName: null,
      email: null,
      role: null,
    })
    expect(text).not.toMatch(/hidden|Ann|Aster/)
  })

  it.each(['no-uuid', '646767d82535201223349e09', '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'])(
    'finds no user by the id %s',
    async (id) => {
      expect((await call('GET', `/rest/v1/user/${id}`)).status).toBe(404)
    },
  )

  it('pages through all users, in the order of creation, each once', async () => {
    const all = (await call('GET', '/rest/v1/users')).json
    const { totalResults } = all.pagination
    expect(all.pagination).toEqual({ totalResults, totalPages: 1, page: 1, perPage: 100 })
    const ids: string[] = []
    const totalPages = Math.ceil(totalResults / 4)
    for (let page = 1; page <= totalPages; page++) {
      const { json } = await call('GET', `/rest/v1/users?page=${page}&perPage=4`)
      expect(json.pagination).toEqual({ totalResults, totalPages, page, perPage: 4 })
      ids.push(...json.results.map(({ id }: { id: string }) => id))
    }
    expect(ids).toEqual(all.results.map(({ id }: { id: string }) => id))
    expect(ids).toEqual([...new Set(ids)].sort())
    expect((await call('GET', `/rest/v1/users?page=${totalPages + 1}&perPage=4`)).json.results).toEqual([])
    expect((await call('GET', '/rest/v1/users?limit=2')).json.results).toHaveLength(2)
  })

  it.each(['perPage=0', 'perPage=1001', 'perPage=x', 'page=0', 'statuses=gone', 'updatedSince=yesterday', 'pages=1'])(
    'refuses %s with 400',
    async (query) => {
      expect(await call('GET', `/rest/v1/users?${query}`)).toMatchObject({
        status: 400,
        json: { status: 400, error: 'Bad Request', field: query.split('=')[0] },
      })
    },
  )

  it('filters by status and by the time of the last change', async () => {
    const { id } = await create({ ref: 'filtered' })
    await http.owner.query(`update users set state = 'suspended', suspended_at = now() where id = $1`, [id])
    const idsOf = async (query: string) =>
      (await call('GET', `/rest/v1/users?perPage=1000&${query}`)).json.results.map((user: { id: string }) => user.id)
    const all = await idsOf('')
    expect(await idsOf('status=inactive')).toEqual([id])
    expect(await idsOf('statuses=active,inactive')).toEqual(all)
    expect(await idsOf('omitStatuses=inactive')).toEqual(all.filter((one: string) => one !== id))
    expect(await idsOf('statuses=new,expired')).toEqual([])
    expect(await idsOf('updatedSince=2126-01-01')).toEqual([])
    expect(await idsOf('updatedSince=2020-01-01T00:00:00.000Z')).toEqual(all)
  })
})

describe('a ref in an address', () => {
  it.each(['a/b', 'a+b', 'a%b', 'a%2Fb', '..', '.', 'a b', 'Ünal', 'ann@example.org', 'a?b#c', 'a;b', "it's", '😀'])(
    'is percent-decoded once and matched exactly: %s',
    async (ref) => {
      const { id } = await create({ ref })
      const encoded = encodeURIComponent(ref)
      expect([encoded, await readRaw(`/rest/v1/users/ref/${encoded}`)]).toEqual([
        encoded,
        expect.objectContaining({ id }),
      ])
    },
  )

  it('is not matched in another spelling', async () => {
    await create({ ref: 'Exact-É' })
    for (const other of ['exact-é', 'EXACT-É', ' Exact-É', 'Exact-É ', 'Exact-E\u0301']) {
      expect((await call('GET', `/rest/v1/users/ref/${encodeURIComponent(other)}`)).status).toBe(404)
    }
  })

  it.each(['%00', '%ff', '%zz', '%c3%28', '%ed%a0%80'])('is refused with 400 where it is no text: %s', async (ref) => {
    for (const [method, url] of [
      ['GET', `/rest/v1/users/ref/${ref}`],
      ['DELETE', `/rest/v2/users/ref/${ref}`],
      ['DELETE', `/users/ref/${ref}`],
    ] as const) {
      const answer = await http.server.inject({ method, url, headers: key })
      expect([method, url, answer.statusCode]).toEqual([method, url, 400])
    }
  })
})

describe('an error', () => {
  it('has the standard shape of Thrive for every status', async () => {
    const stranger = basic(tenant, 'wrong')
    const answers = [
      await http.call('GET', '/rest/v1/users', { as: stranger }),
      await call('GET', '/rest/v1/nothing'),
      await call('POST', '/rest/v2/users', '{'),
      await call('PUT', '/rest/v2/users', {}),
    ]
    expect(answers.map(({ json }) => [json.status, json.error, typeof json.message])).toEqual([
      [401, 'Unauthorized', 'string'],
      [404, 'Not Found', 'string'],
      [400, 'Bad Request', 'string'],
      [405, 'Method Not Allowed', 'string'],
    ])
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 400, 405])
  })
})

describe('the dates of a user', () => {
  it('suspend the account until the start, and from the end', async () => {
    const startDate = new Date(Date.now() + 86_400_000).toISOString()
    expect(await create({ ref: 'dated', startDate, endDate: '2126-01-01' })).toMatchObject({
      active: false,
      startDate,
      endDate: '2126-01-01T00:00:00.000Z',
    })
    const change = (body: object) => call('PATCH', '/rest/v2/users/ref/dated', body)
    expect((await change({ startDate: '2020-01-01', jobTitle: 'Clerk' })).json).toMatchObject({ active: true })
    expect((await change({ endDate: '2021-01-01' })).json).toMatchObject({ active: false })
    expect((await call('GET', '/rest/v1/users/ref/dated')).json).toMatchObject({
      status: 'inactive',
      positions: [{ isActive: false, endDate: '2021-01-01T00:00:00.000Z' }],
    })
  })

  it.each([
    ['startDate', { startDate: 'soon' }],
    ['endDate', { endDate: '2021-13-01' }],
    ['endDate', { startDate: '2021-01-02', endDate: '2021-01-01' }],
  ])('are refused by the name of the caller: %s', async (field, body) => {
    await create({ ref: `bad-${field}-${Object.keys(body).length}` })
    expect(await call('PATCH', `/rest/v2/users/ref/bad-${field}-${Object.keys(body).length}`, body)).toMatchObject({
      status: 422,
      json: { field },
    })
  })
})

describe('suspending a user', () => {
  it('is immediate, records the end where one is given, and can be repeated', async () => {
    await create({ ref: 'leaver' })
    const suspend = (body?: object) => call('PATCH', '/rest/v2/users/ref/leaver/suspend', body)
    expect(await suspend()).toMatchObject({ status: 200, json: { ref: 'leaver', active: false, endDate: null } })
    const endDate = '2024-06-30T17:00:00.000Z'
    expect(await suspend({ endDate })).toMatchObject({ status: 200, json: { active: false, endDate } })
    expect(await suspend({})).toMatchObject({ status: 200, json: { active: false, endDate } })
    expect((await call('PATCH', '/rest/v2/users/ref/nobody/suspend', {})).status).toBe(404)
  })

  it('ends the sessions of the user', async () => {
    const person = await http.person(tenant, 'learner')
    await http.owner.query(`update users set ref = 'session' where id = $1`, [person.userId])
    expect((await http.call('GET', '/api/v1/session', { as: person })).status).toBe(200)
    const endDate = new Date(Date.now() + 86_400_000).toISOString()
    expect((await call('PATCH', '/rest/v2/users/ref/session/suspend', { endDate })).json).toMatchObject({
      active: false,
      endDate,
    })
    expect((await http.call('GET', '/api/v1/session', { as: person })).status).toBe(401)
  })
})
