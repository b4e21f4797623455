import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { changed } from '../platform/validation/change-columns.ts'
import { requireLine, requireText } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { skillError } from './errors.ts'
import { requireScaleSet } from './require-scale-set.ts'

export type SkillChanges = {
  title?: string
  description?: string | null
  scaleSetId?: string
  /** Its key in the data set that it was imported from. */
  externalKey?: string | null
}

/**
 * Changes the given fields of a skill; null clears the description or the external key. With a `catalogId`, the skill must be one of this
 * catalog's own.
 *
 * Throws `input.invalid`, `skill.not_found`, `skill.other_catalog`, `scale_set.not_found`, `scale_set.other_catalog`, and
 * `skill.in_use` for another scale where the skill was ever awarded.
 */
export async function updateSkill(
  tx: TenantTransaction,
  options: { skillId: string; catalogId?: string; changes: SkillChanges },
): Promise<void> {
  const { title, description, scaleSetId, externalKey } = options.changes
  const skill = await lockSkill(tx, options)
  if (scaleSetId !== undefined && requireUuid('scaleSetId', scaleSetId) !== skill.scale_set_id) {
    await requireScaleSet(tx, { scaleSetId, catalogId: skill.catalog_id })
    await requireNeverAwarded(tx, skill.id)
  }
  const set = {
    ...(title !== undefined && { title: requireLine('title', title) }),
    ...(description !== undefined && {
      description: description === null ? null : requireText('description', description),
    }),
    ...(scaleSetId !== undefined && { scale_set_id: scaleSetId }),
    ...(externalKey !== undefined && {
      external_key: changed(externalKey, (given) => requireLine('externalKey', given)),
    }),
  }
  if (Object.keys(set).length === 0) return
  await tx.db.updateTable('skills').set(set).where('tenant_id', '=', tx.tenantId).where('id', '=', skill.id).execute()
  await record(tx, { activity: 'SkillUpdated', object: skill.id, details: { columns: Object.keys(set) } })
}

/**
 * Deletes a skill that was never awarded. With a `catalogId`, the skill must be one of this catalog's own.
 *
 * Throws `input.invalid`, `skill.not_found`, `skill.other_catalog`, `skill.in_use`.
 */
export async function deleteSkill(
  tx: TenantTransaction,
  options: { skillId: string; catalogId?: string },
): Promise<void> {
  const skill = await lockSkill(tx, options)
  await requireNeverAwarded(tx, skill.id)
  await tx.query('delete from skills where tenant_id = $1 and id = $2', [tx.tenantId, skill.id])
  await record(tx, { activity: 'SkillDeleted', object: skill.id })
}

type LockedSkill = { id: string; catalog_id: string | null; scale_set_id: string }

/** Locks the skill so that nobody can award it meanwhile: an award shares the lock of its key. */
async function lockSkill(
  tx: TenantTransaction,
  options: { skillId: string; catalogId?: string },
): Promise<LockedSkill> {
  const { rows } = await tx.query<LockedSkill>(
    'select id, catalog_id, scale_set_id from skills where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, requireUuid('skillId', options.skillId)],
  )
  const [skill] = rows
  if (skill === undefined) throw skillError('skill.not_found', { id: options.skillId })
  const catalogId = options.catalogId === undefined ? undefined : requireUuid('catalogId', options.catalogId)
  if (catalogId !== undefined && skill.catalog_id !== catalogId) {
    throw skillError('skill.other_catalog', { id: skill.id, catalog: catalogId })
  }
  return skill
}

async function requireNeverAwarded(tx: TenantTransaction, skillId: string): Promise<void> {
  const { rows } = await tx.query<{ awards: number }>(
    'select count(*) as awards from user_skills where tenant_id = $1 and skill_id = $2',
    [tx.tenantId, skillId],
  )
  const awards = rows[0]?.awards ?? 0
  if (awards > 0) throw skillError('skill.in_use', { awards })
}
