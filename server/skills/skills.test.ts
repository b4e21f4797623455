import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../test/people.ts'
import { listAudit } from '../audit/list-audit.ts'
import { createCatalog } from '../learning/catalogs/create-catalog.ts'
import type { User } from '../people/accounts/user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import { awardSkill } from './award-skill.ts'
import { deleteScaleSet, updateScaleSet } from './change-scale-set.ts'
import { deleteSkill, updateSkill } from './change-skill.ts'
import { createScaleSet } from './create-scale-set.ts'
import { createSkill } from './create-skill.ts'
import { listScaleSets, listSkills } from './list-skills.ts'
import { revokeSkill } from './revoke-skill.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let test: TestTenant
let boss: User
let skillId: string
let levelId: string
let higher: string
beforeAll(async () => {
  test = await createTestTenant()
  boss = await test.user({ roles: ['administrator'] })
  await test.run(async (tx) => {
    const levels = [
      { title: 'Expert', value: 5 },
      { title: 'Beginner', value: 1 },
    ]
    const scale = await createScaleSet(tx, { title: 'Scale', levels })
    ;[higher = '', levelId = ''] = scale.levelIds
    skillId = (await createSkill(tx, { title: 'Juggling', scaleSetId: scale.id })).id
  })
})
afterAll(() => test.close())

const award = (user: User, more: object = {}) =>
  test.run((tx) => awardSkill(tx, { userId: user.id, skillId, levelId, awardedBy: boss.id, ...more }))
const revoke = (user: User, more: object = {}) =>
  test.run((tx) => revokeSkill(tx, { userId: user.id, skillId, levelId, revokedBy: boss.id, ...more }))
const historyOf = async (user: User) =>
  (
    await test.owner.query(
      `select id, awarded_by, revoked_at, revoked_by, revoke_reason from user_skills where user_id = $1 order by awarded_at`,
      [user.id],
    )
  ).rows

describe('a skill', () => {
  it('stays after a revoke, with when, by whom and why; an award after it is a new one', async () => {
    const user = await test.user()
    const first = await award(user)
    const { id, revokedAt } = await revoke(user, { reason: 'Dropped the balls' })
    expect(id).toBe(first.id)
    const revoked = { ...first, awarded_by: boss.id, revoked_at: revokedAt, revoked_by: boss.id }
    expect(await historyOf(user)).toEqual([{ ...revoked, revoke_reason: 'Dropped the balls' }])
    const second = await award(user)
    expect(await historyOf(user)).toEqual([
      { ...revoked, revoke_reason: 'Dropped the balls' },
      { ...second, awarded_by: boss.id, revoked_at: null, revoked_by: null, revoke_reason: null },
    ])
    expect(second.id).not.toBe(first.id)
  })

  it('is held once at a level, and at another level besides', async () => {
    const user = await test.user()
    const attempts = await Promise.allSettled([award(user), award(user)])
    expect(attempts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(award(user)).rejects.toMatchObject({ code: 'skill.held' })
    await award(user, { levelId: higher })
    await revoke(user)
    expect((await historyOf(user)).map(({ revoked_at }) => revoked_at !== null)).toEqual([true, false])
  })

  it('cannot be revoked where it is not held, nor twice, and the first time stays', async () => {
    const user = await test.user()
    await expect(revoke(user)).rejects.toMatchObject({ code: 'skill.not_held' })
    await award(user)
    const { revokedAt } = await revoke(user)
    await expect(revoke(user, { reason: 'again' })).rejects.toMatchObject({
      code: 'skill.revoked',
      details: { revokedAt: revokedAt.toISOString() },
    })
    expect(await historyOf(user)).toMatchObject([{ revoked_at: revokedAt, revoke_reason: null }])
  })

  it('is not revoked before it was awarded', async () => {
    const user = await test.user()
    const at = new Date('2026-01-02T00:00:00Z')
    await award(user, { at })
    expect((await revoke(user, { at: new Date('2026-01-01T00:00:00Z') })).revokedAt).toEqual(at)
  })

  it('is awarded to active users only, and revoked from suspended ones too, but not from deleted ones', async () => {
    const user = await test.user()
    await award(user)
    await award(user, { levelId: higher })
    await test.run((tx) => suspendUser(tx, user.id))
    await expect(award(user)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await revoke(user)
    await test.run((tx) => deleteUsers(tx, { userIds: [user.id] }))
    await expect(award(user)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(revoke(user, { levelId: higher })).rejects.toMatchObject({ code: 'user.wrong_state' })
  })

  it('is one of the tenant, at a level of its own scale', async () => {
    const user = await test.user()
    const other = await test.run((tx) => createScaleSet(tx, { title: 'Other', levels: [{ title: 'One', value: 1 }] }))
    await expect(award(user, { levelId: other.levelIds[0] })).rejects.toMatchObject({ code: 'skill.level_not_found' })
    await expect(award(user, { skillId: unknown })).rejects.toMatchObject({ code: 'skill.not_found' })
    const homeless = test.run((tx) => createSkill(tx, { title: 'Skill', scaleSetId: unknown }))
    await expect(homeless).rejects.toMatchObject({ code: 'scale_set.not_found' })
  })

  it('is awarded and revoked in its own catalog or, being for all, in any', async () => {
    const user = await test.user()
    const [own, foreign] = [await catalog(), await catalog()]
    const scaleSetId = (await scales())[0]?.id ?? ''
    const { id } = await test.run((tx) => createSkill(tx, { title: 'Baking', scaleSetId, catalogId: own }))
    await award(user, { skillId: id, catalogId: own })
    const otherCatalog = { code: 'skill.other_catalog' }
    const wrong = { skillId: id, catalogId: foreign }
    await expect(award(user, { ...wrong, levelId: higher })).rejects.toMatchObject(otherCatalog)
    await expect(revoke(user, wrong)).rejects.toMatchObject(otherCatalog)
    await expect(revoke(user, { skillId: id, catalogId: unknown })).rejects.toMatchObject({ code: 'catalog.not_found' })
    await revoke(user, { skillId: id, catalogId: own })
    await award(user, { catalogId: own })
    await revoke(user, { catalogId: foreign })
  })

  it('notifies the learner of a revoke and records it, once, and where it is refused not at all', async () => {
    const user = await test.user()
    const foreign = await catalog()
    await award(user)
    const other = await test.run((tx) => createScaleSet(tx, { title: 'Other', levels: [{ title: 'One', value: 1 }] }))
    await expect(revoke(user, { skillId: 'no-uuid' })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(revoke(user, { levelId: 'no-uuid' })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(revoke(user, { levelId: other.levelIds[0] })).rejects.toMatchObject({ code: 'skill.level_not_found' })
    await expect(revoke(user, { levelId: higher })).rejects.toMatchObject({ code: 'skill.not_held' })
    await expect(revoke(user, { catalogId: unknown })).rejects.toMatchObject({ code: 'catalog.not_found' })
    expect(await told(user)).toEqual([])
    const { revokedAt } = await test.as(boss, (tx) => revokeSkill(tx, { userId: user.id, skillId, levelId }))
    await expect(revoke(user, { catalogId: foreign })).rejects.toMatchObject({ code: 'skill.revoked' })
    expect(await told(user)).toEqual([
      {
        kind: 'skill_revoked',
        subject: 'Skill revoked',
        body: expect.stringContaining('"Juggling" at the level "Beginner"'),
        data: { skill_id: skillId, level_id: levelId, revoked_at: revokedAt.toISOString() },
      },
    ])
    const { entries } = await test.run((tx) => listAudit(tx, { subject: user.id }))
    expect(entries.filter(({ activity }) => activity === 'SkillRevoked')).toMatchObject([
      {
        title: 'Skill was revoked from learner',
        object: { kind: 'skill', id: skillId },
        subject: user.id,
        actor: { kind: 'user', id: boss.id },
        values: { level: levelId },
      },
    ])
    expect(await historyOf(user)).toMatchObject([{ revoked_by: boss.id }])
  })
})

const catalog = async () => (await test.run((tx) => createCatalog(tx, { title: 'Catalog' }))).id
const scales = (catalogId?: string) => test.run((tx) => listScaleSets(tx, { ...(catalogId && { catalogId }) }))
const told = async (user: User) =>
  (await test.owner.query('select kind, subject, body, data from notifications where user_id = $1', [user.id])).rows

describe('skills and scales', () => {
  const levels = [
    { title: 'High', value: 2 },
    { title: 'Low', value: 1, description: 'Can begin' },
  ]

  it('are listed for all catalogs and for one, with levels from the lowest, in pages', async () => {
    const [own, foreign] = [await catalog(), await catalog()]
    const { id: scaleSetId } = await test.run((tx) => createScaleSet(tx, { title: 'Own', catalogId: own, levels }))
    expect((await scales(own)).at(-1)).toMatchObject({
      id: scaleSetId,
      catalog_id: own,
      levels: [
        { title: 'Low', value: 1, description: 'Can begin' },
        { title: 'High', value: 2, description: null },
      ],
    })
    expect((await scales(foreign)).map(({ id }) => id)).not.toContain(scaleSetId)
    const { id } = await test.run((tx) => createSkill(tx, { title: 'Weaving', scaleSetId, catalogId: own }))
    const list = async (options: object) =>
      (await test.run((tx) => listSkills(tx, options))).skills.map((one) => one.id)
    expect(await list({ catalogId: own })).toEqual(expect.arrayContaining([id, skillId]))
    expect(await list({ catalogId: foreign })).not.toContain(id)
    expect(await list({ search: 'WEAV' })).toEqual([id])
    const first = await test.run((tx) => listSkills(tx, { limit: 1 }))
    expect(first.next).toBe(first.skills[0]?.id)
    expect(await list({ after: first.next, limit: 10_000 })).not.toContain(first.next)
  })

  it('of another catalog do not mix', async () => {
    const [own, foreign] = [await catalog(), await catalog()]
    const { id: scaleSetId } = await test.run((tx) => createScaleSet(tx, { title: 'Own', catalogId: own, levels }))
    for (const place of [{}, { catalogId: foreign }]) {
      const created = test.run((tx) => createSkill(tx, { title: 'Skill', scaleSetId, ...place }))
      await expect(created).rejects.toMatchObject({ code: 'scale_set.other_catalog' })
    }
  })

  it('have one default for all and one for each catalog, the last one set', async () => {
    const own = await catalog()
    const make = (title: string, of: object = {}) =>
      test.run((tx) => createScaleSet(tx, { title, levels, isDefault: true, ...of }))
    const defaults = async () => (await scales(own)).filter(({ is_default }) => is_default).map(({ title }) => title)
    await Promise.all([make('First'), make('Second')])
    expect(await defaults()).toHaveLength(1)
    await make('Third')
    const { id } = await make('Own', { catalogId: own })
    expect((await defaults()).sort()).toEqual(['Own', 'Third'])
    await test.run((tx) => updateScaleSet(tx, { scaleSetId: id, catalogId: own, changes: { isDefault: false } }))
    expect(await defaults()).toEqual(['Third'])
  })

  it('keep the levels that were awarded, and take others in their place', async () => {
    const user = await test.user()
    const scale = await test.run((tx) => createScaleSet(tx, { title: 'Scale', levels }))
    const { id } = await test.run((tx) => createSkill(tx, { title: 'Skill', scaleSetId: scale.id }))
    const [high = '', low = ''] = scale.levelIds
    await award(user, { skillId: id, levelId: low })
    await revoke(user, { skillId: id, levelId: low })
    const change = (changes: object) => test.run((tx) => updateScaleSet(tx, { scaleSetId: scale.id, changes }))
    await expect(change({ levels: [{ title: 'Top', value: 2 }] })).rejects.toMatchObject({
      code: 'scale_set.level_in_use',
      details: { value: 1 },
    })
    await change({
      title: 'Steps',
      levels: [
        { title: 'Base', value: 1 },
        { title: 'Top', value: 9 },
      ],
    })
    const [now] = await test.run((tx) => listScaleSets(tx, { ids: [scale.id] }))
    expect(now).toMatchObject({ title: 'Steps', levels: [{ id: low, title: 'Base', description: null }, { value: 9 }] })
    expect(now?.levels.map((level) => level.id)).not.toContain(high)
  })

  it('are deleted only while nobody holds or held them and nothing is measured on them', async () => {
    const user = await test.user()
    const [own, foreign] = [await catalog(), await catalog()]
    const scale = await test.run((tx) => createScaleSet(tx, { title: 'Scale', catalogId: own, levels }))
    const other = await test.run((tx) => createScaleSet(tx, { title: 'Scale', catalogId: own, levels }))
    const skill = await test.run((tx) => createSkill(tx, { title: 'A', scaleSetId: scale.id, catalogId: own }))
    const of = { skillId: skill.id, catalogId: own }
    const removeSkill = (more: object = {}) => test.run((tx) => deleteSkill(tx, { ...of, ...more }))
    const removeScale = (scaleSetId: string) => test.run((tx) => deleteScaleSet(tx, { scaleSetId, catalogId: own }))
    await expect(removeScale(scale.id)).rejects.toMatchObject({ code: 'scale_set.in_use', details: { skills: 1 } })
    await expect(removeSkill({ catalogId: foreign })).rejects.toMatchObject({ code: 'skill.other_catalog' })
    const changes = { title: 'B', description: 'Bee', scaleSetId: other.id }
    await test.run((tx) => updateSkill(tx, { ...of, changes }))
    await removeScale(scale.id)
    await award(user, { skillId: skill.id, levelId: other.levelIds[0] })
    await expect(removeSkill()).rejects.toMatchObject({ code: 'skill.in_use' })
    const third = await test.run((tx) => createScaleSet(tx, { title: 'Scale', levels }))
    const moved = test.run((tx) => updateSkill(tx, { ...of, changes: { scaleSetId: third.id } }))
    await expect(moved).rejects.toMatchObject({ code: 'skill.in_use', details: { awards: 1 } })
    const { id } = await test.run((tx) => createSkill(tx, { title: 'C', scaleSetId: third.id }))
    await test.run((tx) => deleteSkill(tx, { skillId: id }))
    await expect(removeSkill({ skillId: id })).rejects.toMatchObject({ code: 'skill.not_found' })
  })
})
