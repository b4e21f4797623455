import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { recordProgress } from '../../learning/records/record-progress.ts'

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

const call = (method: string, path: string, body?: unknown, headers = {}) =>
  http.call(method, `/api/v1${path}`, { as: key, headers, ...(body !== undefined && { body }) })
const get = async (path: string) => (await call('GET', path)).json
const at = (answer: Answer) => String(answer.headers.get('location')).replace('/api/v1', '')

/** Creates something, follows Location, and answers what is there. */
async function made(path: string, body: unknown) {
  const created = await call('POST', path, body)
  expect([path, created.status, created.json]).toEqual([path, 201, expect.objectContaining({ id: expect.any(String) })])
  const found = await get(at(created))
  expect(found.id).toBe(created.json.id)
  return found
}

let people = 0
async function user(fields: object = {}): Promise<{ id: string; email: string }> {
  return (await call('POST', '/users', { email: `learner-${++people}@example.org`, ...fields })).json
}

async function place(title = 'Bakery') {
  const catalog = await made('/catalogs', { title })
  const course = await made('/courses', { catalog_id: catalog.id, title: 'Bread' })
  const plan = await made('/training-plans', { catalog_id: catalog.id, title: 'Baker', course_ids: [course.id] })
  const group = await made('/groups', { display_name: 'Bakers' })
  return { catalog, course, plan, group }
}

/** All pages of a list. */
async function pages(path: string, name: string, limit: number): Promise<unknown[][]> {
  const found: unknown[][] = []
  for (let after: string | null = null; ; ) {
    const page: Record<string, unknown[]> & { next: string | null } = await get(
      `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${after === null ? '' : `&after=${after}`}`,
    )
    found.push(page[name] ?? [])
    if (page.next === null) return found
    after = page.next
  }
}

describe('/api/v1/catalogs', () => {
  it('creates, reads and lists catalogs by title, in pages that leave nobody out', async () => {
    const there = (await get('/catalogs?limit=1000')).catalogs.length
    for (const title of ['Same', 'Zoo', 'Same', 'Archive', 'Same']) await made('/catalogs', { title })
    const listed = (await pages('/catalogs', 'catalogs', 2)).flat() as { id: string; title: string }[]
    expect(listed).toHaveLength(there + 5)
    expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length)
    expect(listed.map(({ title }) => title)).toEqual(listed.map(({ title }) => title).toSorted())
    const body = { title: 'Full', description: 'Two\nlines', contact_emails: ['Office@Example.org'] }
    expect(await made('/catalogs', body)).toMatchObject({
      ...body,
      contact_emails: ['office@example.org'],
      courses: 0,
      training_plans: 0,
      members: 0,
      administrators: 0,
      groups: 0,
    })
    expect(await call('GET', `/catalogs?after=${unknown}`)).toMatchObject({
      status: 404,
      json: { code: 'catalog.not_found' },
    })
  })

  it('creates a catalog once for one Idempotency-Key', async () => {
    const send = () => call('POST', '/catalogs', { title: 'Once' }, { 'idempotency-key': 'catalog-1' })
    const [first, again] = [await send(), await send()]
    expect(again).toMatchObject({ status: 201, json: first.json })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const { catalogs } = await get('/catalogs?limit=1000')
    expect(catalogs.filter(({ title }: { title: string }) => title === 'Once')).toHaveLength(1)
  })

  it('names what it refuses as the API names it', async () => {
    for (const [path, body, field] of [
      ['/catalogs', { title: '   ' }, 'title'],
      ['/catalogs', { title: 'Bad', contact_emails: ['nobody'] }, 'contact_emails'],
      ['/catalogs', { title: 'Bad', owner: 'x' }, 'owner'],
      ['/courses', { catalog_id: unknown, title: 'Bad', starts_on: '0000-01-01' }, undefined],
      ['/groups', { display_name: '\t' }, 'display_name'],
    ] as const) {
      const { status, json } = await call('POST', path, body)
      expect([path, status, json.field]).toEqual([path, field === undefined ? 404 : 422, field])
    }
    const { catalog } = await place()
    const wrong = await call('POST', '/courses', { catalog_id: catalog.id, title: 'Bad', starts_on: '0000-01-01' })
    expect(wrong).toMatchObject({ status: 422, json: { field: 'starts_on' } })
    const both = { user_id: (await user()).id, course_id: unknown, training_plan_id: unknown }
    expect((await call('POST', '/enrollments', both)).json).toMatchObject({
      code: 'input.invalid',
      field: 'course_id',
      detail: 'course_id is not valid: exactly one of course_id and training_plan_id is expected.',
    })
  })

  it('says of everybody in a catalog how: added, through which groups, or both', async () => {
    const { catalog, course, group } = await place()
    const members = `/catalogs/${catalog.id}/members`
    const [ann, bob, cid, dan] = [await user(), await user(), await user(), await user()]
    const added = await call('POST', members, { user_ids: [ann.id, bob.id] })
    expect(added).toMatchObject({ status: 201, json: { added: 2 } })
    expect(at(added)).toBe(members)
    expect((await call('POST', members, { user_ids: [ann.id] })).json).toEqual({ added: 0 })
    const apprentices = await made('/groups', { display_name: 'Apprentices' })
    await call('PUT', `/groups/${group.id}/members`, { user_ids: [bob.id, cid.id] })
    await call('PUT', `/groups/${apprentices.id}/members`, { user_ids: [dan.id] })
    const open = (path: string) => call('PUT', path).then(({ json }) => json)
    expect(await open(`/catalogs/${catalog.id}/groups/${group.id}`)).toEqual({ assigned: true })
    expect(await open(`/catalogs/${catalog.id}/groups/${group.id}`)).toEqual({ assigned: false })
    expect(await open(`/courses/${course.id}/groups/${apprentices.id}`)).toEqual({ assigned: true })

    const seen = (await pages(members, 'members', 2)).flat()
    expect(seen).toMatchObject([
      { id: ann.id, email: ann.email, added_to_catalog: true, role: 'member', groups: [] },
      { id: bob.id, added_to_catalog: true, groups: [{ display_name: 'Bakers', course_id: null }] },
      { id: cid.id, added_to_catalog: false, role: null, added_at: null, groups: [{ group_id: group.id }] },
      { id: dan.id, added_to_catalog: false, groups: [{ group_id: apprentices.id, course_id: course.id }] },
    ])
    expect(await get(`/catalogs/${catalog.id}/groups`)).toMatchObject({
      groups: [{ group_id: group.id, display_name: 'Bakers', members: 2 }],
    })
    expect(await get(`/courses/${course.id}/groups`)).toMatchObject({ groups: [{ group_id: apprentices.id }] })
    expect(await get(`/catalogs/${catalog.id}`)).toMatchObject({ members: 2, courses: 1, training_plans: 1, groups: 1 })

    expect((await call('DELETE', `/courses/${course.id}/groups/${apprentices.id}`)).json).toEqual({ unassigned: true })
    expect((await call('DELETE', `/catalogs/${catalog.id}/groups/${group.id}`)).json).toEqual({ unassigned: true })
    expect((await get(members)).members.map(({ id }: { id: string }) => id)).toEqual([ann.id, bob.id])
  })

  it('makes administrators of members, lists them, and makes them members again', async () => {
    const { catalog } = await place()
    const members = `/catalogs/${catalog.id}/members`
    const [ann, bob, cid] = [await user(), await user(), await user()]
    await call('POST', members, { user_ids: [ann.id, bob.id] })
    await call('POST', members, { user_ids: [cid.id], role: 'administrator' })
    const role = (id: string, wanted: string) => call('PATCH', `${members}/${id}`, { role: wanted })
    expect(await role(bob.id, 'administrator')).toMatchObject({ status: 200, json: { changed: true } })
    const administrators = async () =>
      (await pages(`${members}?role=administrator`, 'members', 1)).flat().map((one) => Object(one).id)
    expect(await administrators()).toEqual([bob.id, cid.id])
    expect((await role(bob.id, 'member')).json).toEqual({ changed: true })
    expect((await role(bob.id, 'member')).json).toEqual({ changed: false })
    expect(await administrators()).toEqual([cid.id])
    expect(await role((await user()).id, 'member')).toMatchObject({ status: 404, json: { code: 'catalog.not_member' } })
    expect(await role(ann.id, 'owner')).toMatchObject({ status: 422, json: { field: 'role' } })
  })

  it('keeps the records of whoever is removed, and lists on who is there through a group', async () => {
    const { catalog, course, plan, group } = await place()
    const ann = await user()
    await call('POST', `/catalogs/${catalog.id}/members`, { user_ids: [ann.id] })
    await call('PUT', `/groups/${group.id}/members`, { user_ids: [ann.id] })
    await call('PUT', `/catalogs/${catalog.id}/groups/${group.id}`)
    const done = await made('/enrollments', { user_id: ann.id, course_id: course.id })
    await call('POST', `/enrollments/${done.id}/complete`, {})
    await made('/enrollments', { user_id: ann.id, training_plan_id: plan.id })
    const member = `/catalogs/${catalog.id}/members/${ann.id}`
    const through = [{ group_id: group.id, display_name: 'Bakers' }]
    expect(await call('DELETE', member)).toMatchObject({
      status: 200,
      json: { user_id: ann.id, removed: true, unenrolled: 2, still_through: through },
    })
    expect((await get(`/catalogs/${catalog.id}/members`)).members).toMatchObject([
      { id: ann.id, added_to_catalog: false },
    ])
    expect(await get(`/users/${ann.id}/transcript`)).toMatchObject({
      courses: [{ title: 'Bread', state: 'completed', enrolled: false }],
      training_plans: [{ title: 'Baker', state: 'withdrawn', enrolled: false }],
    })
    await call('DELETE', `/catalogs/${catalog.id}/groups/${group.id}`)
    expect(await call('DELETE', member)).toMatchObject({ status: 404, json: { code: 'catalog.not_member' } })
  })
})

describe('/api/v1/courses and /api/v1/training-plans', () => {
  it('create a course with its parts, and read it with who wrote it', async () => {
    const { catalog } = await place()
    const author = await user({ first_name: 'Ann', last_name: 'Aster' })
    const body = {
      catalog_id: catalog.id,
      title: 'Cake',
      kind: 'classroom',
      description: 'Sweet',
      contact_emails: ['cake@example.org'],
      reply_to_email: 'reply@example.org',
      starts_on: '2026-02-28',
      length_days: 30,
      author_ids: [author.id],
      modules: [
        { title: 'Dough', kind: 'video', week_from: 1, week_to: 2 },
        ...Array.from({ length: 12 }, (_, index) => ({ title: `Oven ${index}`, kind: 'text' })),
      ],
      assessments: [{ title: 'Taste', kind: 'exam', weight: 62.5, due_on: '2026-03-30' }],
    }
    const created = await call('POST', '/courses', body)
    const { author_ids: _, modules, assessments, ...rest } = body
    const course = await get(at(created))
    expect(course).toMatchObject({
      ...rest,
      authors: [{ id: author.id, display_name: 'Ann Aster' }],
      modules: modules.map((one) => ({ week_from: null, week_to: null, ...one })),
      assessments,
      training_plans: [],
      sessions: 0,
      enrolled: 0,
    })
    expect(course.modules.map(({ id }: { id: string }) => id)).toEqual(created.json.module_ids)
    expect(course.assessments.map(({ id }: { id: string }) => id)).toEqual(created.json.assessment_ids)
    const plan = { catalog_id: catalog.id, title: 'Confectioner', course_ids: [course.id, course.id.toUpperCase()] }
    expect(await made('/training-plans', plan)).toMatchObject({ courses: [{ id: course.id, title: 'Cake' }] })
    expect(await get(`/courses/${course.id}`)).toMatchObject({ training_plans: [{ title: 'Confectioner' }] })
  })

  it('are listed in pages, of one catalog, by a part of the title', async () => {
    const { catalog, course, plan } = await place('Pages')
    const more = []
    for (const title of ['Rye', 'Wheat bread', 'Oats'])
      more.push(await made('/courses', { catalog_id: catalog.id, title }))
    const list = async (query: string) =>
      (await pages(`/courses?catalog_id=${catalog.id}${query}`, 'courses', 2)).map((page) =>
        page.map((one) => Object(one).id),
      )
    expect(await list('')).toEqual([
      [course.id, more[0].id],
      [more[1].id, more[2].id],
    ])
    expect(await list('&search=BREAD')).toEqual([[course.id, more[1].id]])
    expect((await get('/courses?search=wheat%20bread')).courses).toMatchObject([{ id: more[1].id }])
    expect((await get(`/training-plans?catalog_id=${catalog.id}`)).training_plans).toMatchObject([{ id: plan.id }])
    expect((await get(`/training-plans?catalog_id=${catalog.id}&search=x`)).training_plans).toEqual([])
    expect(await call('GET', `/courses?catalog_id=${unknown}`)).toMatchObject({ status: 404 })
  })

  it('schedule sessions with who teaches them', async () => {
    const { course } = await place()
    const other = (await place()).course
    const teacher = await user({ display_name: 'Tea Cher' })
    const sessions = `/courses/${course.id}/sessions`
    const body = {
      title: 'Evening',
      starts_at: '2026-05-01T18:00:00Z',
      ends_at: '2026-05-01T20:00:00Z',
      location: 'B 2',
    }
    const created = await call('POST', sessions, { ...body, instructor_ids: [teacher.id] })
    const [starts_at, ends_at] = [new Date(body.starts_at).toISOString(), new Date(body.ends_at).toISOString()]
    const session = { ...body, starts_at, ends_at, instructors: [{ id: teacher.id, display_name: 'Tea Cher' }] }
    expect(await get(at(created))).toMatchObject(session)
    const second = await made(sessions, { title: 'Morning' })
    expect(second).toMatchObject({ instructors: [], starts_at: null })
    expect(await pages(sessions, 'sessions', 1)).toMatchObject([[session], [{ id: second.id }]])
    expect(await call('GET', `/courses/${other.id}/sessions/${second.id}`)).toMatchObject({ status: 404 })
    const backwards = { ...body, starts_at: body.ends_at, ends_at: body.starts_at }
    expect(await call('POST', sessions, backwards)).toMatchObject({ status: 422, json: { field: 'ends_at' } })
    const ann = await user()
    const enrolled = await made('/enrollments', { user_id: ann.id, course_id: course.id, session_id: second.id })
    expect(enrolled).toMatchObject({ session_id: second.id })
    expect(
      await call('POST', '/enrollments', { user_id: ann.id, course_id: other.id, session_id: second.id }),
    ).toMatchObject({ status: 404, json: { code: 'session.not_found' } })
  })
})

describe('/api/v1/enrollments', () => {
  it('lead from the enrollment over the completion to a certificate', async () => {
    const { course } = await place()
    const [ann, boss] = [await user(), await http.person(tenant, 'administrator')]
    const as = (method: string, path: string, body?: unknown) =>
      http.call(method, `/api/v1${path}`, { as: boss, ...(body !== undefined && { body }) })
    const enrolled = await as('POST', '/enrollments', { user_id: ann.id, course_id: course.id })
    const path = at(enrolled)
    expect(await get(path)).toMatchObject({
      id: enrolled.json.id,
      user_id: ann.id,
      course_id: course.id,
      training_plan_id: null,
      state: 'registered',
      enrolled: true,
      enrolled_by: boss.userId,
      completed_at: null,
    })
    expect(await call('POST', '/enrollments', { user_id: ann.id, course_id: course.id })).toMatchObject({
      status: 409,
      json: { code: 'enrollment.exists' },
    })
    expect(await as('POST', `${path}/certificates`, {})).toMatchObject({
      status: 409,
      json: { code: 'enrollment.not_completed' },
    })
    const completed = await as('POST', `${path}/complete`, {
      result: 'distinction',
      credits: 7,
      at: '2026-01-02T03:04:05Z',
    })
    expect(completed).toMatchObject({ status: 200, json: { completed_at: '2026-01-02T03:04:05.000Z' } })
    expect(await as('POST', `${path}/complete`, {})).toMatchObject({ status: 409 })
    const issued = await as('POST', `${path}/certificates`, { number: 'B-17', expires_at: '2030-01-01T00:00:00Z' })
    expect(issued.status).toBe(201)
    expect(await get(at(issued))).toMatchObject({
      user_id: ann.id,
      course_id: course.id,
      number: 'B-17',
      issued_by: boss.userId,
      expires_at: '2030-01-01T00:00:00.000Z',
    })
    expect(await get(path)).toMatchObject({ state: 'completed', result: 'distinction', credits: 7 })
    expect(await call('GET', `/issued-certificates/${unknown}`)).toMatchObject({
      status: 404,
      json: { code: 'issued_certificate.not_found' },
    })
  })

  it('end exactly the one that is named, not a later one in the same place', async () => {
    const { course } = await place()
    const ann = await user()
    const enrollment = { user_id: ann.id, course_id: course.id }
    const first = await made('/enrollments', enrollment)
    expect(await call('POST', `/enrollments/${first.id}/unenroll`, { note: 'Moved' })).toMatchObject({ status: 200 })
    const second = await made('/enrollments', enrollment)
    for (const act of ['unenroll', 'complete']) {
      expect(await call('POST', `/enrollments/${first.id}/${act}`, {})).toMatchObject({
        status: 404,
        json: { code: 'enrollment.not_enrolled' },
      })
    }
    await call('POST', `/enrollments/${second.id}/complete`, {})
    expect(await call('POST', `/enrollments/${first.id}/certificates`, {})).toMatchObject({ status: 409 })
    expect(await get(`/enrollments/${first.id}`)).toMatchObject({ state: 'withdrawn', enrolled: false, note: 'Moved' })
    expect(await get(`/enrollments/${second.id}`)).toMatchObject({ state: 'completed', enrolled: true })
  })

  it('are listed in pages, filtered', async () => {
    const { course, plan } = await place()
    const [ann, bob] = [await user(), await user()]
    const ids: string[] = []
    for (const { id: user_id } of [ann, bob]) {
      ids.push((await made('/enrollments', { user_id, course_id: course.id })).id)
      ids.push((await made('/enrollments', { user_id, training_plan_id: plan.id })).id)
    }
    await call('POST', `/enrollments/${ids[0]}/unenroll`, {})
    await call('POST', `/enrollments/${ids[2]}/complete`, {})
    const list = async (query: string) =>
      (await pages(`/enrollments?${query}`, 'enrollments', 1)).flat().map((one) => ids.indexOf(Object(one).id))
    expect(await list(`user_id=${ann.id}`)).toEqual([0, 1])
    expect(await list(`course_id=${course.id}`)).toEqual([0, 2])
    expect(await list(`training_plan_id=${plan.id}`)).toEqual([1, 3])
    expect(await list(`course_id=${course.id}&enrolled=true`)).toEqual([2])
    expect(await list(`course_id=${course.id}&enrolled=false`)).toEqual([0])
    expect(await list(`course_id=${course.id}&state=completed`)).toEqual([2])
    await call('DELETE', `/users/${bob.id}`)
    expect(await list(`user_id=${bob.id}&enrolled=false`)).toEqual([2, 3])
  })

  it('are purged one by one, once they are not active', async () => {
    const { catalog } = await place()
    const created = await call('POST', '/courses', {
      catalog_id: catalog.id,
      title: 'Gone',
      modules: [{ title: 'One', kind: 'text' }],
    })
    const ann = await user()
    const { id } = await made('/enrollments', { user_id: ann.id, course_id: created.json.id })
    const moduleId = created.json.module_ids[0]
    await http.inTenant(tenant, (tx) => recordProgress(tx, [{ userId: ann.id, moduleId, percent: 40 }]))
    expect(await get(`/users/${ann.id}/transcript`)).toMatchObject({ courses: [{ progress: 40 }] })
    expect(await call('POST', `/enrollments/${id}/purge`)).toMatchObject({
      status: 409,
      json: { code: 'enrollment.active' },
    })
    await call('POST', `/enrollments/${id}/unenroll`, {})
    expect(await call('POST', `/enrollments/${id}/purge`)).toMatchObject({
      status: 200,
      json: { user_id: ann.id, removed: { progress: 1, enrollments: 1 } },
    })
    expect(await call('GET', `/enrollments/${id}`)).toMatchObject({ status: 404 })
    expect((await get(`/users/${ann.id}/transcript`)).courses).toEqual([])
  })

  it('answer a repetition as the first time, until the person is erased', async () => {
    const { course } = await place()
    const ann = await user()
    const send = () =>
      call('POST', '/enrollments', { user_id: ann.id, course_id: course.id }, { 'idempotency-key': 'enroll-1' })
    const first = await send()
    expect(await send()).toMatchObject({ status: 201, json: first.json })
    await call('DELETE', `/users/${ann.id}`)
    await call('POST', '/erasures', { operation: 'purge', subjects: [{ id: ann.id }] })
    await http.startWorkers()
    while ((await call('GET', `/users/${ann.id}`)).status !== 404) await new Promise((next) => setTimeout(next, 20))
    await http.stopWorkers()
    expect(await send()).toMatchObject({ status: 409, json: { code: 'idempotency.erased' } })
  })
})

describe('/api/v1/users/:id/transcript', () => {
  it('is JSON and CSV with the same content, formulas guarded', async () => {
    const { catalog } = await place()
    const course = await made('/courses', { catalog_id: catalog.id, title: '=1+1' })
    const ann = await user()
    const { id } = await made('/enrollments', { user_id: ann.id, course_id: course.id })
    await call('POST', `/enrollments/${id}/complete`, {})
    await call('POST', `/enrollments/${id}/certificates`, { number: '17' })
    const path = `/users/${ann.id}/transcript`
    const json = await call('GET', path)
    expect(json.headers.get('content-type')).toMatch(/^application\/json/)
    expect(json.json).toMatchObject({
      user_id: ann.id,
      courses: [{ id, course_id: course.id, title: '=1+1', catalog: 'Bakery', state: 'completed', progress: null }],
      training_plans: [],
      skills: [],
      certificates: [{ number: '17', title: '=1+1', issued_by: null }],
    })
    const csv = await call('GET', path, undefined, { accept: 'text/csv' })
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(csv.headers.get('content-disposition')).toBe(`attachment; filename="transcript-${ann.id}.csv"`)
    expect(csv.headers.get('vary')).toMatch(/accept/)
    expect(parse(csv.text, { columns: true })).toMatchObject([
      { kind: 'course', id, title: "'=1+1", state: 'completed', completed_at: json.json.courses[0].completed_at },
      { kind: 'certificate', number: '17' },
    ])
    expect((await call('GET', `${path}?format=csv`)).text).toBe(csv.text)
    const either = await call('GET', `${path}?format=json`, undefined, { accept: 'text/csv' })
    expect(either.json).toEqual(json.json)
    for (const accept of ['*/*', 'application/json, text/csv;q=0']) {
      expect((await call('GET', path, undefined, { accept })).json).toEqual(json.json)
    }
  })

  it('is for its learner, and for nobody else of that role', async () => {
    const [ann, bob] = [await http.person(tenant, 'learner'), await http.person(tenant, 'learner')]
    const read = async (who: Credential, whose: string, rest: string) =>
      (await http.call('GET', `/api/v1/users/${whose}/${rest}`, { as: who })).status
    for (const rest of ['transcript', 'transcript?format=csv', 'skills']) {
      expect([rest, await read(ann, ann.userId, rest)]).toEqual([rest, 200])
      expect([rest, await read(ann, bob.userId, rest)]).toEqual([rest, 403])
    }
    expect((await call('GET', `/users/${unknown}/transcript`)).status).toBe(404)
  })
})
