import { record } from '../audit/record.ts'
import { doneBy } from '../people/accounts/require-people.ts'
import { requireActiveUser } from '../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requirePast } from '../platform/validation/require-time.ts'
import { skillError } from './errors.ts'
import { requireSkillLevel } from './require-skill-level.ts'

export type SkillAward = {
  userId: string
  skillId: string
  /** A level of the scale on which the skill is measured. */
  levelId: string
  /** The catalog in which it is awarded: the skill is one of its own, or for all catalogs. Default: any. */
  catalogId?: string
  /** The user who awards it. Default: who acts. */
  awardedBy?: string
  /** When it happened, where that is recorded afterwards. */
  at?: Date
}

/**
 * Awards a skill at a level to an active user. A level is held once; after a revoke, an award is a new one. Returns its
 * id.
 *
 * Throws `input.invalid`, `catalog.not_found`, `skill.not_found`, `skill.other_catalog`, `skill.level_not_found`,
 * `skill.held`, `user.not_found`, `user.wrong_state`, `user.acting_erased`.
 */
export async function awardSkill(tx: TenantTransaction, award: SkillAward): Promise<{ id: string }> {
  const { userId, skillId, levelId, awardedBy } = award
  const at = requirePast('at', award.at)
  await requireSkillLevel(tx, award)
  await requireActiveUser(tx, { userId, act: 'awarded a skill' })
  const by = await doneBy(tx, 'awardedBy', awardedBy)
  const { rows } = await tx.query<{ id: string }>(
    `insert into user_skills (tenant_id, user_id, skill_id, level_id, awarded_by, awarded_at, awarded_by_credential)
     values ($1, $2, $3, $4, $5, coalesce($6, now()), $7)
     on conflict (tenant_id, user_id, skill_id, level_id) where revoked_at is null do nothing
     returning id`,
    [tx.tenantId, userId, skillId, levelId, by.userId, at ?? null, by.credentialId],
    'award_skill',
  )
  const [awarded] = rows
  if (awarded === undefined) throw skillError('skill.held')
  await record(tx, { activity: 'SkillAwarded', object: skillId, subject: userId, values: { level: levelId } })
  return awarded
}
