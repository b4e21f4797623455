import { record } from '../../audit/record.ts'
import { contactAddresses } from '../../identifiers/contact-addresses.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { changed, namedColumns } from '../../platform/validation/change-columns.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'

/** The fields of a catalog that can change; null clears one. The list replaces the one before. */
export type CatalogChanges = {
  title?: string
  description?: string | null
  contactEmails?: readonly string[]
  externalKey?: string | null
}

/**
 * Changes the given fields of a catalog. The texts of a deleted one can change too, because transcripts show them.
 *
 * Throws `input.invalid`, `catalog.not_found`.
 */
export async function updateCatalog(
  tx: TenantTransaction,
  options: { catalogId: string; changes: CatalogChanges },
): Promise<void> {
  const { changes } = options
  const id = requireUuid('catalogId', options.catalogId)
  const set = namedColumns({
    title: changed(changes.title, (title) => requireLine('title', title)),
    description: changed(changes.description, (text) => requireText('description', text)),
    contact_emails: changed(changes.contactEmails, (addresses) => contactAddresses('contactEmails', addresses)),
    external_key: changed(changes.externalKey, (key) => requireLine('externalKey', key)),
  })
  const { rows } = await tx.query('select id from catalogs where tenant_id = $1 and id = $2 for no key update', [
    tx.tenantId,
    id,
  ])
  if (rows.length === 0) throw learningError('catalog.not_found', { id })
  const columns = Object.keys(set)
  if (columns.length === 0) return
  await tx.db.updateTable('catalogs').set(set).where('tenant_id', '=', tx.tenantId).where('id', '=', id).execute()
  await record(tx, { activity: 'CatalogUpdated', object: id, details: { columns } })
}

/** What the deletion of a catalog does, in numbers. */
export type CatalogDeletion = {
  /** Courses that must be deleted or moved to another catalog first. */
  courses: number
  /** Training plans that must be deleted or moved to another catalog first. */
  training_plans: number
  /** Users who are its members no more. */
  members: number
  /** Directory groups that it is closed to. */
  groups: number
}

/**
 * Counts, without changing anything, what {@link deleteCatalog} would do. Throws `input.invalid`, and
 * `catalog.not_found` for a deleted catalog too.
 */
export async function previewCatalogDeletion(tx: TenantTransaction, catalogId: string): Promise<CatalogDeletion> {
  const id = requireUuid('catalogId', catalogId)
  const { rows } = await tx.query<CatalogDeletion>(
    `select
       (select count(*) from courses where tenant_id = $1 and catalog_id = $2 and deleted_at is null) as courses,
       (
         select count(*) from training_plans where tenant_id = $1 and catalog_id = $2 and deleted_at is null
       ) as training_plans,
       (select count(*) from catalog_members where tenant_id = $1 and catalog_id = $2 and deletion_id is null) as members,
       (select count(*) from catalog_groups where tenant_id = $1 and catalog_id = $2) as groups
     from catalogs where tenant_id = $1 and id = $2 and deleted_at is null`,
    [tx.tenantId, id],
  )
  const [counts] = rows
  if (counts === undefined) throw learningError('catalog.not_found', { id })
  return counts
}

/**
 * Deletes a catalog without courses and training plans: it leaves every list, and directory groups lose it. Transcripts
 * still show its title, and skills of its own stay. Returns what {@link previewCatalogDeletion} counted.
 *
 * Throws `input.invalid`, `catalog.not_found` for a deleted catalog too, and `catalog.not_empty`.
 */
export async function deleteCatalog(tx: TenantTransaction, catalogId: string): Promise<CatalogDeletion> {
  const id = requireUuid('catalogId', catalogId)
  // The lock waits for those who create a course in it right now.
  await tx.query('select id from catalogs where tenant_id = $1 and id = $2 for update', [tx.tenantId, id])
  const deletion = await previewCatalogDeletion(tx, id)
  const { courses, training_plans: trainingPlans } = deletion
  if (courses + trainingPlans > 0) throw learningError('catalog.not_empty', { courses, trainingPlans })
  await tx.query('delete from catalog_groups where tenant_id = $1 and catalog_id = $2', [tx.tenantId, id])
  await tx.query(
    `update catalogs set deleted_at = now(), contact_emails = '{}', external_key = null
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  await record(tx, { activity: 'CatalogDeleted', object: id, details: deletion })
  return deletion
}
