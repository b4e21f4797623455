import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let http: TestHttp
let tenant: string
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: unknown, as: Credential = key) =>
  http.call(method, `/api/v1${path}`, { as, ...(body !== undefined && { body }) })
const get = async (path: string) => (await call('GET', path)).json

let people = 0
async function user(): Promise<{ id: string; directory_object_id: string; email: string }> {
  const fields = { email: `member-${++people}@example.org`, directory_object_id: randomUUID() }
  return { ...fields, id: (await call('POST', '/users', fields)).json.id }
}
const group = async (fields: object = {}): Promise<string> =>
  (await call('POST', '/groups', { display_name: 'Bakers', ...fields })).json.id
const sync = (id: string, members: unknown[]) => call('POST', `/groups/${id}/sync`, { members })

async function purge(id: string): Promise<string> {
  await call('DELETE', `/users/${id}`)
  const { json } = await call('POST', '/erasures', { operation: 'purge', subjects: [{ id }] })
  await http.startWorkers()
  await http.ended(tenant, json.id)
  await http.stopWorkers()
  return json.id
}

describe('/api/v1/groups', () => {
  it('creates, reads and lists groups by name, in pages', async () => {
    const directory_object_id = randomUUID()
    const created = await call('POST', '/groups', {
      display_name: 'Cooks',
      description: 'In the kitchen',
      directory_object_id,
    })
    expect(created.status).toBe(201)
    expect(created.headers.get('location')).toBe(`/api/v1/groups/${created.json.id}`)
    expect(await get(`/groups/${created.json.id}`)).toMatchObject({
      display_name: 'Cooks',
      description: 'In the kitchen',
      directory_object_id,
      members: 0,
    })
    expect(await call('POST', '/groups', { display_name: 'Others', directory_object_id })).toMatchObject({
      status: 409,
      json: { code: 'group.taken' },
    })
    for (const display_name of ['Same', 'Same', 'Anglers']) await group({ display_name })
    const names: string[] = []
    for (let after = ''; ; ) {
      const page = await get(`/groups?limit=2${after}`)
      names.push(...page.groups.map((one: { display_name: string }) => one.display_name))
      if (page.next === null) break
      after = `&after=${page.next}`
    }
    expect(names).toEqual(['Anglers', 'Cooks', 'Same', 'Same'])
    expect(await call('GET', `/groups/${unknown}`)).toMatchObject({ status: 404, json: { code: 'group.not_found' } })
  })

  it('makes given users, and nobody else, the members', async () => {
    const id = await group()
    const [ann, bob, cid] = [await user(), await user(), await user()]
    const set = (...users: { id: string }[]) =>
      call('PUT', `/groups/${id}/members`, { user_ids: users.map((one) => one.id) })
    expect(await set(ann, bob)).toMatchObject({ status: 200, json: { added: 2, removed: 0 } })
    expect((await set(bob, cid, cid)).json).toEqual({ added: 1, removed: 1 })
    const page = await get(`/groups/${id}/members?limit=1`)
    expect(page).toMatchObject({ members: [{ id: bob.id, email: bob.email, reappeared: null }], next: bob.id })
    expect(await get(`/groups/${id}/members?after=${page.next}`)).toMatchObject({
      members: [{ id: cid.id }],
      next: null,
    })
    expect(await get(`/groups/${id}`)).toMatchObject({ members: 2 })
    await call('DELETE', `/users/${cid.id}`)
    expect(await set(ann, cid)).toMatchObject({ status: 409, json: { code: 'user.wrong_state' } })
    expect((await get(`/groups/${id}/members`)).members).toMatchObject([{ id: bob.id }])
  })

  it('says before a purge which groups bring a person back, and afterwards who came back and why', async () => {
    const id = await group()
    const ann = await user()
    const { email, directory_object_id } = ann
    const member = { directory_object_id, email }
    expect(await sync(id, [member])).toMatchObject({ status: 200, json: { added: 1, removed: 0, created: [] } })
    const catalog = (await call('POST', '/catalogs', { title: 'Bakery' })).json.id
    const course = (await call('POST', '/courses', { catalog_id: catalog, title: 'Bread' })).json.id
    await call('PUT', `/catalogs/${catalog}/groups/${id}`)
    await call('POST', '/enrollments', { user_id: ann.id, course_id: course })

    const preview = (operation: string) =>
      call('POST', '/erasures/preview', { operation, subjects: [{ id: ann.id }] }).then(({ json }) => json)
    expect(await preview('purge')).toMatchObject({
      returning_groups: [{ group_id: id, display_name: 'Bakers', people: 1, at_next_sync: 'create' }],
    })
    expect(await preview('anonymize')).toMatchObject({ returning_groups: [] })
    const request_id = await purge(ann.id)
    expect((await get(`/groups/${id}/members`)).members).toEqual([])

    const back = await sync(id, [member])
    const reappeared = [{ id: expect.any(String), directory_object_id, request_id }]
    expect(back).toMatchObject({ status: 200, json: { added: 1, blocked: [], reappeared } })
    const [again] = back.json.created
    expect(again).not.toBe(ann.id)
    const why = {
      group_id: id,
      group_name: 'Bakers',
      import_run_id: null,
      request_id,
      reappeared_at: expect.any(String),
    }
    expect(await get(`/users/${again}`)).toMatchObject({ email, roles: ['learner'], reappeared: why })
    expect((await get(`/groups/${id}/members`)).members).toMatchObject([{ id: again, reappeared: why }])
    expect((await get(`/catalogs/${catalog}/members`)).members).toMatchObject([
      { id: again, added_to_catalog: false, reappeared: why },
    ])
    expect(await get(`/users/${again}/transcript`)).toMatchObject({ courses: [], skills: [], certificates: [] })
    expect(await sync(id, [member])).toMatchObject({ json: { added: 0, created: [], reappeared: [] } })
    for (const secret of [email, directory_object_id]) expect(http.requestLog()).not.toContain(secret)
  })

  it('says who stays deleted, and whom the tenant keeps out', async () => {
    const other = await http.tenant('Blocking')
    const as = await http.key(other)
    const boss = await http.person(other, 'administrator')
    const blocking = { returning_members: 'block' }
    const changed = await http.call('PATCH', '/api/v1/tenant', { as: boss, body: blocking })
    expect(changed).toMatchObject({ status: 200, json: blocking })
    expect((await http.call('GET', '/api/v1/tenant', { as: boss })).json).toMatchObject(blocking)
    const make = async (path: string, body: object) => (await call('POST', path, body, as)).json.id
    const id = await make('/groups', { display_name: 'Bakers' })
    const [gone, deleted] = [{ directory_object_id: randomUUID() }, { directory_object_id: randomUUID() }]
    const goneId = await make('/users', gone)
    const deletedId = await make('/users', deleted)
    await call('PUT', `/groups/${id}/members`, { user_ids: [goneId, deletedId] }, as)
    for (const one of [goneId, deletedId]) await call('DELETE', `/users/${one}`, undefined, as)
    const order = { operation: 'purge', subjects: [{ id: goneId }] }
    expect((await call('POST', '/erasures/preview', order, as)).json.returning_groups).toMatchObject([
      { at_next_sync: 'block' },
    ])
    const request_id = await make('/erasures', order)
    await http.startWorkers()
    await http.ended(other, request_id)
    await http.stopWorkers()
    expect(await call('POST', `/groups/${id}/sync`, { members: [gone, deleted] }, as)).toMatchObject({
      json: { created: [], reappeared: [], blocked: [{ ...gone, request_id }], deleted: [deletedId] },
    })
  })

  it('takes a whole group of a directory at once, and changes nothing where one member is not valid', async () => {
    const id = await group()
    const members = Array.from({ length: 15_000 }, (_, index) => ({
      directory_object_id: randomUUID(),
      display_name: index === 14_999 ? ' ' : `Member ${index}`,
    }))
    const refused = await sync(id, members)
    expect(Buffer.byteLength(JSON.stringify({ members }))).toBeGreaterThan(1024 * 1024)
    expect(refused).toMatchObject({ status: 422, json: { field: 'display_name' } })
    expect((await get(`/groups/${id}/members`)).members).toEqual([])
    expect(await sync(id, [{ directory_object_id: 'x' }])).toMatchObject({
      status: 422,
      json: { field: 'members.0.directory_object_id' },
    })
  })

  it('is for administrators and programs that may write, because it makes users', async () => {
    const id = await group()
    const reader = await http.key(tenant, 'read_only')
    expect((await call('GET', `/groups/${id}`, undefined, reader)).status).toBe(200)
    expect((await call('POST', `/groups/${id}/sync`, { members: [] }, reader)).status).toBe(403)
    for (const role of ['manager', 'integration_administrator'] as const) {
      const person = await http.person(tenant, role)
      expect((await call('POST', `/groups/${id}/sync`, { members: [] }, person)).status).toBe(403)
    }
  })
})
