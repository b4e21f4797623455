import { record } from '../audit/record.ts'
import { requireOpen } from '../learning/require-existing.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { addLevels, endDefault, type NewLevel, requireLevels } from './levels.ts'

export type NewScaleSet = {
  title: string
  /** Without one: for every catalog of the tenant. */
  catalogId?: string
  /** What is the default until now, for the same catalog or for all, is so no longer. */
  isDefault?: boolean
  /** A higher value is a higher level. */
  levels: readonly NewLevel[]
}

/**
 * Creates a scale on which skills are measured. Returns its id and those of its levels, in the order given.
 *
 * Throws `input.invalid` and `catalog.not_found`.
 */
export async function createScaleSet(
  tx: TenantTransaction,
  scaleSet: NewScaleSet,
): Promise<{ id: string; levelIds: string[] }> {
  const { catalogId } = scaleSet
  const levels = requireLevels(scaleSet.levels)
  if (catalogId !== undefined) await requireOpen(tx, 'catalog', [catalogId])
  if (scaleSet.isDefault === true) await endDefault(tx, catalogId ?? null)
  const { id } = await tx.db
    .insertInto('skill_scale_sets')
    .values({
      tenant_id: tx.tenantId,
      catalog_id: catalogId ?? null,
      title: requireLine('title', scaleSet.title),
      is_default: scaleSet.isDefault === true,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const levelIds = await addLevels(tx, id, levels)
  await record(tx, { activity: 'ScaleSetCreated', object: id, details: { levels: levels.length } })
  return { id, levelIds }
}
