import { record } from '../audit/record.ts'
import { notify } from '../notify/notify.ts'
import { doneBy } from '../people/accounts/require-people.ts'
import { lockForChange } from '../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { LetheError } from '../platform/errors.ts'
import { requireText } from '../platform/validation/require-text.ts'
import { requirePast } from '../platform/validation/require-time.ts'
import { skillError } from './errors.ts'
import { requireSkillLevel } from './require-skill-level.ts'

export type SkillRevocation = {
  userId: string
  skillId: string
  levelId: string
  /** The catalog in which it is revoked: the skill is one of its own, or for all catalogs. Default: any. */
  catalogId?: string
  /** The user who revokes it. Default: who acts. */
  revokedBy?: string
  reason?: string
  /** When it happened, where that is recorded afterwards; not before the award. */
  at?: Date
}

/**
 * Revokes a skill at a level from an active or suspended user. The award stays, with who revoked it, when and why; the
 * time of a skill revoked before does not change. The user is notified, by e-mail too. Returns the award's id and the time.
 * Where it throws, nobody is notified and nothing is recorded.
 *
 * Throws `input.invalid`, `catalog.not_found`, `skill.not_found`, `skill.other_catalog`, `skill.level_not_found`,
 * `skill.not_held`, `skill.revoked`, `user.not_found`, `user.wrong_state`, `user.erasure_pending`,
 * `user.acting_erased`.
 */
export async function revokeSkill(
  tx: TenantTransaction,
  revocation: SkillRevocation,
): Promise<{ id: string; revokedAt: Date }> {
  const { userId, skillId, levelId, revokedBy, reason } = revocation
  const at = requirePast('at', revocation.at)
  const skill = await requireSkillLevel(tx, revocation)
  await lockForChange(tx, { userIds: [userId], act: 'relieved of a skill', from: ['active', 'suspended'] })
  const by = await doneBy(tx, 'revokedBy', revokedBy)
  const { rows } = await tx.query<{ id: string; revoked_at: Date }>(
    `update user_skills
     set revoked_at = greatest(awarded_at, coalesce($5, now())), revoked_by = $6, revoke_reason = $7,
       revoked_by_credential = $8
     where tenant_id = $1 and user_id = $2 and skill_id = $3 and level_id = $4 and revoked_at is null
     returning id, revoked_at`,
    [
      tx.tenantId,
      userId,
      skillId,
      levelId,
      at ?? null,
      by.userId,
      reason === undefined ? null : requireText('reason', reason),
      by.credentialId,
    ],
    'revoke_skill',
  )
  const [revoked] = rows
  if (revoked === undefined) throw await notRevocable(tx, { userId, skillId, levelId })
  await record(tx, { activity: 'SkillRevoked', object: skillId, subject: userId, values: { level: levelId } })
  await notify(
    tx,
    [userId],
    {
      kind: 'skill_revoked',
      subject: 'Skill revoked',
      body: `Your skill "${skill.title}" at the level "${skill.levelTitle}" was revoked. It stays in your transcript, marked as revoked.`,
      data: { skill_id: skillId, level_id: levelId, revoked_at: revoked.revoked_at.toISOString() },
    },
    { byEmail: true },
  )
  return { id: revoked.id, revokedAt: revoked.revoked_at }
}

async function notRevocable(
  tx: TenantTransaction,
  options: { userId: string; skillId: string; levelId: string },
): Promise<LetheError> {
  const { rows } = await tx.query<{ revoked_at: Date | null }>(
    `select max(revoked_at) as revoked_at from user_skills
     where tenant_id = $1 and user_id = $2 and skill_id = $3 and level_id = $4`,
    [tx.tenantId, options.userId, options.skillId, options.levelId],
  )
  const revokedAt = rows[0]?.revoked_at
  if (revokedAt == null) return skillError('skill.not_held')
  return skillError('skill.revoked', { revokedAt: revokedAt.toISOString() })
}
