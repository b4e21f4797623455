import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import type { User } from '../../people/accounts/user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { suspendUser } from '../../people/lifecycle/suspend-user.ts'
import { createCatalog } from '../catalogs/create-catalog.ts'
import { createCourse } from '../courses/create-course.ts'
import { createTrainingPlan } from '../courses/create-training-plan.ts'
import { rateCourse } from '../courses/rate-course.ts'
import { scheduleSession } from '../courses/schedule-session.ts'
import { writePost } from '../courses/write-post.ts'
import { issueCertificate } from '../enrollments/issue-certificate.ts'
import { recordEnrollments } from '../enrollments/record-enrollments.ts'
import { recordActions } from './record-actions.ts'
import { recordAttempts } from './record-attempts.ts'
import { recordProgress } from './record-progress.ts'
import { submitWork } from './submit-work.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let test: TestTenant
let ann: User
let bob: User
let suspended: User
let deleted: User
let course: { id: string; moduleIds: string[]; assessmentIds: string[] }
let moduleId: string
let assessmentId: string
let planId: string
beforeAll(async () => {
  test = await createTestTenant()
  ann = await test.user()
  bob = await test.user()
  suspended = await test.user()
  deleted = await test.user()
  await test.run((tx) => suspendUser(tx, suspended.id))
  await test.run((tx) => deleteUsers(tx, { userIds: [deleted.id] }))
  await test.run(async (tx) => {
    const catalog = await createCatalog(tx, { title: 'Catalog' })
    course = await createCourse(tx, {
      catalogId: catalog.id,
      title: 'Course',
      modules: [{ title: 'Module', kind: 'page' }],
      assessments: [{ title: 'Assessment', kind: 'exam' }],
    })
    const plan = await createTrainingPlan(tx, { catalogId: catalog.id, title: 'Plan', courseIds: [course.id] })
    planId = plan.id
  })
  moduleId = course.moduleIds[0] ?? ''
  assessmentId = course.assessmentIds[0] ?? ''
})
afterAll(() => test.close())

const rowsOf = async (text: string, ...values: unknown[]) => (await test.owner.query(text, values)).rows

describe('what is recorded about people', () => {
  const records = {
    enrollments: (userId: string) =>
      test.run((tx) => recordEnrollments(tx, [{ userId, courseId: course.id, state: 'registered' }])),
    progress: (userId: string) => test.run((tx) => recordProgress(tx, [{ userId, moduleId, percent: 1 }])),
    assessment_attempts: (userId: string) => test.run((tx) => recordAttempts(tx, [{ userId, assessmentId }])),
    record_actions: (userId: string) =>
      test.run((tx) => recordActions(tx, [{ userId, moduleId, happenedOn: '2026-01-01', clicks: 1 }])),
    posts: (authorId: string) => test.run((tx) => writePost(tx, { courseId: course.id, authorId, body: 'x' })),
    ratings: (userId: string) => test.run((tx) => rateCourse(tx, { userId, courseId: course.id, stars: 3 })),
    issued_certificates: (userId: string) => test.run((tx) => issueCertificate(tx, { userId, courseId: course.id })),
    submissions: (userId: string) => test.run((tx) => submitWork(tx, { userId, assessmentId })),
  }

  it.each(Object.entries(records))('is nothing in %s about those who are not active', async (_table, record) => {
    await expect(record(suspended.id)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(record(deleted.id)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(record(unknown)).rejects.toMatchObject({ code: 'user.not_found' })
  })

  it('is nothing at all where one of many is wrong', async () => {
    const before = await rowsOf('select count(*) from progress')
    const one = { userId: ann.id, moduleId, percent: 50 }
    for (const wrong of [
      { ...one, percent: 101 },
      { ...one, moduleId: unknown },
      { ...one, userId: deleted.id },
    ]) {
      await expect(test.run((tx) => recordProgress(tx, [one, wrong]))).rejects.toHaveProperty('code')
    }
    expect(await rowsOf('select count(*) from progress')).toEqual(before)
  })
})

describe('enrollments', () => {
  it('are created or brought to the state given, and keep what is left out', async () => {
    const session = await test.run((tx) => scheduleSession(tx, { courseId: course.id, title: 'Session' }))
    const at = new Date('2026-02-01T12:00:00Z')
    await test.run((tx) =>
      recordEnrollments(tx, [
        { userId: ann.id, courseId: course.id, sessionId: session.id, state: 'registered', registeredOn: '2026-01-01' },
        { userId: ann.id, trainingPlanId: planId, state: 'in_progress' },
        { userId: bob.id, courseId: course.id, state: 'in_progress' },
        { userId: bob.id, courseId: course.id, state: 'withdrawn', result: 'withdrawn' },
      ]),
    )
    const completed = [{ userId: ann.id, courseId: course.id, state: 'completed', completedAt: at } as const]
    expect(await test.run((tx) => recordEnrollments(tx, completed))).toEqual({ recorded: 1 })
    const rows = await rowsOf(
      `select user_id, state, registered_on::text, session_id, completed_at, withdrawn_on is not null as withdrawn
       from enrollments where course_id = $1 order by created_at, user_id`,
      course.id,
    )
    expect(rows).toHaveLength(2)
    expect(rows).toContainEqual({
      user_id: ann.id,
      state: 'completed',
      registered_on: '2026-01-01',
      session_id: session.id,
      completed_at: at,
      withdrawn: false,
    })
    expect(rows).toContainEqual(expect.objectContaining({ user_id: bob.id, state: 'withdrawn', withdrawn: true }))
  })

  it('are in a course or a training plan, and in a session of that course', async () => {
    const record = (place: object) =>
      test.run((tx) => recordEnrollments(tx, [{ userId: ann.id, state: 'registered', ...place }]))
    const other = await test.run(async (tx) => {
      const catalog = await createCatalog(tx, { title: 'Other' })
      const { id } = await createCourse(tx, { catalogId: catalog.id, title: 'Other' })
      return await scheduleSession(tx, { courseId: id, title: 'Other' })
    })
    await expect(record({})).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(record({ courseId: course.id, trainingPlanId: planId })).rejects.toMatchObject({
      code: 'input.invalid',
    })
    await expect(record({ courseId: course.id, sessionId: other.id })).rejects.toMatchObject({
      code: 'session.not_found',
    })
    await expect(record({ trainingPlanId: planId, sessionId: other.id })).rejects.toMatchObject({
      code: 'session.not_found',
    })
  })
})

describe('progress', () => {
  it('never goes back, whatever is recorded in whatever order', async () => {
    const record = fc.record({
      percent: fc.integer({ min: 0, max: 100 }),
      startedAt: fc.date({ min: new Date('2020-01-01'), max: new Date('2026-01-01'), noInvalidDate: true }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(record, { minLength: 1, maxLength: 4 }), { minLength: 1 }),
        async (batches) => {
          const { id: userId } = await test.user()
          for (const batch of batches) {
            await test.run((tx) =>
              recordProgress(
                tx,
                batch.map((given) => ({ userId, moduleId, ...given })),
              ),
            )
          }
          const all = batches.flat()
          const [row] = await rowsOf(
            'select percent, started_at, completed_at from progress where user_id = $1',
            userId,
          )
          expect(row.percent).toBe(Math.max(...all.map(({ percent }) => percent)))
          expect(row.started_at.getTime()).toBe(Math.min(...all.map(({ startedAt }) => startedAt.getTime())))
          expect(row.completed_at !== null).toBe(row.percent === 100)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('attempts', () => {
  it('of one user at one assessment are numbered on, in two transactions at once too', async () => {
    const userId = ann.id
    const twice = [
      { userId, assessmentId, score: 40.5, submittedOn: '2026-01-01' },
      { userId, assessmentId, score: 80, gradedBy: bob.id, feedback: 'Better' },
    ]
    await Promise.all([
      test.run((tx) => recordAttempts(tx, twice)),
      test.run((tx) => recordAttempts(tx, twice)),
      test.run((tx) => recordAttempts(tx, [{ userId: bob.id, assessmentId }])),
    ])
    const rows = await rowsOf(
      'select attempt, score::float from assessment_attempts where user_id = $1 order by 1',
      ann.id,
    )
    expect(rows).toEqual([
      { attempt: 1, score: 40.5 },
      { attempt: 2, score: 80 },
      { attempt: 3, score: 40.5 },
      { attempt: 4, score: 80 },
    ])
  })
})

describe('discussions and opinions', () => {
  it('lets a post answer one of the same course only', async () => {
    const post = (more: object = {}) =>
      test.run((tx) => writePost(tx, { courseId: course.id, authorId: ann.id, body: 'Hello\nyou', ...more }))
    const { id } = await post()
    const reply = await post({ parentId: id, authorId: bob.id })
    expect(await rowsOf('select parent_id, body from posts where id = $1', reply.id)).toEqual([
      { parent_id: id, body: 'Hello\nyou' },
    ])
    const catalogId = (await test.run((tx) => createCatalog(tx, { title: 'C' }))).id
    const other = await test.run((tx) => createCourse(tx, { catalogId, title: 'Other' }))
    await expect(post({ courseId: other.id, parentId: id })).rejects.toMatchObject({ code: 'post.not_found' })
    await expect(post({ at: new Date(Date.now() + 6 * 60_000) })).rejects.toMatchObject({
      code: 'input.invalid',
      details: { field: 'at' },
    })
  })

  it('keeps one rating of a user for a course, the last', async () => {
    const rate = (stars: number, comment?: string) =>
      test.run((tx) => rateCourse(tx, { userId: ann.id, courseId: course.id, stars, ...(comment && { comment }) }))
    await rate(2, 'Dull')
    await rate(5)
    expect(await rowsOf('select stars, comment from ratings where user_id = $1', ann.id)).toEqual([
      { stars: 5, comment: null },
    ])
    for (const stars of [0, 6, 2.5]) await expect(rate(stars)).rejects.toMatchObject({ code: 'input.invalid' })
  })
})

describe('certificates and submissions', () => {
  it('issues a certificate to those who have completed, and to nobody else', async () => {
    const { id: userId } = await test.user()
    const issue = () => test.run((tx) => issueCertificate(tx, { userId, courseId: course.id, number: 'C-1' }))
    const stand = (state: 'in_progress' | 'completed') =>
      test.run((tx) => recordEnrollments(tx, [{ userId, courseId: course.id, state }]))
    await expect(issue()).rejects.toMatchObject({ code: 'enrollment.not_completed', details: { of: 'course' } })
    await stand('in_progress')
    await expect(issue()).rejects.toMatchObject({ code: 'enrollment.not_completed' })
    await stand('completed')
    const { id } = await issue()
    expect(await rowsOf('select number from issued_certificates where id = $1', id)).toEqual([{ number: 'C-1' }])
  })

  it('gives a file back byte by byte from its chunks', async () => {
    const whole = new Uint8Array(700_001).map((_, index) => (index * 31) % 251)
    const content = whole.subarray(1)
    const files = [
      { name: 'drawing.bin', mediaType: 'application/octet-stream', content },
      { name: 'empty.txt', mediaType: 'text/plain', content: new Uint8Array() },
    ]
    const { id } = await test.run((tx) => submitWork(tx, { userId: ann.id, assessmentId, comment: 'Here', files }))
    const rows = await rowsOf(
      `select f.name, f.size::int, count(c.position)::int as chunks,
         coalesce(string_agg(c.content, '' order by c.position), '') as content
       from submission_files f left join submission_file_chunks c on c.file_id = f.id
       where f.submission_id = $1 group by f.id, f.name, f.size order by f.name`,
      id,
    )
    expect(rows).toEqual([
      { name: 'drawing.bin', size: 700_000, chunks: 3, content: Buffer.from(content) },
      { name: 'empty.txt', size: 0, chunks: 0, content: Buffer.alloc(0) },
    ])
  })
})
