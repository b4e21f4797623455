import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { changed } from '../platform/validation/change-columns.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { skillError } from './errors.ts'
import { addLevels, endDefault, type NewLevel, requireLevels } from './levels.ts'

export type ScaleSetChanges = {
  title?: string
  isDefault?: boolean
  /** Its key in the data set that it was imported from; null clears it. */
  externalKey?: string | null
  /** Replaces the levels; those of the same value stay the same level, with another title perhaps. */
  levels?: readonly NewLevel[]
}

/**
 * Changes the given fields of a scale. With a `catalogId`, the scale must be one of this catalog's own.
 *
 * Throws `input.invalid`, `scale_set.not_found`, `scale_set.other_catalog`, and `scale_set.level_in_use` where a level
 * would go at which a skill was ever awarded.
 */
export async function updateScaleSet(
  tx: TenantTransaction,
  options: { scaleSetId: string; catalogId?: string; changes: ScaleSetChanges },
): Promise<void> {
  const { title, isDefault, externalKey } = options.changes
  const levels = options.changes.levels === undefined ? undefined : requireLevels(options.changes.levels)
  const scaleSet = await lockScaleSet(tx, options)
  if (levels !== undefined) {
    const values = levels.map(({ value }) => value)
    const { rows } = await tx.query<{ value: number }>(
      `select value from skill_levels level
       where tenant_id = $1 and scale_set_id = $2 and value <> all ($3::int[])
         and exists (select from user_skills held where held.tenant_id = $1 and held.level_id = level.id)
       order by value
       limit 1`,
      [tx.tenantId, scaleSet.id, values],
    )
    const [used] = rows
    if (used !== undefined) throw skillError('scale_set.level_in_use', { value: used.value })
    await tx.query('delete from skill_levels where tenant_id = $1 and scale_set_id = $2 and value <> all ($3::int[])', [
      tx.tenantId,
      scaleSet.id,
      values,
    ])
    await addLevels(tx, scaleSet.id, levels)
  }
  if (isDefault === true) await endDefault(tx, scaleSet.catalog_id)
  const set = {
    ...(title !== undefined && { title: requireLine('title', title) }),
    ...(isDefault !== undefined && { is_default: isDefault }),
    ...(externalKey !== undefined && {
      external_key: changed(externalKey, (given) => requireLine('externalKey', given)),
    }),
  }
  if (Object.keys(set).length > 0) {
    await tx.db
      .updateTable('skill_scale_sets')
      .set(set)
      .where('tenant_id', '=', tx.tenantId)
      .where('id', '=', scaleSet.id)
      .execute()
  }
  const columns = [...Object.keys(set), ...(levels === undefined ? [] : ['levels'])]
  if (columns.length > 0) await record(tx, { activity: 'ScaleSetUpdated', object: scaleSet.id, details: { columns } })
}

/**
 * Deletes a scale that no skill is measured on, with its levels. With a `catalogId`, the scale must be one of this
 * catalog's own.
 *
 * Throws `input.invalid`, `scale_set.not_found`, `scale_set.other_catalog`, `scale_set.in_use`.
 */
export async function deleteScaleSet(
  tx: TenantTransaction,
  options: { scaleSetId: string; catalogId?: string },
): Promise<void> {
  const { id } = await lockScaleSet(tx, options)
  const { rows } = await tx.query<{ skills: number }>(
    'select count(*) as skills from skills where tenant_id = $1 and scale_set_id = $2',
    [tx.tenantId, id],
  )
  const skills = rows[0]?.skills ?? 0
  if (skills > 0) throw skillError('scale_set.in_use', { skills })
  await tx.query('delete from skill_levels where tenant_id = $1 and scale_set_id = $2', [tx.tenantId, id])
  await tx.query('delete from skill_scale_sets where tenant_id = $1 and id = $2', [tx.tenantId, id])
  await record(tx, { activity: 'ScaleSetDeleted', object: id })
}

type LockedScaleSet = { id: string; catalog_id: string | null }

/** Locks the scale with its levels, so that nobody can award at one or measure on it meanwhile. */
async function lockScaleSet(
  tx: TenantTransaction,
  options: { scaleSetId: string; catalogId?: string },
): Promise<LockedScaleSet> {
  const { rows } = await tx.query<LockedScaleSet>(
    'select id, catalog_id from skill_scale_sets where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, requireUuid('scaleSetId', options.scaleSetId)],
  )
  const [scaleSet] = rows
  if (scaleSet === undefined) throw skillError('scale_set.not_found', { id: options.scaleSetId })
  const catalogId = options.catalogId === undefined ? undefined : requireUuid('catalogId', options.catalogId)
  if (catalogId !== undefined && scaleSet.catalog_id !== catalogId) {
    throw skillError('scale_set.other_catalog', { id: scaleSet.id })
  }
  await tx.query('select from skill_levels where tenant_id = $1 and scale_set_id = $2 order by id for update', [
    tx.tenantId,
    scaleSet.id,
  ])
  return scaleSet
}
