import type { TenantTransaction } from '../platform/database/transaction.ts'

/** An award of a skill, as the transcript has it. */
export type SkillRecord = {
  id: string
  skill_id: string
  skill: string
  level_id: string
  level: string
  level_value: number
  catalog_id: string | null
  state: 'held' | 'revoked'
  awarded_at: Date
  /** Who awarded and revoked it; null where no user did, or the user was purged. */
  awarded_by: string | null
  /** The API key, OAuth client or operator that awarded and revoked it, where no user did. */
  awarded_by_credential: string | null
  revoked_at: Date | null
  revoked_by: string | null
  revoked_by_credential: string | null
  revoke_reason: string | null
}

/** Every award of a skill to the user, revoked ones too, the newest first. */
export async function skillsOfUser(tx: TenantTransaction, userId: string): Promise<SkillRecord[]> {
  const { rows } = await tx.query<SkillRecord>(
    `select award.id, award.skill_id, skill.title as skill, award.level_id, level.title as level, level.value as level_value,
       skill.catalog_id, case when award.revoked_at is null then 'held' else 'revoked' end as state,
       award.awarded_at, award.awarded_by, award.revoked_at, award.revoked_by, award.revoke_reason,
       award.awarded_by_credential, award.revoked_by_credential
     from user_skills award
     join skills skill on skill.tenant_id = award.tenant_id and skill.id = award.skill_id
     join skill_levels level on level.tenant_id = award.tenant_id and level.id = award.level_id
     where award.tenant_id = $1 and award.user_id = $2
     order by award.awarded_at desc, award.id desc`,
    [tx.tenantId, userId],
    'skills_of_user',
  )
  return rows
}
