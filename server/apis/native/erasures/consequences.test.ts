import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { waitForErasure } from '../../../erasure/requests/wait-for-erasure.ts'

let http: TestHttp
let tenant: string
let admin: Credential & { userId: string }
let officer: Credential & { userId: string }
beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
})
afterAll(() => http.close())

let tenants = 0
beforeEach(async () => {
  tenant = await http.tenant(`Acme ${++tenants}`)
  admin = await http.person(tenant, 'administrator')
  officer = await http.person(tenant, 'privacy_officer')
})

const call = (method: string, path: string, body?: unknown, as: Credential = admin) =>
  http.call(method, `/api/v1${path}`, { as, ...(body !== undefined && { body }) })
const get = async (path: string) => (await call('GET', path)).json

async function make(path: string, body: unknown): Promise<string> {
  const { status, json } = await call('POST', path, body)
  expect([path, status, json]).toEqual([path, 201, expect.anything()])
  return json.id
}

let people = 0
const person = (fields: object = {}) =>
  make('/users', { email: `person-${++people}@example.org`, display_name: `Person ${people}`, ...fields })

/** Somebody who wrote a course and a plan, teaches two sessions, one alone, and manages a user. */
async function pillar() {
  const [id, colleague] = [await person(), await person()]
  const report = await person({ manager_id: id })
  const catalog = await make('/catalogs', { title: 'Bakery' })
  const course = await make('/courses', { catalog_id: catalog, title: 'Bread', author_ids: [id] })
  const plan = await make('/training-plans', { catalog_id: catalog, title: 'Baker', course_ids: [], author_ids: [id] })
  const session = (title: string, instructors: string[], ends: object = {}) =>
    make(`/courses/${course}/sessions`, { title, instructor_ids: instructors, ...ends })
  const alone = await session('Alone', [id])
  await session('Together', [id, colleague])
  await session('Over', [id], { starts_at: '2020-01-01T09:00:00Z', ends_at: '2020-01-01T10:00:00Z' })
  await call('DELETE', `/users/${id}`)
  return { id, colleague, report, course, plan, alone }
}

const preview = async (id: string, as: Credential = admin, operation = 'purge') =>
  (await call('POST', '/erasures/preview', { operation, subjects: [{ id }] }, as)).json.consequences

async function purge(id: string): Promise<string> {
  const { json } = await call('POST', '/erasures', { operation: 'purge', subjects: [{ id }] })
  await waitForErasure(http.database, tenant, json.id, { until: 'certified' })
  return json.id
}

describe('what an erasure leaves behind', () => {
  it('is in the preview, and is so after the erasure', async () => {
    const { id, report, course, plan, alone } = await pillar()
    const system = { name: 'Payroll', contact_emails: ['payroll@example.org'], holds: 'names, salaries' }
    await make('/external-systems', system)
    const { display_name: name } = await get(`/users/${report}`)
    for (const operation of ['purge', 'anonymize']) {
      expect(await preview(id, admin, operation)).toMatchObject({
        successor: { id: admin.userId },
        authored_courses: 1,
        authored_training_plans: 1,
        courses_without_author: { total: 0, first: [] },
        training_plans_without_author: { total: 0, first: [] },
        sessions_without_instructor: {
          total: 1,
          first: [{ id: alone, title: 'Alone', course: 'Bread', course_id: course }],
        },
        people_without_manager: { total: 1, first: [{ id: report, display_name: name }] },
        external_systems: [system],
      })
    }

    const request = await purge(id)
    expect((await get(`/courses/${course}`)).authors).toMatchObject([{ id: admin.userId }])
    expect((await get(`/training-plans/${plan}`)).authors).toMatchObject([{ id: admin.userId }])
    const waiting = (await get('/sessions?without_instructor=true')).sessions
    expect(waiting.map((one: { id: string }) => one.id)).toEqual([alone])
    const alike = (await get('/users?without_manager=true&limit=1000')).users.map((user: { id: string }) => user.id)
    expect(alike).toContain(report)
    const { notifications } = await get(`/users/${admin.userId}/notifications`)
    const told = new Map(notifications.map((one: { kind: string; body: string }) => [one.kind, one.body]))
    expect(told.get('people_need_manager')).toContain('1 people have no manager')
    expect(told.get('erasure_done')).toContain(`Erasure request ${request}`)
    expect(told.get('erasure_done')).toContain('Payroll (payroll@example.org; names, salaries)')
  })

  it('names people only to those who may read users', async () => {
    const { id, report } = await pillar()
    const key = await http.key(tenant, 'read_only')
    expect((await preview(id, key)).people_without_manager.first).toMatchObject([
      { id: report, display_name: expect.any(String) },
    ])
    const { json } = await http.call('GET', '/api/v1/users', { as: officer })
    const named = json.users !== undefined
    const seen = (await preview(id, officer)).people_without_manager.first
    expect(seen).toMatchObject([{ id: report, display_name: named ? expect.any(String) : null }])
  })

  it('is a course without an author where no user can take it over', async () => {
    const { id, course, plan } = await pillar()
    const key = await http.key(tenant)
    await http.owner.query(`update users set roles = '{learner}' where tenant_id = $1`, [tenant])
    const found = await preview(id, key)
    expect(found).toMatchObject({
      successor: null,
      courses_without_author: { total: 1, first: [{ id: course, title: 'Bread' }] },
      training_plans_without_author: { total: 1, first: [{ id: plan, title: 'Baker' }] },
    })
  })

  it('leaves out what others still do, and everything of people who do nothing', async () => {
    const { colleague } = await pillar()
    await call('DELETE', `/users/${colleague}`)
    expect(await preview(colleague)).toMatchObject({
      authored_courses: 0,
      sessions_without_instructor: { total: 0, first: [] },
      people_without_manager: { total: 0, first: [] },
      external_systems: [],
    })
  })
})

describe('the register of external systems', () => {
  it('is kept by administrators and privacy officers, and belongs to one tenant', async () => {
    const id = await make('/external-systems', { name: 'CRM', holds: 'leads' })
    expect(await get(`/external-systems/${id}`)).toMatchObject({ name: 'CRM', contact_emails: [], holds: 'leads' })
    const changed = { contact_emails: ['New@Example.org'], holds: 'leads and calls' }
    expect((await call('PATCH', `/external-systems/${id}`, changed, officer)).json).toMatchObject({
      name: 'CRM',
      contact_emails: ['new@example.org'],
      holds: 'leads and calls',
    })
    expect((await call('PATCH', `/external-systems/${id}`, { contact_emails: ['nobody'] })).json.field).toBe(
      'contact_emails',
    )
    const other = await http.key(await http.tenant('Other'))
    expect((await call('GET', `/external-systems/${id}`, undefined, other)).status).toBe(404)
    expect((await call('DELETE', `/external-systems/${id}`)).status).toBe(204)
    expect((await get('/external-systems')).systems).toEqual([])
    expect((await call('DELETE', `/external-systems/${id}`)).status).toBe(404)
  })

  it('loses the address of a contact who is purged', async () => {
    const contact = await person({ email: 'answers@example.org' })
    const id = await make('/external-systems', {
      name: 'Wiki',
      contact_emails: ['answers@example.org', 'wiki@example.org'],
      holds: 'pages; ask answers@example.org',
    })
    await call('DELETE', `/users/${contact}`)
    await purge(contact)
    const { contact_emails, holds } = await get(`/external-systems/${id}`)
    expect(contact_emails).toEqual(['wiki@example.org'])
    expect(holds).not.toContain('answers@')
  })
})
