import { record } from '../audit/record.ts'
import { requirePresent } from '../learning/require-present.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { requireLine, requireText } from '../platform/require-text.ts'
import { requireUuid } from '../platform/require-uuid.ts'

export type NewSkill = {
  title: string
  /** The scale on which it is measured. */
  scaleSetId: string
  /** Without one: for every catalog of the tenant. */
  catalogId?: string
  description?: string
}

/** Creates a skill. Returns its id. Throws `input.invalid`, `scale_set.not_found`, `catalog.not_found`. */
export async function createSkill(tx: TenantTransaction, skill: NewSkill): Promise<{ id: string }> {
  const { scaleSetId, catalogId, description } = skill
  const scaleSet = await tx.db
    .selectFrom('skill_scale_sets')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', requireUuid('scaleSetId', scaleSetId))
    .executeTakeFirst()
  if (scaleSet === undefined) throw new LetheError('scale_set.not_found', { id: scaleSetId })
  if (catalogId !== undefined) await requirePresent(tx, 'catalog', [catalogId])
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
