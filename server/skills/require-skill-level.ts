import { requirePresent } from '../learning/require-existing.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { skillError } from './errors.ts'

/**
 * Makes sure that the skill exists, belongs to the catalog where one is given (skills for all catalogs belong to each),
 * and that the level is one of its scale's. Returns how they are called.
 *
 * Throws `input.invalid`, `catalog.not_found`, `skill.not_found`, `skill.other_catalog`, `skill.level_not_found`.
 */
export async function requireSkillLevel(
  tx: TenantTransaction,
  options: { skillId: string; levelId: string; catalogId?: string },
): Promise<{ title: string; levelTitle: string }> {
  const skillId = requireUuid('skillId', options.skillId)
  const levelId = requireUuid('levelId', options.levelId)
  const catalogId = options.catalogId === undefined ? undefined : requireUuid('catalogId', options.catalogId)
  const { rows } = await tx.query<{ title: string; catalog_id: string | null; level_title: string | null }>(
    `select skill.title, skill.catalog_id, level.title as level_title
     from skills skill
     left join skill_levels level
       on level.tenant_id = $1 and level.id = $3 and level.scale_set_id = skill.scale_set_id
     where skill.tenant_id = $1 and skill.id = $2`,
    [tx.tenantId, skillId, levelId],
    'require_skill_level',
  )
  const [skill] = rows
  // A skill that is the catalog's own proves that there is one.
  if (catalogId !== undefined && skill?.catalog_id !== catalogId) await requirePresent(tx, 'catalog', [catalogId])
  if (skill === undefined) throw skillError('skill.not_found', { id: skillId })
  if (catalogId !== undefined && skill.catalog_id !== null && skill.catalog_id !== catalogId) {
    throw skillError('skill.other_catalog', { id: skillId, catalog: catalogId })
  }
  if (skill.level_title === null) throw skillError('skill.level_not_found', { id: levelId })
  return { title: skill.title, levelTitle: skill.level_title }
}
