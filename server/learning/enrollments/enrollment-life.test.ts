import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import { listAudit } from '../../audit/list-audit.ts'
import type { User } from '../../people/accounts/user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { suspendUser } from '../../people/lifecycle/suspend-user.ts'
import { showTranscript } from '../../views/transcript.ts'
import { createCatalog } from '../catalogs/create-catalog.ts'
import { createCourse } from '../courses/create-course.ts'
import { createTrainingPlan } from '../courses/create-training-plan.ts'
import { recordActions } from '../records/record-actions.ts'
import { recordAttempts } from '../records/record-attempts.ts'
import { recordProgress } from '../records/record-progress.ts'
import { submitWork } from '../records/submit-work.ts'
import { completeEnrollment } from './complete-enrollment.ts'
import { enroll } from './enroll.ts'
import { issueCertificate } from './issue-certificate.ts'
import { purgeEnrollment } from './purge-enrollment.ts'
import { recordEnrollments } from './record-enrollments.ts'
import { unenroll } from './unenroll.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let test: TestTenant
let course: { id: string; moduleIds: string[]; assessmentIds: string[] }
let other: { id: string; moduleIds: string[]; assessmentIds: string[] }
let planId: string
beforeAll(async () => {
  test = await createTestTenant()
  await test.run(async (tx) => {
    const { id: catalogId } = await createCatalog(tx, { title: 'Catalog' })
    const parts = { modules: [{ title: 'M', kind: 'page' }], assessments: [{ title: 'A', kind: 'exam' }] }
    course = await createCourse(tx, { catalogId, title: 'Bread', ...parts })
    other = await createCourse(tx, { catalogId, title: 'Cake', ...parts })
    planId = (await createTrainingPlan(tx, { catalogId, title: 'Bakery', courseIds: [course.id] })).id
  })
})
afterAll(() => test.close())

const enrollIn = (user: User, courseId = course.id) => test.run((tx) => enroll(tx, { userId: user.id, courseId }))
const leave = (user: User, more: object = {}) =>
  test.run((tx) => unenroll(tx, { userId: user.id, courseId: course.id, ...more }))
const complete = (user: User, more: object = {}) =>
  test.run((tx) => completeEnrollment(tx, { userId: user.id, courseId: course.id, ...more }))
const coursesOf = async (user: User) => (await test.run((tx) => showTranscript(tx, user.id))).courses
const activitiesAbout = async (user: User) =>
  (await test.run((tx) => listAudit(tx, { subject: user.id }))).entries.map(({ activity }) => activity)

describe('an enrollment that is ended', () => {
  it('stays in the transcript as withdrawn, and another one may follow', async () => {
    const user = await test.user()
    const first = await enrollIn(user)
    const { id, unenrolledAt } = await leave(user, { note: 'moved away' })
    expect(id).toBe(first.id)
    expect(await coursesOf(user)).toMatchObject([
      { id: first.id, state: 'withdrawn', enrolled: false, unenrolled_at: unenrolledAt },
    ])
    const second = await enrollIn(user)
    expect(await coursesOf(user)).toMatchObject([
      { id: second.id, state: 'registered', enrolled: true, unenrolled_at: null },
      { id: first.id, state: 'withdrawn', enrolled: false },
    ])
    expect(await activitiesAbout(user)).toEqual(['UserEnrolled', 'UserUnenrolled', 'UserEnrolled', 'UserCreated'])
  })

  it('stays completed where it was', async () => {
    const user = await test.user()
    await enrollIn(user)
    const { completedAt } = await complete(user, { result: 'distinction', credits: 5 })
    await leave(user)
    expect(await coursesOf(user)).toMatchObject([
      { state: 'completed', result: 'distinction', credits: 5, completed_at: completedAt, enrolled: false },
    ])
  })

  it('is ended once, by two at the same time too', async () => {
    const user = await test.user()
    await enrollIn(user)
    const attempts = await Promise.allSettled([leave(user), leave(user)])
    expect(attempts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(leave(user)).rejects.toMatchObject({ code: 'enrollment.not_enrolled' })
  })

  it('is left alone by what is recorded later, which enrolls anew', async () => {
    const user = await test.user()
    const first = await enrollIn(user)
    await leave(user)
    const record = { userId: user.id, courseId: course.id, state: 'in_progress' as const }
    await test.run((tx) => recordEnrollments(tx, [record]))
    await test.run((tx) => recordEnrollments(tx, [{ ...record, state: 'failed' }]))
    const courses = await coursesOf(user)
    expect(courses.map(({ state, enrolled }) => ({ state, enrolled }))).toEqual([
      { state: 'failed', enrolled: true },
      { state: 'withdrawn', enrolled: false },
    ])
    expect(courses[1]?.id).toBe(first.id)
  })

  it('may be that of a suspended user, not of a deleted one, nor in what is neither course nor plan', async () => {
    const user = await test.user()
    await enrollIn(user)
    await test.run((tx) => enroll(tx, { userId: user.id, trainingPlanId: planId }))
    await test.run((tx) => suspendUser(tx, user.id))
    await test.run((tx) => unenroll(tx, { userId: user.id, trainingPlanId: planId }))
    await test.run((tx) => deleteUsers(tx, { userIds: [user.id] }))
    await expect(leave(user)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(leave(user, { trainingPlanId: planId })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(leave(user, { courseId: 'x' })).rejects.toMatchObject({
      code: 'input.invalid',
      details: { field: 'courseId' },
    })
  })
})

describe('a completion', () => {
  it('needs an enrollment, happens once, and lets a certificate follow', async () => {
    const user = await test.user()
    await expect(complete(user)).rejects.toMatchObject({ code: 'enrollment.not_enrolled', details: { in: 'course' } })
    await enrollIn(user)
    const certify = () => test.run((tx) => issueCertificate(tx, { userId: user.id, courseId: course.id }))
    await expect(certify()).rejects.toMatchObject({ code: 'enrollment.not_completed' })
    const { completedAt } = await complete(user, { at: new Date('2026-01-02T03:04:05Z') })
    expect(completedAt).toEqual(new Date('2026-01-02T03:04:05Z'))
    await expect(complete(user)).rejects.toMatchObject({ code: 'enrollment.completed' })
    await certify()
    expect(await activitiesAbout(user)).toEqual([
      'CertificateIssued',
      'EnrollmentCompleted',
      'UserEnrolled',
      'UserCreated',
    ])
  })

  it('is one of a training plan too', async () => {
    const user = await test.user()
    await test.run((tx) => enroll(tx, { userId: user.id, trainingPlanId: planId }))
    await test.run((tx) => completeEnrollment(tx, { userId: user.id, trainingPlanId: planId }))
    const { training_plans } = await test.run((tx) => showTranscript(tx, user.id))
    expect(training_plans).toMatchObject([{ title: 'Bakery', state: 'completed', result: 'pass' }])
  })
})

describe('a purge of one enrollment', () => {
  const leaveTraces = (user: User, of: typeof course) =>
    test.run(async (tx) => {
      const [moduleId = '', assessmentId = ''] = [of.moduleIds[0], of.assessmentIds[0]]
      const userId = user.id
      await enroll(tx, { userId, courseId: of.id })
      await recordProgress(tx, [{ userId, moduleId, percent: 100 }])
      await recordActions(tx, [{ userId, moduleId, happenedOn: '2026-01-01', clicks: 2 }])
      await recordAttempts(tx, [{ userId, assessmentId, score: 80 }])
      const files = [{ name: 'loaf.txt', mediaType: 'text/plain', content: Buffer.from('crust') }]
      await submitWork(tx, { userId, assessmentId, files })
      await completeEnrollment(tx, { userId, courseId: of.id })
      await issueCertificate(tx, { userId, courseId: of.id })
    })
  const rowsAbout = async (user: User) => {
    const counts: Record<string, number> = {}
    for (const table of Object.keys(everything)) {
      const { rows } = await test.owner.query(`select count(*)::int as count from ${table} where user_id = $1`, [
        user.id,
      ])
      counts[table] = rows[0].count
    }
    return counts
  }
  const everything = {
    progress: 1,
    record_actions: 1,
    assessment_attempts: 1,
    submission_file_chunks: 1,
    submission_files: 1,
    submissions: 1,
    issued_certificates: 1,
    enrollments: 1,
  }
  const purge = (id: string) => test.run((tx) => purgeEnrollment(tx, id))

  it('removes it with all that it left behind, and nothing of other courses and people', async () => {
    const [ann, bob] = [await test.user(), await test.user()]
    for (const user of [ann, bob]) await leaveTraces(user, course)
    await leaveTraces(ann, other)
    const { id } = await leave(ann)
    expect(await purge(id)).toEqual({ userId: ann.id, removed: everything })
    expect(await coursesOf(ann)).toMatchObject([{ course_id: other.id }])
    expect(await rowsAbout(ann)).toEqual(everything)
    expect(await rowsAbout(bob)).toEqual(everything)
    expect((await activitiesAbout(ann))[0]).toBe('EnrollmentPurged')
    await expect(purge(id)).rejects.toMatchObject({ code: 'enrollment.not_found' })
  })

  it('leaves the records to another enrollment in the same course', async () => {
    const user = await test.user()
    await leaveTraces(user, course)
    const { id } = await leave(user)
    await enrollIn(user)
    expect(await purge(id)).toEqual({ userId: user.id, removed: { enrollments: 1 } })
    expect(await rowsAbout(user)).toEqual(everything)
  })

  it('is refused while the enrollment is active', async () => {
    const user = await test.user()
    const { id } = await enrollIn(user)
    await expect(purge(id)).rejects.toMatchObject({ code: 'enrollment.active' })
    await complete(user)
    await expect(purge(id)).rejects.toMatchObject({ code: 'enrollment.active' })
    expect(await coursesOf(user)).toHaveLength(1)
    await expect(purge(unknown)).rejects.toMatchObject({ code: 'enrollment.not_found' })
    await expect(purge('1')).rejects.toMatchObject({ code: 'input.invalid' })
  })

  it('takes what was withdrawn by record, and what is of a plan', async () => {
    const user = await test.user()
    const record = { userId: user.id, trainingPlanId: planId, state: 'withdrawn' as const }
    await test.run((tx) => recordEnrollments(tx, [record]))
    const { training_plans } = await test.run((tx) => showTranscript(tx, user.id))
    expect(await purge(training_plans[0]?.id ?? '')).toEqual({ userId: user.id, removed: { enrollments: 1 } })
  })
})
