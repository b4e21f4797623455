import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type Row, type TenantRows } from '../../../test/rows.ts'
import { coursesNeedingAuthor, sessionsNeedingInstructor } from '../../learning/courses/unstaffed.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { waitForErasure } from '../requests/wait-for-erasure.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
})

const jane = { login_name: 'i:0#.f|membership|Jane.Doe@acme.example', email: 'jane.doe@acme.example', ref: 'emp-4711' }

async function read(table: string, where: Row = {}): Promise<Row[]> {
  const names = Object.keys(where)
  const { rows: found } = await test.owner.query(
    `select * from ${table} where ${['tenant_id', ...names].map((name, index) => `${name} = $${index + 1}`).join(' and ')}`,
    [rows.tenant, ...Object.values(where)],
  )
  return found
}

async function purge(ids: string[], requestedBy?: string) {
  const details = await test.purge(rows.tenant, ids, requestedBy)
  expect(details.failures).toEqual([])
  expect(details.state).toBe('completed')
  return details
}

describe('a course whose author is purged', () => {
  it('goes to the administrator who ordered the purge', async () => {
    await rows.administrator({ created_at: '2001-01-01' })
    const me = await rows.administrator({ created_at: '2020-01-01' })
    const author = await rows.deletedUser(jane)
    const course = await rows.course()
    await rows.insert('course_authors', { course_id: course, user_id: author })
    await purge([author], me)
    expect(await read('course_authors')).toMatchObject([{ course_id: course, user_id: me }])
  })

  it('goes to the longest-serving active administrator where no user ordered it', async () => {
    await rows.administrator({ created_at: '2001-01-01', state: 'suspended', suspended_at: new Date() })
    await rows.user({ created_at: '2002-01-01' })
    const eldest = await rows.administrator({ created_at: '2003-01-01' })
    await rows.administrator({ created_at: '2004-01-01' })
    const author = await rows.deletedUser({ ...jane, roles: ['administrator'], created_at: '2000-01-01' })
    const course = await rows.course()
    await rows.insert('course_authors', { course_id: course, user_id: author })
    const plan = await rows.insert('training_plans', { catalog_id: await rows.catalog(), title: 'A plan' })
    await rows.insert('training_plan_authors', { training_plan_id: plan, user_id: author })
    await purge([author])
    expect(await read('course_authors')).toMatchObject([{ course_id: course, user_id: eldest }])
    expect(await read('training_plan_authors')).toMatchObject([{ training_plan_id: plan, user_id: eldest }])
  })

  it('passes to the user who answers for the key that ordered it', async () => {
    await rows.administrator()
    const owner = await rows.user()
    const author = await rows.deletedUser(jane)
    const course = await rows.course()
    await rows.insert('course_authors', { course_id: course, user_id: author })
    const key = randomUUID()
    await rows.insert('api_keys', {
      ...{ id: key, name: 'HR system', prefix: 'lk_', access: 'full_control', owner_id: owner },
      secret_hash: Buffer.from(key),
    })
    const initiator = { from: 'api', credential: { kind: 'api_key', id: key } } as const
    const { request } = await inTenant(
      test.database,
      rows.tenant,
      (tx) => requestErasure(tx, { operation: 'purge', userIds: [author] }),
      { initiator },
    )
    await waitForErasure(test.database, rows.tenant, request, { until: 'certified' })
    expect(await read('course_authors')).toMatchObject([{ course_id: course, user_id: owner }])
  })

  it('is listed as in need of an author where there is nobody to take it', async () => {
    await rows.user()
    const author = await rows.deletedUser(jane)
    const course = await rows.course()
    await rows.insert('course_authors', { course_id: course, user_id: author })
    const inNeed = () => test.inTenant(rows.tenant, coursesNeedingAuthor)
    expect(await inNeed()).toEqual([])
    await purge([author])
    expect(await inNeed()).toEqual([course])
  })

  it('does not get the successor a second time', async () => {
    const me = await rows.administrator()
    const [author, coauthor] = [await rows.deletedUser(jane), await rows.deletedUser()]
    const course = await rows.course()
    for (const user of [author, coauthor, me]) await rows.insert('course_authors', { course_id: course, user_id: user })
    const details = await purge([author, coauthor], me)
    expect(await read('course_authors')).toMatchObject([{ course_id: course, user_id: me }])
    expect(details.receipt).toContainEqual({ table: 'course_authors', effect: 'reassigned', rows: 2 })
  })

  it('keeps its other authors', async () => {
    const me = await rows.administrator()
    const [author, other] = [await rows.deletedUser(jane), await rows.user()]
    const course = await rows.course()
    for (const user of [author, other]) await rows.insert('course_authors', { course_id: course, user_id: user })
    await purge([author], me)
    expect((await read('course_authors')).map(({ user_id }) => user_id).sort()).toEqual([me, other].sort())
  })
})

describe('a session whose instructor is purged', () => {
  const messages = async (user: string) =>
    (await read('notifications', { user_id: user })).filter(({ kind }) => kind === 'sessions_need_instructor')

  it('loses the instructor, is listed, and the active administrators are told once', async () => {
    const administrators = [await rows.administrator(), await rows.administrator()]
    const suspended = await rows.administrator({ state: 'suspended', suspended_at: new Date() })
    const learner = await rows.user()
    const instructor = await rows.deletedUser(jane)
    const session = await rows.session(await rows.course())
    await rows.insert('session_instructors', { session_id: session, user_id: instructor })
    await purge([instructor])
    expect(await read('session_instructors')).toEqual([])
    expect(await test.inTenant(rows.tenant, sessionsNeedingInstructor)).toEqual([session])
    for (const administrator of administrators) {
      expect(await messages(administrator)).toMatchObject([{ data: { sessions: [session] } }])
    }
    for (const other of [suspended, learner]) expect(await messages(other)).toEqual([])
  })

  it('troubles nobody where another instructor is left', async () => {
    const administrator = await rows.administrator()
    const [instructor, other] = [await rows.deletedUser(jane), await rows.user()]
    const course = await rows.course()
    const session = await rows.session(course)
    for (const user of [instructor, other]) {
      await rows.insert('session_instructors', { session_id: session, user_id: user })
    }
    // This one never had an instructor: no purge has anything to do with that.
    await rows.session(course)
    await purge([instructor])
    expect(await read('session_instructors')).toMatchObject([{ session_id: session, user_id: other }])
    expect(await messages(administrator)).toEqual([])
  })
})

describe('a post of a purged person', () => {
  it('becomes an empty placeholder, and the replies stay where they are', async () => {
    const [author, other] = [await rows.deletedUser(jane), await rows.user()]
    const course = await rows.course()
    const question = await rows.post(course, author, 'I am Jane, write to jane.doe@acme.example')
    const reply = await rows.post(course, other, 'Hello Jane', { parent_id: question })
    const own = await rows.post(course, author, 'Thank you', { parent_id: reply })
    const { receipt } = await purge([author])
    expect(receipt).toContainEqual({ table: 'posts', effect: 'emptied', rows: 2 })
    const posts = new Map((await read('posts')).map((post) => [post.id, post]))
    expect(posts.get(question)).toMatchObject({ author_id: null, body: '', parent_id: null })
    expect(posts.get(reply)).toMatchObject({ author_id: other, body: 'Hello Jane', parent_id: question })
    expect(posts.get(own)).toMatchObject({ author_id: null, body: '', parent_id: reply })
  })
})

it('forgets that the person awarded, graded, enrolled, managed, deleted, imported or founded something', async () => {
  const [actor, learner] = [await rows.deletedUser(jane), await rows.user()]
  const catalog = await rows.catalog()
  const course = await rows.course()
  const assessment = await rows.insert('assessments', { course_id: course, title: 'A test', kind: 'exam' })
  const scale = await rows.insert('skill_scale_sets', { title: 'A scale' })
  const level = await rows.insert('skill_levels', { scale_set_id: scale, title: 'Good', value: 1 })
  const skill = await rows.insert('skills', { scale_set_id: scale, title: 'A skill' })
  await test.owner.query('update tenants set created_by = $2 where id = $1', [rows.tenant, actor])
  await test.owner.query('update users set manager_id = $2, deleted_by = $2 where id = $1', [learner, actor])
  const planted: [table: string, values: Row, columns: string[]][] = [
    ['catalog_members', { catalog_id: catalog, user_id: learner }, ['added_by']],
    ['enrollments', { user_id: learner, course_id: course }, ['enrolled_by']],
    ['assessment_attempts', { user_id: learner, assessment_id: assessment }, ['graded_by']],
    ['submissions', { user_id: learner, assessment_id: assessment }, ['graded_by']],
    ['issued_certificates', { user_id: learner, course_id: course }, ['issued_by']],
    ['user_skills', { user_id: learner, skill_id: skill, level_id: level }, ['awarded_by', 'revoked_by']],
    ['import_runs', { format: 'users' }, ['started_by']],
    ['erasure_requests', { operation: 'purge', initiated_from: 'console', finished_at: new Date() }, ['requested_by']],
  ]
  for (const [table, values, columns] of planted) {
    await rows.insert(table, { ...values, ...Object.fromEntries(columns.map((column) => [column, actor])) })
  }
  const { receipt } = await purge([actor])
  for (const [table, values, columns] of planted) {
    const nulls = Object.fromEntries(columns.map((column) => [column, null]))
    expect(await read(table, values.user_id === undefined ? {} : { user_id: learner }), table).toContainEqual(
      expect.objectContaining(nulls),
    )
    for (const column of columns) {
      expect(receipt).toContainEqual({ table, effect: `cleared ${column}`, rows: 1 })
    }
  }
  expect(await read('users', { id: learner })).toMatchObject([{ manager_id: null, deleted_by: null }])
  const { rows: tenants } = await test.owner.query('select created_by from tenants where id = $1', [rows.tenant])
  expect(tenants).toEqual([{ created_by: null }])
})

describe('identifiers in other rows', () => {
  it('are taken out of lists of addresses, and the other addresses stay', async () => {
    const person = await rows.deletedUser(jane)
    const list = ['a@acme.example', 'jane.doe@acme.example', 'b@acme.example']
    const catalog = await rows.catalog({ contact_emails: list })
    const course = await rows.course({ contact_emails: list, reply_to_email: 'jane.doe@acme.example' })
    await rows.session(course, { contact_emails: ['jane.doe@acme.example'] })
    await purge([person])
    const left = ['a@acme.example', 'b@acme.example']
    expect(await read('catalogs', { id: catalog })).toMatchObject([{ contact_emails: left }])
    expect(await read('courses')).toMatchObject([{ contact_emails: left, reply_to_email: '[erased]' }])
    expect(await read('sessions')).toMatchObject([{ contact_emails: [] }])
  })

  it('are taken out of texts, however they are written, and every other word stays', async () => {
    const person = await rows.deletedUser({ ...jane, external_identity_id: 'ACME\\jane', ref: 'Élodie-42' })
    const author = await rows.user()
    const course = await rows.course()
    const texts: [written: string, left: string][] = [
      ['Ask JANE.DOE@acme.example, not x-jane.doe@acme.example.', 'Ask [erased], not x-jane.doe@acme.example.'],
      ['i:0#.f|membership|jane.doe@acme.example', 'i:0#.f|membership|[erased]'],
      ['mailto:jane.doe%40acme.example?x=1', 'mailto:[erased]?x=1'],
      ['Signed in as acme\\jane today', 'Signed in as [erased] today'],
      ['Her number is E\u0301LODIE-42!', 'Her number is [erased]!'],
      ['Jane Doe wrote it; jane.doe@acme.example.com did not', 'Jane Doe wrote it; jane.doe@acme.example.com did not'],
      ['jane.doe@elsewhere.example is somebody else', 'jane.doe@elsewhere.example is somebody else'],
      ['emp-47110 and emp-4711', 'emp-47110 and emp-4711'],
    ]
    const posts = []
    for (const [written] of texts) posts.push(await rows.post(course, author, written))
    await purge([person])
    const bodies = new Map((await read('posts')).map(({ id, body }) => [id, body]))
    expect(posts.map((id) => bodies.get(id))).toEqual(texts.map(([, left]) => left))
  })

  it('are taken out of JSON: values, keys, numbers, JSON within JSON; and nothing else in it changes', async () => {
    const person = await rows.deletedUser({
      email: 'jane.doe@acme.example',
      login_name: 'ACME\\jane',
      ref: '900719925474099312',
    })
    const before = `{
      "buddy": "jane.doe@acme.example", "jane.doe@acme.example": ["x", {"windows": "acme\\\\jane"}],
      "number": 900719925474099312, "negative": -900719925474099312,
      "innocent": [12345678901234567890, 1.10, 1e400, true, null, "Jane", "900719925474099313"],
      "nested": "{\\"to\\":\\"jane.doe\\\\u0040acme.example\\",\\"n\\":1.0}"
    }`
    const user = await rows.user({ custom_fields: before })
    await purge([person])
    const { rows: found } = await test.owner.query<{ left: string }>(
      `select custom_fields = $2::jsonb as same, custom_fields::text as left from users where id = $1`,
      [
        user,
        `{
          "buddy": "[erased]", "[erased]": ["x", {"windows": "[erased]"}], "number": null, "negative": null,
          "innocent": [12345678901234567890, 1.10, 1e400, true, null, "Jane", "900719925474099313"],
          "nested": "{\\"to\\":\\"[erased]\\",\\"n\\":1.0}"
        }`,
      ],
    )
    expect(found).toMatchObject([{ same: true }])
    // Equal numbers may be written differently: nothing else may be rewritten at all.
    expect(found[0]?.left).toContain('1.10')
  })

  it('are left alone where they are too short to be told from ordinary words', async () => {
    const person = await rows.deletedUser({ login_name: 'anna', ref: '2024' })
    const author = await rows.user()
    const post = await rows.post(await rows.course(), author, 'anna met anna in 2024')
    await purge([person])
    expect(await read('posts', { id: post })).toMatchObject([{ body: 'anna met anna in 2024' }])
  })

  it('stay where only a name stands: the preview lists the place, and the purge rewrites nothing', async () => {
    const person = await rows.deletedUser({ ...jane, first_name: 'Jane', last_name: 'Doe', display_name: 'Jane Doe' })
    const author = await rows.user()
    const post = await rows.post(await rows.course(), author, 'Jane Doe and I, Jane said')
    await rows.post(await rows.course(), author, 'Jane Doering is somebody else')
    await rows.post(await rows.course(), person, 'Jane Doe wrote this herself')
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    expect(preview.names).toEqual([{ table: 'posts', column: 'body', rows: 1 }])
    expect(preview.effects.map(({ effect }) => effect)).not.toContain('scrubbed body')
    await purge([person])
    expect(await read('posts', { id: post })).toMatchObject([{ body: 'Jane Doe and I, Jane said' }])
  })

  it('are not touched in another tenant', async () => {
    const other = await newTenant(test.owner)
    const [person, namesake] = [await rows.deletedUser(jane), await other.user(jane)]
    await other.catalog({ contact_emails: ['jane.doe@acme.example'], description: 'jane.doe@acme.example' })
    await purge([person])
    const { rows: catalogs } = await test.owner.query('select * from catalogs where tenant_id = $1', [other.tenant])
    expect(catalogs).toMatchObject([
      { contact_emails: ['jane.doe@acme.example'], description: 'jane.doe@acme.example' },
    ])
    const { rows: users } = await test.owner.query('select * from users where id = $1', [namesake])
    expect(users).toMatchObject([jane])
  })
})
