import { record } from '../audit/record.ts'
import { lockForChange } from '../people/lock-users.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { requireText } from '../platform/require-text.ts'
import { requirePast } from '../platform/require-time.ts'
import { requireLevel } from './award-skill.ts'

export type SkillRevocation = {
  userId: string
  skillId: string
  levelId: string
  /** The user who revokes it. Default: who acts. */
  revokedBy?: string
  reason?: string
  /** When it happened, where that is recorded afterwards; not before the award. */
  at?: Date
}

/**
 * Revokes a skill at a level from an active or suspended user. The award stays, with who revoked it, when and why; the
 * time of a skill revoked before does not change. Returns the award's id.
 *
 * Throws `input.invalid`, `skill.not_found`, `skill.level_not_found`, `skill.not_held`, `skill.revoked`,
 * `user.not_found`, `user.wrong_state`, `user.erasure_pending`.
 */
export async function revokeSkill(
  tx: TenantTransaction,
  revocation: SkillRevocation,
): Promise<{ id: string; revokedAt: Date }> {
  const { userId, skillId, levelId, revokedBy, reason } = revocation
  const at = requirePast('at', revocation.at)
  await requireLevel(tx, { skillId, levelId })
  await lockForChange(tx, { userIds: [userId], act: 'relieved of a skill', from: ['active', 'suspended'] })
  const { rows } = await tx.query<{ id: string; revoked_at: Date }>(
    `update user_skills
     set revoked_at = greatest(awarded_at, coalesce($5, now())), revoked_by = $6, revoke_reason = $7
     where tenant_id = $1 and user_id = $2 and skill_id = $3 and level_id = $4 and revoked_at is null
     returning id, revoked_at`,
    [
      tx.tenantId,
      userId,
      skillId,
      levelId,
      at ?? null,
      revokedBy ?? tx.initiator.userId ?? null,
      reason === undefined ? null : requireText('reason', reason),
    ],
    'revoke_skill',
  )
  const [revoked] = rows
  if (revoked === undefined) throw await notRevocable(tx, { userId, skillId, levelId })
  await record(tx, { activity: 'SkillRevoked', object: skillId, subject: userId, values: { level: levelId } })
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
  if (revokedAt == null) return new LetheError('skill.not_held')
  return new LetheError('skill.revoked', { revokedAt: revokedAt.toISOString() })
}
