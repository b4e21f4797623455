import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import { createGroup } from '../../directory/create-group.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import type { User } from '../../people/accounts/user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { suspendUser } from '../../people/lifecycle/suspend-user.ts'
import { addCatalogMembers } from '../catalogs/add-catalog-members.ts'
import { assignGroupToCatalog } from '../catalogs/assign-groups.ts'
import { createCatalog } from '../catalogs/create-catalog.ts'
import { createCourse } from '../courses/create-course.ts'
import { createTrainingPlan } from '../courses/create-training-plan.ts'
import { scheduleSession } from '../courses/schedule-session.ts'
import { countParticipation } from '../participation.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let test: TestTenant
let ann: User
let suspended: User
let deleted: User
let catalogId: string
beforeAll(async () => {
  test = await createTestTenant()
  ann = await test.user({ email: 'ann@example.org' })
  suspended = await test.user()
  deleted = await test.user()
  await test.run((tx) => suspendUser(tx, suspended.id))
  await test.run((tx) => deleteUsers(tx, { userIds: [deleted.id] }))
  catalogId = (await test.run((tx) => createCatalog(tx, { title: ' Catalog ' }))).id
})
afterAll(() => test.close())

describe('what courses are made of', () => {
  it('keeps contact addresses in lower case, each once, so that a purge finds them', async () => {
    const { id } = await test.run((tx) =>
      createCatalog(tx, { title: 'C', contactEmails: ['Ann@Example.org', 'ann@example.ORG', 'ΟΔΟΣ@example.org'] }),
    )
    const { rows } = await test.owner.query('select contact_emails from catalogs where id = $1', [id])
    expect(rows).toEqual([{ contact_emails: ['ann@example.org', 'οδοσ@example.org'] }])
  })

  it('creates a course with its parts, whose ids come in the order given', async () => {
    const course = await test.run((tx) =>
      createCourse(tx, {
        catalogId,
        title: 'Bread',
        kind: 'classroom',
        replyToEmail: 'Ann@example.org',
        startsOn: '2026-02-28',
        authorIds: [ann.id, ann.id],
        modules: [
          { title: 'Dough', kind: 'page', weekFrom: 0, weekTo: 2 },
          { title: 'Crust', kind: 'video' },
        ],
        assessments: [{ title: 'Loaf', kind: 'exam', weight: 62.5, dueOn: '2026-03-31' }],
      }),
    )
    const { rows } = await test.owner.query(
      `select c.reply_to_email, c.kind, a.user_id, w.weight, w.due_on::text,
         (select array_agg(title || ' ' || coalesce(week_from::text, '-') order by array_position($2, id)) from modules where course_id = c.id) as modules
       from courses c join course_authors a on a.course_id = c.id join assessments w on w.course_id = c.id and w.id = $3
       where c.id = $1`,
      [course.id, course.moduleIds, course.assessmentIds[0]],
    )
    expect(rows).toEqual([
      {
        reply_to_email: 'ann@example.org',
        kind: 'classroom',
        user_id: ann.id,
        weight: '62.5',
        due_on: '2026-03-31',
        modules: ['Dough 0', 'Crust -'],
      },
    ])
    const { id } = await test.run((tx) =>
      createTrainingPlan(tx, { catalogId, title: 'Bakery', courseIds: [course.id], authorIds: [ann.id] }),
    )
    const plan = await test.owner.query(
      'select position, user_id from training_plan_courses join training_plan_authors using (training_plan_id) where training_plan_id = $1',
      [id],
    )
    expect(plan.rows).toEqual([{ position: 1, user_id: ann.id }])
  })

  it.each([
    ['an author who is suspended', () => ({ authorIds: [suspended.id] }), 'user.wrong_state'],
    ['an author who is deleted', () => ({ authorIds: [ann.id, deleted.id] }), 'user.wrong_state'],
    ['an author whom nobody knows', () => ({ authorIds: [unknown] }), 'user.not_found'],
    ['an unknown catalog', () => ({ catalogId: unknown }), 'catalog.not_found'],
    ['a day that no calendar has', () => ({ startsOn: '2026-02-30' }), 'input.invalid'],
    ['an empty title', () => ({ title: ' ' }), 'input.invalid'],
    ['a contact without an address', () => ({ contactEmails: ['Ann'] }), 'input.invalid'],
    ['a negative weight', () => ({ assessments: [{ title: 'x', kind: 'x', weight: -1 }] }), 'input.invalid'],
  ])('refuses a course with %s and creates nothing', async (_name, change, code) => {
    const before = await test.owner.query('select count(*) from courses')
    const created = test.run((tx) => createCourse(tx, { catalogId, title: 'Course', ...change() }))
    await expect(created).rejects.toMatchObject({ code })
    expect((await test.owner.query('select count(*) from courses')).rows).toEqual(before.rows)
  })
})

describe('sessions', () => {
  it('are taught by active users and do not end before they start', async () => {
    const course = await test.run((tx) => createCourse(tx, { catalogId, title: 'Course' }))
    const schedule = (more: object) =>
      test.run((tx) => scheduleSession(tx, { courseId: course.id, title: 'Monday', ...more }))
    const startsAt = new Date('2026-03-02T09:00:00Z')
    const { id } = await schedule({ startsAt, endsAt: startsAt, instructorIds: [ann.id] })
    const { rows } = await test.owner.query('select user_id from session_instructors where session_id = $1', [id])
    expect(rows).toEqual([{ user_id: ann.id }])
    await expect(schedule({ instructorIds: [deleted.id] })).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(schedule({ startsAt, endsAt: new Date('2026-03-02T08:00:00Z') })).rejects.toMatchObject({
      code: 'input.invalid',
      details: { field: 'endsAt' },
    })
  })
})

describe('who sees a catalog', () => {
  it('is added once, and only while active', async () => {
    const add = (...users: User[]) =>
      test.run((tx) => addCatalogMembers(tx, { catalogId, userIds: users.map(({ id }) => id), addedBy: ann.id }))
    expect(await add(ann, ann)).toEqual({ added: 1 })
    expect(await add(ann)).toEqual({ added: 0 })
    await expect(add(ann, suspended)).rejects.toMatchObject({
      code: 'user.wrong_state',
      details: { state: 'suspended', ids: [suspended.id] },
    })
  })

  it('is everybody in a group that the catalog is assigned to', async () => {
    const bob = await test.user()
    const { id: groupId } = await test.run((tx) => createGroup(tx, { displayName: 'Bakers' }))
    await test.run((tx) => setGroupMembers(tx, { groupId, userIds: [bob.id] }))
    const assign = () => test.run((tx) => assignGroupToCatalog(tx, { catalogId, groupId }))
    expect(await assign()).toEqual({ assigned: true })
    expect(await assign()).toEqual({ assigned: false })
    const counts = await test.run((tx) => countParticipation(tx, { userId: bob.id, groupIds: [groupId] }))
    expect(counts.catalogs).toBe(1)
    const wrong = test.run((tx) => assignGroupToCatalog(tx, { catalogId, groupId: unknown }))
    await expect(wrong).rejects.toMatchObject({ code: 'group.not_found' })
  })
})
