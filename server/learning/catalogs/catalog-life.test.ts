import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import { listAudit } from '../../audit/list-audit.ts'
import { createGroup } from '../../directory/create-group.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import type { User } from '../../people/accounts/user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import { awardSkill } from '../../skills/award-skill.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { createSkill } from '../../skills/create-skill.ts'
import { revokeSkill } from '../../skills/revoke-skill.ts'
import { showTranscript } from '../../views/transcript.ts'
import { transcriptCsv } from '../../views/transcript-csv.ts'
import { createCourse } from '../courses/create-course.ts'
import { createTrainingPlan } from '../courses/create-training-plan.ts'
import { completeEnrollment } from '../enrollments/complete-enrollment.ts'
import { enroll } from '../enrollments/enroll.ts'
import { issueCertificate } from '../enrollments/issue-certificate.ts'
import { recordProgress } from '../records/record-progress.ts'
import { addCatalogMembers, type CatalogRole } from './add-catalog-members.ts'
import {
  assignGroupToCatalog,
  assignGroupToCourse,
  unassignGroupFromCatalog,
  unassignGroupFromCourse,
} from './assign-groups.ts'
import { createCatalog } from './create-catalog.ts'
import { listCatalogMembers } from './list-catalog-members.ts'
import { listCatalogs } from './list-catalogs.ts'
import { removeCatalogMembers } from './remove-catalog-members.ts'
import { setCatalogRole } from './set-catalog-role.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let test: TestTenant
let elsewhere: string
beforeAll(async () => {
  test = await createTestTenant()
  await test.run(async (tx) => {
    const { id: catalogId } = await createCatalog(tx, { title: 'Zoo' })
    elsewhere = (await createCourse(tx, { catalogId, title: 'Lions' })).id
  })
})
afterAll(() => test.close())

/** A catalog with a course and a plan, and a group. */
async function place() {
  return await test.run(async (tx) => {
    const { id: catalogId } = await createCatalog(tx, { title: 'Bakery' })
    const { id: courseId } = await createCourse(tx, { catalogId, title: 'Bread' })
    const { id: planId } = await createTrainingPlan(tx, { catalogId, title: 'Baker', courseIds: [courseId] })
    const { id: groupId } = await createGroup(tx, { displayName: 'Bakers' })
    return { catalogId, courseId, planId, groupId }
  })
}

const add = (catalogId: string, users: User[], role?: CatalogRole) =>
  test.run((tx) => addCatalogMembers(tx, { catalogId, userIds: users.map(({ id }) => id), ...(role && { role }) }))
const remove = (catalogId: string, ...users: User[]) =>
  test.run((tx) => removeCatalogMembers(tx, { catalogId, userIds: users.map(({ id }) => id) }))
const members = async (catalogId: string) => (await test.run((tx) => listCatalogMembers(tx, { catalogId }))).members
const fill = (groupId: string, ...users: User[]) =>
  test.run((tx) => setGroupMembers(tx, { groupId, userIds: users.map(({ id }) => id) }))

describe('a user who is removed from a catalog', () => {
  it('is unenrolled from its courses and plans, keeps the records in the transcript, and is not listed', async () => {
    const { catalogId, courseId, planId } = await place()
    const [ann, bob] = [await test.user(), await test.user()]
    await add(catalogId, [ann, bob])
    for (const userId of [ann.id, bob.id]) {
      await test.run(async (tx) => {
        await enroll(tx, { userId, courseId })
        await enroll(tx, { userId, trainingPlanId: planId })
        await enroll(tx, { userId, courseId: elsewhere })
        await completeEnrollment(tx, { userId, courseId })
      })
    }
    expect(await remove(catalogId, ann)).toEqual([{ user_id: ann.id, removed: true, unenrolled: 2, still_through: [] }])
    expect((await members(catalogId)).map(({ id }) => id)).toEqual([bob.id])
    const transcript = await test.run((tx) => showTranscript(tx, ann.id))
    expect(transcript.courses).toMatchObject([
      { title: 'Lions', state: 'registered', enrolled: true },
      { title: 'Bread', state: 'completed', enrolled: false },
    ])
    expect(transcript.training_plans).toMatchObject([{ title: 'Baker', state: 'withdrawn', enrolled: false }])
    const ofBob = await test.run((tx) => showTranscript(tx, bob.id))
    expect([...ofBob.courses, ...ofBob.training_plans].every(({ enrolled }) => enrolled)).toBe(true)
  })

  it('stays listed as not added to the catalog while in it through a group', async () => {
    const { catalogId, courseId, groupId } = await place()
    const ann = await test.user()
    await add(catalogId, [ann])
    await fill(groupId, ann)
    await test.run((tx) => assignGroupToCatalog(tx, { catalogId, groupId }))
    await test.run((tx) => enroll(tx, { userId: ann.id, courseId }))
    const through = { group_id: groupId, display_name: 'Bakers' }
    expect(await members(catalogId)).toMatchObject([
      { id: ann.id, added_to_catalog: true, role: 'member', groups: [{ ...through, course_id: null }] },
    ])
    expect(await remove(catalogId, ann)).toEqual([
      { user_id: ann.id, removed: true, unenrolled: 1, still_through: [through] },
    ])
    expect(await members(catalogId)).toMatchObject([
      { id: ann.id, added_to_catalog: false, role: null, added_at: null, groups: [{ ...through, course_id: null }] },
    ])
    expect(await remove(catalogId, ann)).toEqual([
      { user_id: ann.id, removed: false, unenrolled: 0, still_through: [through] },
    ])
    await test.run((tx) => unassignGroupFromCatalog(tx, { catalogId, groupId }))
    expect(await members(catalogId)).toEqual([])
  })

  it('must be in it, and nobody is removed where one is not', async () => {
    const { catalogId } = await place()
    const [ann, bob] = [await test.user(), await test.user()]
    await add(catalogId, [ann])
    await expect(remove(catalogId, ann, bob)).rejects.toMatchObject({
      code: 'catalog.not_member',
      details: { ids: [bob.id] },
    })
    expect(await members(catalogId)).toHaveLength(1)
    await expect(remove(unknown, ann)).rejects.toMatchObject({ code: 'catalog.not_found' })
    await test.run((tx) => deleteUsers(tx, { userIds: [ann.id] }))
    await expect(remove(catalogId, ann)).rejects.toMatchObject({ code: 'user.wrong_state' })
  })

  it('is on record, with who did it', async () => {
    const { catalogId } = await place()
    const [ann, boss] = [await test.user(), await test.user({ roles: ['administrator'] })]
    await add(catalogId, [ann])
    await test.as(boss, (tx) => removeCatalogMembers(tx, { catalogId, userIds: [ann.id] }))
    const { entries } = await test.run((tx) => listAudit(tx, { subject: ann.id }))
    expect(entries[0]).toMatchObject({
      activity: 'CatalogMemberRemoved',
      object: { kind: 'catalog', id: catalogId },
      actor: { kind: 'user', id: boss.id },
      details: { role: 'member' },
    })
  })
})

describe('the list of a catalog', () => {
  it('has everybody once, in pages, whichever way they are in it', async () => {
    const { catalogId, courseId, groupId } = await place()
    const users: User[] = []
    for (let i = 0; i < 7; i++) users.push(await test.user())
    const group = await test.run((tx) => createGroup(tx, { displayName: 'Apprentices' }))
    await add(catalogId, users.slice(0, 3))
    await fill(groupId, ...users.slice(2, 5))
    await fill(group.id, ...users.slice(4, 7))
    await test.run((tx) => assignGroupToCatalog(tx, { catalogId, groupId }))
    await test.run((tx) => assignGroupToCourse(tx, { courseId, groupId: group.id }))
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await test.run((tx) => listCatalogMembers(tx, { catalogId, limit: 2, ...(after && { after }) }))
      expect(page.members.length).toBeGreaterThan(0)
      seen.push(...page.members.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    expect(seen).toEqual(users.map(({ id }) => id))
    const all = await members(catalogId)
    expect(
      all.map(({ added_to_catalog, groups }) => [added_to_catalog, groups.map((one) => one.display_name)]),
    ).toEqual([
      [true, []],
      [true, []],
      [true, ['Bakers']],
      [false, ['Bakers']],
      [false, ['Apprentices', 'Bakers']],
      [false, ['Apprentices']],
      [false, ['Apprentices']],
    ])
    expect(all[6]?.groups).toEqual([{ group_id: group.id, display_name: 'Apprentices', course_id: courseId }])
    await test.run((tx) => unassignGroupFromCourse(tx, { courseId, groupId: group.id }))
    expect(await members(catalogId)).toHaveLength(5)
  })

  it('leaves deleted users out until they are restored', async () => {
    const { catalogId, groupId } = await place()
    const [ann, bob] = [await test.user(), await test.user()]
    await add(catalogId, [ann])
    await fill(groupId, bob)
    await test.run((tx) => assignGroupToCatalog(tx, { catalogId, groupId }))
    const userIds = [ann.id, bob.id]
    await test.run((tx) => deleteUsers(tx, { userIds }))
    expect(await members(catalogId)).toEqual([])
    await test.run((tx) => restoreUsers(tx, { userIds }))
    expect(await members(catalogId)).toHaveLength(2)
  })

  it('refuses what is no page of a catalog', async () => {
    const { catalogId } = await place()
    for (const wrong of [{ limit: 0 }, { limit: 1001 }, { after: 'x' }, { catalogId: 'x' }]) {
      const listed = test.run((tx) => listCatalogMembers(tx, { catalogId, ...wrong }))
      await expect(listed).rejects.toMatchObject({ code: 'input.invalid' })
    }
  })
})

describe('administrators of a catalog', () => {
  it('are made of members and become members again', async () => {
    const { catalogId } = await place()
    const ann = await test.user()
    const role = (wanted: CatalogRole) =>
      test.run((tx) => setCatalogRole(tx, { catalogId, userId: ann.id, role: wanted }))
    await expect(role('administrator')).rejects.toMatchObject({ code: 'catalog.not_member' })
    await add(catalogId, [ann])
    expect(await role('administrator')).toEqual({ changed: true })
    expect(await role('administrator')).toEqual({ changed: false })
    expect((await test.run((tx) => listCatalogs(tx))).catalogs).toContainEqual(
      expect.objectContaining({
        id: catalogId,
        members: 1,
        administrators: 1,
        courses: 1,
        training_plans: 1,
        groups: 0,
      }),
    )
    expect(await role('member')).toEqual({ changed: true })
    const { entries } = await test.run((tx) => listAudit(tx, { subject: ann.id }))
    expect(entries.map(({ activity }) => activity).slice(0, 2)).toEqual([
      'CatalogAdminUnassigned',
      'CatalogAdminAssigned',
    ])
  })
})

describe('a transcript', () => {
  it('has courses with progress, plans, skills and certificates, with who did what', async () => {
    const boss = await test.user({ first_name: 'Bea', last_name: 'Boss' })
    const ann = await test.user()
    const catalog = await test.run((tx) => createCatalog(tx, { title: '=1+1' }))
    const modules = [
      { title: 'One', kind: 'page' },
      { title: 'Two', kind: 'page' },
    ]
    const course = await test.run((tx) => createCourse(tx, { catalogId: catalog.id, title: 'Bread; "white"', modules }))
    const at = new Date('2026-01-02T03:04:05Z')
    await test.as(boss, async (tx) => {
      const userId = ann.id
      await enroll(tx, { userId, courseId: course.id })
      await recordProgress(tx, [{ userId, moduleId: course.moduleIds[0] ?? '', percent: 50 }])
      await completeEnrollment(tx, { userId, courseId: course.id, at })
      await issueCertificate(tx, { userId, courseId: course.id, number: 'N-1', at })
      const levels = [{ title: 'High', value: 1 }]
      const scale = await createScaleSet(tx, { title: 'Scale', levels })
      const skillId = (await createSkill(tx, { title: 'Kneading', scaleSetId: scale.id })).id
      const award = { userId, skillId, levelId: scale.levelIds[0] ?? '' }
      await awardSkill(tx, { ...award, at })
      await revokeSkill(tx, { ...award, reason: '@hidden', at })
    })
    const transcript = await test.run((tx) => showTranscript(tx, ann.id))
    expect(transcript).toMatchObject({
      user_id: ann.id,
      courses: [{ title: 'Bread; "white"', state: 'completed', progress: 25, completed_at: at }],
      training_plans: [],
      skills: [
        {
          skill: 'Kneading',
          level: 'High',
          state: 'revoked',
          awarded_by: boss.id,
          revoked_at: at,
          revoked_by: boss.id,
          revoked_by_name: 'Bea Boss',
          revoke_reason: '@hidden',
        },
      ],
      certificates: [{ title: 'Bread; "white"', number: 'N-1', issued_by_name: 'Bea Boss' }],
    })
    const rows: Record<string, string>[] = parse(transcriptCsv(transcript), { columns: true })
    expect(rows).toMatchObject([
      { kind: 'course', title: 'Bread; "white"', catalog: "'=1+1", state: 'completed', progress: '25' },
      { kind: 'skill', title: 'Kneading', state: 'revoked', by: 'Bea Boss', reason: "'@hidden" },
      { kind: 'certificate', number: 'N-1', started_on: '2026-01-02T03:04:05.000Z' },
    ])
  })

  it('is nobody’s where the user is unknown', async () => {
    const shown = (id: string) => test.run((tx) => showTranscript(tx, id))
    await expect(shown(unknown)).rejects.toMatchObject({ code: 'user.not_found' })
    await expect(shown('x')).rejects.toMatchObject({ code: 'input.invalid' })
  })
})
