import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importUsers } from '../server/imports/users/import-users.ts'
import { type Credential, openTestHttp, type TestHttp } from './http.ts'

/*
 * The page "Purge users" of Adobe Learning Manager, step by step over the native API. The titles of the tests follow the
 * sentences of that page.
 */

let http: TestHttp
let tenant: string
let administrator: Credential & { userId: string }

beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
  tenant = await http.tenant('Purge users')
  administrator = await http.person(tenant, 'administrator')
})
afterAll(() => http.close())

async function api(method: string, address: string, body?: unknown) {
  const answer = await http.call(method, `/api/v1${address}`, {
    as: administrator,
    ...(body !== undefined && { body }),
  })
  if (answer.status >= 400) throw Object.assign(new Error(`${method} ${address}: ${answer.text}`), answer)
  return answer.json
}
const statusOf = async (address: string) => (await http.call('GET', `/api/v1${address}`, { as: administrator })).status

async function ended(id: string) {
  for (;;) {
    const erasure = await api('GET', `/erasures/${id}`)
    if (erasure.finished_at !== null) return erasure
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const messages = async () =>
  (await api('GET', `/users/${administrator.userId}/notifications?limit=100`)).notifications as {
    kind: string
    body: string
  }[]

const month = new Date().toISOString().slice(0, 7)

describe('How to purge users', () => {
  const leaver = {
    email: 'lea.leaver@purge.example',
    ref: 'leaver-4711',
    display_name: 'Lea Leaver',
    roles: ['learner', 'author', 'instructor'],
  }
  let user: string
  let course: string
  let session: string
  let run: string
  let connector: string

  beforeAll(async () => {
    user = (await api('POST', '/users', leaver)).id
    const catalog = (await api('POST', '/catalogs', { title: 'Safety' })).id
    course = (await api('POST', '/courses', { catalog_id: catalog, title: 'Ladders', author_ids: [user] })).id
    session = (await api('POST', `/courses/${course}/sessions`, { title: 'Monday', instructor_ids: [user] })).id
    await api('POST', '/enrollments', { user_id: user, course_id: course })
    await api('POST', '/external-systems', { name: 'Payroll', holds: 'Names and salaries' })
    const source = Readable.from([`ref,email,city\n${leaver.ref},${leaver.email},Bern\n`])
    const imported = await importUsers(http.database, tenant, { source, file: 'people.csv' })
    run = imported.run ?? ''
    connector = (
      await api('POST', '/connectors', {
        name: 'Directory',
        kind: 'https',
        address: 'https://directory.example/people.csv',
        run_as: administrator.userId,
        notify_emails: [leaver.email],
      })
    ).id
    await api('POST', `/connectors/${connector}/enable`)
  })

  it('a deleted user appears in the list of deleted users of that month, and can be restored until the purge', async () => {
    await api('DELETE', `/users/${user}`)
    const { users } = await api('GET', `/users?deleted_in=${month}&sort=ref`)
    expect(users.map(({ id }: { id: string }) => id)).toEqual([user])
    await api('POST', `/users/${user}/restore`, {})
    expect((await api('GET', `/users?deleted_in=${month}`)).users).toEqual([])
    await api('PUT', `/users/${user}/roles`, { roles: leaver.roles })
    await api('PATCH', `/courses/${course}`, { author_ids: [user] })
    await api('POST', '/sessions/reassign', { session_ids: [session], to_user_ids: [user] })
    await api('DELETE', `/users/${user}`)
  })

  it('a confirmation says what will happen before it happens', async () => {
    const preview = await api('POST', '/erasures/preview', { operation: 'purge', subjects: [{ id: user }] })
    expect(preview).toMatchObject({ people: 1, not_deleted: [], plan: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(preview.effects).toContainEqual({ table: 'enrollments', effect: 'deleted', rows: 1 })
    expect(preview.consequences).toMatchObject({
      successor: { id: administrator.userId },
      authored_courses: 1,
      sessions_without_instructor: { total: 1, first: [{ id: session }] },
      external_systems: [{ name: 'Payroll' }],
    })
    const tables = preview.effects.map(({ table, effect }: { table: string; effect: string }) => `${table}: ${effect}`)
    expect(tables).toEqual(expect.arrayContaining(['connectors: disabled', 'import_runs: destroyed file']))
    expect((await api('GET', `/users/${user}`)).state).toBe('deleted')
  })

  it('a purge request is accepted with an id, and a notification says when it is complete', async () => {
    const { plan } = await api('POST', '/erasures/preview', { operation: 'purge', subjects: [{ id: user }] })
    const { id } = await api('POST', '/erasures', { operation: 'purge', plan })
    const erasure = await ended(id)
    expect(erasure).toMatchObject({ id, state: 'completed', verdict: 'clean' })
    const about = (await messages()).filter(({ body }) => body.includes(id))
    expect(about.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['erasure_accepted', 'erasure_done']))
    expect(about.some(({ body }) => body.includes('Payroll'))).toBe(true)
  })

  it('the purged user cannot be restored, and no page shows the user', async () => {
    expect(await statusOf(`/users/${user}`)).toBe(404)
    expect(await statusOf(`/users/${user}/transcript`)).toBe(404)
    const restored = await http.call('POST', `/api/v1/users/${user}/restore`, { as: administrator, body: {} })
    expect(restored.status).toBe(404)
  })

  it('the link in the import log does not work any more', async () => {
    expect(await statusOf(`/imports/${run}`)).toBe(200)
    expect(await statusOf(`/imports/${run}/file`)).toBe(410)
    expect((await api('GET', `/imports/${run}/rows`)).rows).toBeDefined()
  })

  it('the author of the course is now the administrator who purged', async () => {
    const { authors } = await api('GET', `/courses/${course}`)
    expect(authors.map(({ id }: { id: string }) => id)).toEqual([administrator.userId])
  })

  it('the instructor is removed from the session, which can be given to another one', async () => {
    const without = await api('GET', '/sessions?without_instructor=true')
    expect(without.sessions.map(({ id }: { id: string }) => id)).toEqual([session])
    await api('POST', '/sessions/reassign', { without_instructor: true, to_user_ids: [administrator.userId] })
    expect((await api('GET', '/sessions?without_instructor=true')).sessions).toEqual([])
  })

  it('a connector that named the user is disabled until an administrator configures it again', async () => {
    expect(await api('GET', `/connectors/${connector}`)).toMatchObject({
      enabled: false,
      disabled_because: 'names_purged_person',
      notify_emails: [],
    })
    const refused = await http.call('POST', `/api/v1/connectors/${connector}/enable`, { as: administrator })
    expect(refused.status).toBe(409)
    await api('PATCH', `/connectors/${connector}`, { notify_emails: ['new.owner@purge.example'] })
    await api('POST', `/connectors/${connector}/enable`)
    expect(await api('GET', `/connectors/${connector}`)).toMatchObject({ enabled: true, disabled_because: null })
  })

  it('a user who is added back has the role of a learner, and no records', async () => {
    const { roles: _, ...again } = leaver
    const back = await api('POST', '/users', again)
    expect(back.id).not.toBe(user)
    expect((await api('GET', `/users/${back.id}`)).roles).toEqual(['learner'])
    expect((await api('GET', `/enrollments?user_id=${back.id}`)).enrollments).toEqual([])
  })
})

describe('Bulk purge of users', () => {
  it('all deleted users that a filter chooses are purged in one request, not only the first 50', async () => {
    const ids: string[] = []
    for (let n = 0; n < 60; n++) {
      const { id } = await api('POST', '/users', { ref: `bulk-${String(n).padStart(3, '0')}`, department: 'Closed' })
      await api('DELETE', `/users/${id}`)
      ids.push(id)
    }
    const page = await api('GET', `/users?deleted_in=${month}&department=Closed&sort=ref&order=descending&limit=50`)
    expect(page.users.map(({ ref }: { ref: string }) => ref).slice(0, 2)).toEqual(['bulk-059', 'bulk-058'])
    expect(page.next).not.toBeNull()
    const filter = { deleted_in: month, department: 'Closed' }
    const { plan, people } = await api('POST', '/erasures/preview', { operation: 'purge', filter })
    expect(people).toBe(60)
    const { id } = await api('POST', '/erasures', { operation: 'purge', filter, plan, expected_people: people })
    expect(await ended(id)).toMatchObject({ state: 'completed', people: { total: 60, done: 60 } })
    const outcome = await http.call('GET', `/api/v1/erasures/${id}/subjects`, {
      as: administrator,
      headers: { accept: 'text/csv' },
    })
    expect(outcome.text.trim().split('\n')).toHaveLength(61)
    for (const one of ids) expect(outcome.text).toContain(one)
  })
})
