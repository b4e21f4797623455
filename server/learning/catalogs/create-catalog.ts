import { record } from '../../audit/record.ts'
import { contactAddresses } from '../../identifiers/contact-addresses.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'

export type NewCatalog = { title: string; description?: string; contactEmails?: readonly string[] }

/** Creates a catalog. Returns its id. Throws `input.invalid`. */
export async function createCatalog(tx: TenantTransaction, catalog: NewCatalog): Promise<{ id: string }> {
  const created = await tx.db
    .insertInto('catalogs')
    .values({
      tenant_id: tx.tenantId,
      title: requireLine('title', catalog.title),
      description: catalog.description === undefined ? null : requireText('description', catalog.description),
      contact_emails: contactAddresses('contactEmails', catalog.contactEmails),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await record(tx, { activity: 'CatalogCreated', object: created.id })
  return created
}
