import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../test/people.ts'
import { deleteUsers } from '../people/delete-users.ts'
import { suspendUser } from '../people/suspend-user.ts'
import type { User } from '../people/user.ts'
import { awardSkill } from './award-skill.ts'
import { createScaleSet } from './create-scale-set.ts'
import { createSkill } from './create-skill.ts'
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
})
