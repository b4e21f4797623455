import { record } from '../audit/record.ts'
import { requireGroup } from '../directory/require-group.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requirePresent } from './require-present.ts'

/**
 * Opens a catalog to the members of a directory group, for as long as they are in the group. False: it was open to
 * them already.
 *
 * Throws `input.invalid`, `catalog.not_found`, `group.not_found`.
 */
export async function assignGroupToCatalog(
  tx: TenantTransaction,
  options: { catalogId: string; groupId: string },
): Promise<{ assigned: boolean }> {
  await requirePresent(tx, 'catalog', [options.catalogId])
  await requireGroup(tx, options.groupId)
  const { rowCount } = await tx.query(
    `insert into catalog_groups (tenant_id, catalog_id, group_id) values ($1, $2, $3) on conflict do nothing`,
    [tx.tenantId, options.catalogId, options.groupId],
  )
  if (rowCount > 0) {
    await record(tx, {
      activity: 'CatalogGroupAssigned',
      object: options.catalogId,
      details: { group: options.groupId },
    })
  }
  return { assigned: rowCount > 0 }
}
