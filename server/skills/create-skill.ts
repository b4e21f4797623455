import { record } from '../audit/record.ts'
import { requireOpen } from '../learning/require-existing.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireLine, requireText } from '../platform/validation/require-text.ts'
import { requireScaleSet } from './require-scale-set.ts'

export type NewSkill = {
  title: string
  /** The scale on which it is measured: of the same catalog, or for all catalogs. */
  scaleSetId: string
  /** Without one: for every catalog of the tenant. */
  catalogId?: string
  description?: string
}

/** Creates a skill. Returns its id. Throws `input.invalid`, `scale_set.not_found`, `scale_set.other_catalog`, `catalog.not_found`. */
export async function createSkill(tx: TenantTransaction, skill: NewSkill): Promise<{ id: string }> {
  const { scaleSetId, catalogId, description } = skill
  await requireScaleSet(tx, { scaleSetId, catalogId })
  if (catalogId !== undefined) await requireOpen(tx, 'catalog', [catalogId])
  const created = await tx.db
    .insertInto('skills')
    .values({
      tenant_id: tx.tenantId,
      scale_set_id: scaleSetId,
      catalog_id: catalogId ?? null,
      title: requireLine('title', skill.title),
      description: description === undefined ? null : requireText('description', description),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await record(tx, { activity: 'SkillCreated', object: created.id })
  return created
}
