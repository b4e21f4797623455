import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'

let http: TestHttp
let key: Credential
let people = 0
beforeAll(async () => {
  http = await openTestHttp()
  key = await http.key(await http.tenant('Acme'))
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: unknown) =>
  http.call(method, path, { as: key, ...(body !== undefined && { body }) })
const make = async (path: string, body: object): Promise<string> => {
  const { status, json } = await call('POST', `/api/v1${path}`, body)
  expect([path, status, json.detail]).toEqual([path, 201, undefined])
  return json.id
}
const person = (ref = `person-${++people}`) => make('/users', { ref, email: `${ref}@example.org` })

describe('the skills of a user', () => {
  const levels = [1, 2, 1024].map((value) => ({ title: `Level ${value}`, value }))
  beforeAll(async () => {
    const scale_set_id = await make('/scale-sets', { title: 'All', levels, is_default: true })
    for (const title of ['leadership', 'Pruning']) await make('/skills', { title, scale_set_id })
    for (const title of ['A', 'B']) {
      const catalog_id = await make('/catalogs', { title })
      await make('/skills', { title: 'Weeding', scale_set_id, catalog_id })
    }
  })
  const set = (id: string, value: unknown[]) =>
    call('PATCH', `/rest/v1/users/${id}/skills`, { op: 'update', path: 'skills', value })
  const held = async (id: string) =>
    (await call('GET', `/api/v1/users/${id}/skills`)).json.skills
      .filter(({ state }: { state: string }) => state === 'held')
      .map(({ skill, level_value }: { skill: string; level_value: number }) => `${skill} ${level_value}`)
      .sort()

  it('are set to a level, raised, lowered and cleared', async () => {
    const id = await person()
    const answer = await set(id, [
      { tagName: 'leadership', level: 1024, targetLevel: 1024 },
      { tagName: 'Pruning', level: 1 },
    ])
    expect(answer).toMatchObject({
      status: 200,
      json: { status: 200, message: '2 skill(s) updated successfully for the learner.' },
    })
    expect(await held(id)).toEqual(['Pruning 1', 'leadership 1024'])
    expect((await set(id, [{ tagName: 'Pruning', level: 2 }])).status).toBe(200)
    expect(await held(id)).toEqual(['Pruning 1', 'Pruning 2', 'leadership 1024'])
    expect((await set(id, [{ tagName: 'Pruning', level: 2 }])).status).toBe(200)
    expect((await set(id, [{ tagName: 'leadership', level: 2 }])).status).toBe(200)
    expect(await held(id)).toEqual(['Pruning 1', 'Pruning 2', 'leadership 2'])
    expect((await set(id, [{ tagName: 'Pruning', level: -1 }])).status).toBe(200)
    expect(await held(id)).toEqual(['leadership 2'])
    expect((await call('GET', `/rest/v1/user/${id}`)).json.tags).toEqual({ skills: ['leadership'] })
  })

  it.each([
    [
      'value.1.tagName',
      [
        { tagName: 'Pruning', level: 1 },
        { tagName: 'unknown', level: 1 },
      ],
    ],
    [
      'value.1.level',
      [
        { tagName: 'Pruning', level: 1 },
        { tagName: 'leadership', level: 3 },
      ],
    ],
    ['value.0.level', [{ tagName: 'Pruning', level: -2 }]],
    ['value.0.level', [{ tagName: 'Pruning', level: 1.5 }]],
    ['value.0.level', [{ tagName: 'Pruning', targetLevel: 1 }]],
    ['value.0.targetLevel', [{ tagName: 'Pruning', level: 1, targetLevel: -2 }]],
    ['value.0.tagName', [{ tagName: 'Weeding', level: 1 }]],
    ['value', []],
    ['value', Array.from({ length: 101 }, () => ({ tagName: 'Pruning', level: 1 }))],
  ])('are all refused where %s is not valid', async (field, value) => {
    const id = await person()
    expect(await set(id, value)).toMatchObject({
      status: 422,
      json: { status: 422, error: 'Unprocessable Entity', field },
    })
    expect(await held(id)).toEqual([])
  })

  it('need a user who is there and active', async () => {
    const value = [{ tagName: 'Pruning', level: 1 }]
    for (const id of ['no-uuid', '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a']) {
      expect((await set(id, value)).json).toMatchObject({ status: 404, error: 'Not Found' })
    }
    const id = await person()
    await call('POST', `/api/v1/users/${id}/suspend`)
    expect((await set(id, value)).status).toBe(422)
  })

  it('have the levels of the default scale', async () => {
    expect((await call('GET', '/rest/v1/skills/levels')).json).toEqual(
      levels.map(({ title, value }) => ({ name: title, isEnabled: true, value })),
    )
  })
})

describe('completions', () => {
  it('are a bare list, by user, content and time, in pages', async () => {
    const catalog_id = await make('/catalogs', { title: 'Gardens' })
    const courses = [
      await make('/courses', { title: 'Roses', catalog_id }),
      await make('/courses', { title: 'Ivy', catalog_id }),
    ]
    const users = [await person(), await person()]
    const all: unknown[] = []
    for (const user_id of users) {
      for (const course_id of courses) {
        const id = await make('/enrollments', { user_id, course_id })
        expect(
          (await call('POST', `/api/v1/enrollments/${id}/complete`, { at: '2026-03-01T12:00:00Z' })).status,
        ).toBeLessThan(300)
        all.push({
          ...{ id, userId: user_id, contentId: course_id, contentVersion: 1, skills: [], completionType: 'course' },
          ...{ hadDueDate: false, isRPL: false, completedAt: '2026-03-01T12:00:00.000Z', activeUntil: null },
        })
      }
    }
    const list = async (query: string) => (await call('GET', `/rest/v1/learning/completions?${query}`)).json
    expect(await list('')).toEqual(all)
    expect(await list(`userId=${users[1]}&contentId=${courses[0]}`)).toEqual([all[2]])
    expect([...(await list('page=1&perPage=3')), ...(await list('page=2&perPage=3'))]).toEqual(all)
    expect(await list('completedDateRangeStart=2026-03-01&completedDateRangeEnd=2026-03-02')).toEqual(all)
    expect(await list('completedDateRangeStart=2026-03-02')).toEqual([])
    expect(await list('isRPL=true')).toEqual([])
    expect(await list('isRPL=false&userId=646767d82535201223349e09')).toEqual([])
    expect((await call('GET', '/rest/v1/learning/completions?completedDateRangeEnd=soon')).status).toBe(400)
  })
})

describe('audiences', () => {
  it('are the directory groups, with their members', async () => {
    const reference = '3734c0cd-7351-883a-90dc-bca5f32459a1'
    const group = await make('/groups', { display_name: 'Bakers', directory_object_id: reference })
    const other = await make('/groups', { display_name: 'Gardeners' })
    const users = [await person('baker-1'), await person('baker-2'), await person('baker-3')]
    await call('PUT', `/api/v1/groups/${group}/members`, { user_ids: users })
    const gone = users.pop()
    await call('DELETE', `/api/v1/users/${gone}`)
    const { json } = await call('GET', '/rest/v1/audiences')
    expect(json).toEqual({
      results: [
        expect.objectContaining({
          id: group,
          name: 'Bakers',
          reference,
          category: 'audience',
          type: 'manual',
          parent: null,
        }),
        expect.objectContaining({ id: other, name: 'Gardeners', reference: other }),
      ],
      pagination: { totalResults: 2, totalPages: 1, page: 1, perPage: 100 },
    })
    for (const name of [group, reference]) {
      expect((await call('GET', `/rest/v1/audiences/${name}/members?perPage=1&page=2`)).json).toEqual({
        results: [{ userId: users[1], reference: 'baker-2', email: 'baker-2@example.org' }],
        pagination: { totalResults: 2, totalPages: 2, page: 2, perPage: 1 },
      })
    }
    expect((await call('GET', `/rest/v1/user/${users[0]}`)).json.audiences).toEqual([{ id: group }])
    expect((await call('GET', '/rest/v1/audiences?apiControlled=true')).json.results).toEqual([])
    expect((await call('GET', '/rest/v1/audiences/none/members')).status).toBe(404)
  })
})
