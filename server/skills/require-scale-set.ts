import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { skillError } from './errors.ts'

/**
 * Makes sure that the tenant has the scale, and that skills of the catalog may be measured on it: it is the catalog's own,
 * or for all catalogs. Without a catalog it must be for all.
 *
 * Throws `input.invalid`, `scale_set.not_found`, `scale_set.other_catalog`.
 */
export async function requireScaleSet(
  tx: TenantTransaction,
  options: { scaleSetId: string; catalogId: string | null | undefined },
): Promise<void> {
  const scaleSet = await tx.db
    .selectFrom('skill_scale_sets')
    .select('catalog_id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', requireUuid('scaleSetId', options.scaleSetId))
    .executeTakeFirst()
  if (scaleSet === undefined) throw skillError('scale_set.not_found', { id: options.scaleSetId })
  if (scaleSet.catalog_id !== null && scaleSet.catalog_id !== options.catalogId?.toLowerCase()) {
    throw skillError('scale_set.other_catalog', { id: options.scaleSetId })
  }
}
