import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from '../../../../test/effort.ts'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

let http: TestHttp
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  key = await http.key(await http.tenant('Acme'))
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: unknown) =>
  http.call(method, `/api/v1${path}`, { as: key, ...(body !== undefined && { body }) })
const get = async (path: string) => (await call('GET', path)).json

/** Makes something and answers its id. */
async function make(path: string, body: unknown): Promise<string> {
  const { status, json } = await call('POST', path, body)
  expect([path, status, json]).toEqual([path, 201, expect.anything()])
  return json.id
}

let people = 0
const person = () => make('/users', { email: `person-${++people}@example.org`, display_name: `Person ${people}` })

async function place() {
  const catalog = await make('/catalogs', { title: 'Bakery', contact_emails: ['office@example.org'] })
  const course = await make('/courses', {
    catalog_id: catalog,
    title: 'Bread',
    description: 'Dough and oven',
    contact_emails: ['baker@example.org'],
    reply_to_email: 'reply@example.org',
    modules: [{ title: 'Dough', kind: 'video', week_from: 1 }],
    assessments: [{ title: 'Loaf', kind: 'exam', weight: 50 }],
  })
  const plan = await make('/training-plans', { catalog_id: catalog, title: 'Baker', course_ids: [course] })
  const session = await make(`/courses/${course}/sessions`, { title: 'Monday', location: 'Room 1' })
  return { catalog, course, plan, session }
}

describe('a change', () => {
  it('sets the given fields of a catalog, a course, a training plan and a session, clears those that are null, and leaves the rest', async () => {
    const { catalog, course, plan, session } = await place()
    const author = await person()
    const patched = async (path: string, body: object) => {
      const answer = await call('PATCH', path, body)
      expect(answer.status).toBe(200)
      expect(await get(path)).toEqual(answer.json)
      return answer.json
    }
    expect(await patched(`/catalogs/${catalog}`, { title: 'Mill', contact_emails: [] })).toMatchObject({
      title: 'Mill',
      description: null,
      contact_emails: [],
    })
    expect(
      await patched(`/courses/${course}`, {
        title: 'Rolls',
        reply_to_email: null,
        contact_emails: ['New@Example.org', 'new@example.org'],
        starts_on: '2026-03-02',
        length_days: 3,
        kind: 'classroom',
        external_key: 'rolls',
        author_ids: [author],
      }),
    ).toMatchObject({
      title: 'Rolls',
      description: 'Dough and oven',
      reply_to_email: null,
      contact_emails: ['new@example.org'],
      starts_on: '2026-03-02',
      length_days: 3,
      kind: 'classroom',
      external_key: 'rolls',
      authors: [{ id: author }],
    })
    expect(await patched(`/courses/${course}`, { author_ids: [], external_key: null })).toMatchObject({
      authors: [],
      external_key: null,
    })
    const other = await make('/courses', { catalog_id: catalog, title: 'Pretzel' })
    expect(
      await patched(`/training-plans/${plan}`, {
        title: 'Master',
        description: 'Years',
        contact_emails: ['plan@example.org'],
        course_ids: [other, course],
        author_ids: [author],
      }),
    ).toMatchObject({ title: 'Master', description: 'Years', courses: [{ id: other }, { id: course }] })
    expect(
      await patched(`/courses/${course}/sessions/${session}`, {
        title: 'Tuesday',
        location: null,
        starts_at: '2030-01-01T09:00:00Z',
        ends_at: '2030-01-01T10:00:00Z',
        instructor_ids: [author],
      }),
    ).toMatchObject({ title: 'Tuesday', location: null, instructors: [{ id: author }] })
    expect((await patched(`/courses/${course}/sessions/${session}`, { ends_at: null })).ends_at).toBe(null)
    expect(
      await call('PATCH', `/courses/${course}/sessions/${session}`, { ends_at: '2029-01-01T00:00:00Z' }),
    ).toMatchObject({ status: 422, json: { field: 'ends_at' } })
  })

  it('sets the fields of a module and an assessment of the course, and of no other course', async () => {
    const [one, other] = [await place(), await place()]
    const { modules, assessments } = await get(`/courses/${one.course}`)
    const path = (course: string) => [
      `/courses/${course}/modules/${modules[0].id}`,
      `/courses/${course}/assessments/${assessments[0].id}`,
    ]
    const [module = '', assessment = ''] = path(one.course)
    const changed = await call('PATCH', module, {
      title: 'Sourdough',
      kind: 'page',
      week_from: null,
      external_key: 'm',
    })
    expect(changed.json.modules).toMatchObject([
      { title: 'Sourdough', kind: 'page', week_from: null, external_key: 'm' },
    ])
    const graded = await call('PATCH', assessment, { title: 'Roll', kind: 'oral', weight: null, due_on: '2026-05-01' })
    expect(graded.json.assessments).toMatchObject([{ title: 'Roll', kind: 'oral', weight: null, due_on: '2026-05-01' }])
    for (const wrong of path(other.course)) expect((await call('PATCH', wrong, { title: 'x' })).status).toBe(404)
  })

  it('moves a course and a training plan to another catalog', async () => {
    const { catalog, course, plan } = await place()
    const other = await make('/catalogs', { title: 'Other' })
    for (const path of [`/courses/${course}`, `/training-plans/${plan}`]) {
      expect((await call('PATCH', path, { catalog_id: other })).json.catalog_id).toBe(other)
    }
    expect((await call('DELETE', `/catalogs/${catalog}`)).status).toBe(200)
    expect((await call('PATCH', `/courses/${course}`, { catalog_id: catalog })).json.code).toBe('catalog.not_found')
  })

  it('keeps an author who is suspended, and refuses a suspended user as a new one', async () => {
    const { course } = await place()
    const [author, fresh] = [await person(), await person()]
    await call('PATCH', `/courses/${course}`, { author_ids: [author] })
    for (const id of [author, fresh]) await call('POST', `/users/${id}/suspend`)
    expect((await call('PATCH', `/courses/${course}`, { author_ids: [author] })).status).toBe(200)
    expect(await call('PATCH', `/courses/${course}`, { author_ids: [author, fresh] })).toMatchObject({
      status: 409,
      json: { code: 'user.wrong_state' },
    })
  })
})

describe('the deletion of a course', () => {
  it('does what its preview counted, and takes away nothing that a learner earned', async () => {
    const { catalog, course, plan } = await place()
    const group = await make('/groups', { display_name: 'Bakers' })
    await call('PUT', `/courses/${course}/groups/${group}`)
    const [done, busy] = [await person(), await person()]
    const enrollment = await make('/enrollments', { user_id: done, course_id: course })
    await make('/enrollments', { user_id: busy, course_id: course })
    await call('POST', `/enrollments/${enrollment}/complete`, {})
    const certificate = await make(`/enrollments/${enrollment}/certificates`, {})
    const before = await get(`/users/${done}/transcript`)

    const preview = await get(`/courses/${course}/deletion`)
    expect(preview).toEqual({
      unenrolled: 2,
      completions: 1,
      certificates: 1,
      sessions: 1,
      training_plans: 1,
      groups: 1,
    })
    expect((await get(`/courses/${course}`)).deleted_at).toBe(null)
    expect(await call('DELETE', `/courses/${course}`)).toMatchObject({ status: 200, json: preview })

    const after = await get(`/users/${done}/transcript`)
    expect(after.certificates).toEqual(before.certificates)
    expect(after.courses).toMatchObject([{ title: 'Bread', catalog: 'Bakery', state: 'completed', enrolled: false }])
    expect((await get(`/users/${busy}/transcript`)).courses).toMatchObject([{ title: 'Bread', state: 'withdrawn' }])
    expect((await get(`/issued-certificates/${certificate}`)).id).toBe(certificate)
    expect(await get(`/courses/${course}`)).toMatchObject({
      title: 'Bread',
      deleted_at: expect.any(String),
      contact_emails: [],
      reply_to_email: null,
      modules: [{ title: 'Dough' }],
      sessions: 0,
    })
    expect((await get(`/courses?catalog_id=${catalog}`)).courses).toEqual([])
    expect((await get(`/training-plans/${plan}`)).courses).toEqual([])
    expect(
      (await get('/sessions')).sessions.filter(({ course_id }: { course_id: string }) => course_id === course),
    ).toEqual([])
  })

  it('ends what can be begun with it, and still lets its texts change', async () => {
    const { catalog, course } = await place()
    const user = await person()
    await call('DELETE', `/courses/${course}`)
    for (const [path, body] of [
      ['/enrollments', { user_id: user, course_id: course }],
      [`/courses/${course}/sessions`, { title: 'Late' }],
      [`/courses/${course}/posts`, { author_id: user, body: 'Late' }],
      ['/training-plans', { catalog_id: catalog, title: 'Late', course_ids: [course] }],
    ] as const) {
      expect([path, (await call('POST', path, body)).json.code]).toEqual([path, 'course.not_found'])
    }
    expect((await call('DELETE', `/courses/${course}`)).status).toBe(404)
    expect((await call('GET', `/courses/${course}/deletion`)).status).toBe(404)
    expect((await call('PATCH', `/courses/${course}`, { title: 'Old bread' })).json.title).toBe('Old bread')
  })

  it('leaves no active enrollment, whatever enrolls at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 2, maxLength: 6 }), async (early) => {
        const { course } = await place()
        const users = await Promise.all(early.map(person))
        const enroll = (user: string | undefined) => call('POST', '/enrollments', { user_id: user, course_id: course })
        await Promise.all(early.flatMap((now, index) => (now ? [enroll(users[index])] : [])))
        const [, ...late] = await Promise.all([
          call('DELETE', `/courses/${course}`),
          ...early.flatMap((now, index) => (now ? [] : [enroll(users[index])])),
        ])
        for (const { status } of late) expect([201, 404]).toContain(status)
        expect((await get(`/courses/${course}`)).enrolled).toBe(0)
      }),
      { numRuns: effort(5, 100) },
    )
  })
})

describe('the deletion of a training plan, a session and a catalog', () => {
  it('keeps the completions and certificates of a training plan, and its courses', async () => {
    const { course, plan } = await place()
    const user = await person()
    const enrollment = await make('/enrollments', { user_id: user, training_plan_id: plan })
    await call('POST', `/enrollments/${enrollment}/complete`, {})
    await make(`/enrollments/${enrollment}/certificates`, {})
    const preview = await get(`/training-plans/${plan}/deletion`)
    expect(preview).toEqual({ unenrolled: 1, completions: 1, certificates: 1, courses: 1 })
    expect((await call('DELETE', `/training-plans/${plan}`)).json).toEqual(preview)
    const transcript = await get(`/users/${user}/transcript`)
    expect(transcript.training_plans).toMatchObject([{ title: 'Baker', state: 'completed' }])
    expect(transcript.certificates).toMatchObject([{ title: 'Baker' }])
    expect((await get('/training-plans?limit=1000')).training_plans.map(({ id }: { id: string }) => id)).not.toContain(
      plan,
    )
    expect((await get(`/courses/${course}`)).deleted_at).toBe(null)
    expect((await call('DELETE', `/training-plans/${plan}`)).status).toBe(404)
  })

  it('keeps the enrollments of a session in the course', async () => {
    const { course, session } = await place()
    const [user, teacher] = [await person(), await person()]
    await call('PATCH', `/courses/${course}/sessions/${session}`, { instructor_ids: [teacher] })
    const enrollment = await make('/enrollments', { user_id: user, course_id: course, session_id: session })
    const preview = await get(`/courses/${course}/sessions/${session}/deletion`)
    expect(preview).toEqual({ instructors: 1, enrollments: 1 })
    expect((await call('DELETE', `/courses/${course}/sessions/${session}`)).json).toEqual(preview)
    expect((await get(`/courses/${course}/sessions`)).sessions).toEqual([])
    expect(await get(`/enrollments/${enrollment}`)).toMatchObject({ session_id: null, enrolled: true })
    const late = { user_id: await person(), course_id: course, session_id: session }
    expect((await call('POST', '/enrollments', late)).json.code).toBe('session.not_found')
  })

  it('is refused for a catalog with courses or training plans, and takes the catalog off the list', async () => {
    const { catalog, course, plan } = await place()
    expect(await call('DELETE', `/catalogs/${catalog}`)).toMatchObject({
      status: 409,
      json: { code: 'catalog.not_empty' },
    })
    await call('DELETE', `/courses/${course}`)
    expect((await call('DELETE', `/catalogs/${catalog}`)).status).toBe(409)
    await call('DELETE', `/training-plans/${plan}`)
    const preview = await get(`/catalogs/${catalog}/deletion`)
    expect(preview).toEqual({ courses: 0, training_plans: 0, members: 0, groups: 0 })
    expect((await call('DELETE', `/catalogs/${catalog}`)).json).toEqual(preview)
    expect((await get('/catalogs?limit=1000')).catalogs.map(({ id }: { id: string }) => id)).not.toContain(catalog)
    expect((await call('POST', '/courses', { catalog_id: catalog, title: 'x' })).json.code).toBe('catalog.not_found')
  })
})

describe('sessions without an instructor and courses without an author', () => {
  it('are listed, and get one in one step', async () => {
    const { course, plan, session } = await place()
    const [old, successor] = [await person(), await person()]
    const ids = async (path: string, name: string) =>
      ((await get(path))[name] as { id: string }[])
        .map(({ id }) => id)
        .filter((id) => [course, plan, session].includes(id))
    expect(await ids('/courses?without_author=true&limit=1000', 'courses')).toEqual([course])
    expect(await ids('/training-plans?without_author=true&limit=1000', 'training_plans')).toEqual([plan])
    expect(await ids('/sessions?without_instructor=true&limit=1000', 'sessions')).toEqual([session])
    await call('PATCH', `/courses/${course}`, { author_ids: [old] })
    await call('PATCH', `/training-plans/${plan}`, { author_ids: [old] })
    expect(await ids('/courses?without_author=true&limit=1000', 'courses')).toEqual([])
    expect(await ids('/training-plans?without_author=true&limit=1000', 'training_plans')).toEqual([])

    const reassign = (body: object) => call('POST', '/sessions/reassign', body)
    const all = await reassign({ without_instructor: true, to_user_ids: [old] })
    expect(all.json.sessions).toContain(session)
    expect(await ids('/sessions?without_instructor=true&limit=1000', 'sessions')).toEqual([])
    expect((await reassign({ from_user_id: old, to_user_ids: [successor] })).json.sessions).toContain(session)
    expect((await get(`/courses/${course}/sessions/${session}`)).instructors).toMatchObject([{ id: successor }])
    expect((await reassign({ session_ids: [session], to_user_ids: [old] })).json).toEqual({ sessions: [session] })
    expect((await get(`/courses/${course}/sessions/${session}`)).instructors).toMatchObject([{ id: old }])
    expect(await reassign({ session_ids: [session], from_user_id: old, to_user_ids: [old] })).toMatchObject({
      status: 422,
      json: { code: 'input.invalid', field: 'from_user_id' },
    })
    expect((await reassign({ session_ids: [course], to_user_ids: [old] })).json.code).toBe('session.not_found')
  })
})

describe('posts', () => {
  it('are written, listed, changed and deleted, and keep their replies', async () => {
    const { course } = await place()
    const [ann, bob] = [await person(), await person()]
    const posts = `/courses/${course}/posts`
    const question = await make(posts, { author_id: ann, body: 'Why?' })
    const reply = await make(posts, { author_id: bob, parent_id: question, body: 'Because.' })
    expect((await call('PATCH', `${posts}/${question}`, { body: 'Why so?' })).status).toBe(204)
    expect((await get(posts)).posts).toMatchObject([
      { id: question, author_id: ann, body: 'Why so?', edited_at: expect.any(String) },
      { id: reply, author_id: bob, parent_id: question },
    ])
    expect((await call('DELETE', `${posts}/${question}`)).json).toEqual({ replies: 1 })
    expect(await get(`${posts}/${question}`)).toMatchObject({ author_id: null, body: '' })
    expect((await call('DELETE', `${posts}/${reply}`)).json).toEqual({ replies: 0 })
    expect((await call('DELETE', `${posts}/${reply}`)).status).toBe(404)
  })
})
