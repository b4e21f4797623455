import { lockForChange } from '../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { LetheError } from '../platform/errors.ts'
import { inputError } from '../platform/validation/errors.ts'
import { awardSkill } from './award-skill.ts'
import { skillError } from './errors.ts'
import { revokeSkill } from './revoke-skill.ts'

/** A skill by its title, and the value of the level that the user has from now on; -1: none. */
export type SkillSetting = { title: string; level: number }

/**
 * Brings an active user to these levels, in this order, all or none. A level that the user does not hold is awarded, and
 * higher ones are revoked; lower ones stay, as steps on the way. The level -1 revokes all levels of the skill.
 *
 * Throws `input.invalid` for a title that no skill has, and for a value that is none of the skill's scale. Its field has
 * the position of the setting, from 0: `value.0.level`. Throws `skill.ambiguous_title`, `user.not_found`, `user.wrong_state`,
 * `user.erasure_pending`, `user.acting_erased`.
 */
export async function setSkillLevels(
  tx: TenantTransaction,
  userId: string,
  settings: readonly SkillSetting[],
): Promise<void> {
  await lockForChange(tx, { userIds: [userId], act: 'awarded a skill', from: ['active'] })
  const skills = await readSkills(
    tx,
    settings.map(({ title }) => title),
  )
  for (const [position, { title, level }] of settings.entries()) {
    const skill = skillCalled(title, skills, position)
    const wanted = levelOf(skill, level, position)
    const held = await heldLevels(tx, userId, skill.id)
    for (const { id, value } of held) {
      if (value > level) await revokeSkill(tx, { userId, skillId: skill.id, levelId: id })
    }
    if (wanted !== undefined && !held.some(({ id }) => id === wanted)) {
      await awardSkill(tx, { userId, skillId: skill.id, levelId: wanted })
    }
  }
}

type Level = { id: string; value: number }
type Skill = { id: string; title: string; catalog_id: string | null; levels: Level[] }

async function readSkills(tx: TenantTransaction, titles: string[]): Promise<Skill[]> {
  const { rows } = await tx.query<Skill>(
    `select skill.id, skill.title, skill.catalog_id,
       (
         select coalesce(jsonb_agg(jsonb_build_object('id', level.id, 'value', level.value) order by level.value), '[]')
         from skill_levels level where level.tenant_id = $1 and level.scale_set_id = skill.scale_set_id
       ) as levels
     from skills skill
     where skill.tenant_id = $1 and skill.title = any ($2::text[])`,
    [tx.tenantId, titles],
    'skills_by_title',
  )
  return rows
}

/** A skill for all catalogs comes before those of one catalog. */
function skillCalled(title: string, skills: readonly Skill[], position: number): Skill {
  const called = skills.filter((skill) => skill.title === title)
  const shared = called.filter(({ catalog_id }) => catalog_id === null)
  const [only, ...others] = shared.length > 0 ? shared : called
  if (only === undefined) throw invalid(position, 'tagName', 'the title of a skill of this tenant is expected')
  if (others.length > 0) throw skillError('skill.ambiguous_title', { field: `value.${position}.tagName` })
  return only
}

function levelOf({ levels }: Skill, value: number, position: number): string | undefined {
  if (value === -1) return undefined
  const level = levels.find((one) => one.value === value)
  if (level !== undefined) return level.id
  throw invalid(
    position,
    'level',
    `-1 or a level of this skill is expected: ${levels.map((one) => one.value).join(', ')}`,
  )
}

async function heldLevels(tx: TenantTransaction, userId: string, skillId: string): Promise<Level[]> {
  const { rows } = await tx.query<Level>(
    `select level.id, level.value
     from user_skills award join skill_levels level on level.tenant_id = $1 and level.id = award.level_id
     where award.tenant_id = $1 and award.user_id = $2 and award.skill_id = $3 and award.revoked_at is null`,
    [tx.tenantId, userId, skillId],
    'held_levels',
  )
  return rows
}

function invalid(position: number, member: string, expected: string): LetheError {
  return inputError('input.invalid', { field: `value.${position}.${member}`, expected })
}
