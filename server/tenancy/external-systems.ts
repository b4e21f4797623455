import { record } from '../audit/record.ts'
import { contactAddresses } from '../identifiers/contact-addresses.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { changed, namedColumns } from '../platform/validation/change-columns.ts'
import { cutPage, type Paging, readPaging } from '../platform/validation/page.ts'
import { requireLine, requireText } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { tenancyError } from './errors.ts'

/** A system outside of Lethe that holds data about people of the tenant. */
export type ExternalSystem = {
  id: string
  name: string
  /** Whom to ask to erase a person there. */
  contact_emails: string[]
  /** The data that it holds, in words. */
  holds: string
  created_at: Date
}

export type NewExternalSystem = { name: string; contactEmails?: readonly string[]; holds: string }

/** The list of addresses replaces the one before. */
export type ExternalSystemChanges = { name?: string; contactEmails?: readonly string[]; holds?: string }

const columns = 'id, name, contact_emails, holds, created_at'

/**
 * The register of external systems in the order of their creation: a page of at most `limit` (50, up to 1000) behind the
 * id `after`. `next` goes on behind the page, undefined at the end. Throws `input.invalid`.
 */
export async function listExternalSystems(
  tx: TenantTransaction,
  options: Paging = {},
): Promise<{ systems: ExternalSystem[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<ExternalSystem>(
    `select ${columns} from external_systems
     where tenant_id = $1 and ($2::uuid is null or id > $2)
     order by id
     limit $3`,
    [tx.tenantId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { systems: page, next }
}

/** One external system. Throws `input.invalid`, `external_system.not_found`. */
export async function showExternalSystem(tx: TenantTransaction, systemId: string): Promise<ExternalSystem> {
  const id = requireUuid('systemId', systemId)
  const { rows } = await tx.query<ExternalSystem>(
    `select ${columns} from external_systems where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  const [system] = rows
  if (system === undefined) throw tenancyError('external_system.not_found', { id })
  return system
}

/**
 * Enters an external system into the register: previews and the notices of ended erasures name it from then on. Returns
 * its id. Throws `input.invalid`.
 */
export async function createExternalSystem(tx: TenantTransaction, system: NewExternalSystem): Promise<{ id: string }> {
  const created = await tx.db
    .insertInto('external_systems')
    .values({
      tenant_id: tx.tenantId,
      name: requireLine('name', system.name),
      contact_emails: contactAddresses('contactEmails', system.contactEmails),
      holds: requireText('holds', system.holds),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await record(tx, { activity: 'ExternalSystemCreated', object: created.id })
  return created
}

/** Changes the given fields of an external system. Throws `input.invalid`, `external_system.not_found`. */
export async function updateExternalSystem(
  tx: TenantTransaction,
  options: { systemId: string; changes: ExternalSystemChanges },
): Promise<void> {
  const { name, contactEmails, holds } = options.changes
  const { id } = await showExternalSystem(tx, options.systemId)
  const set = namedColumns({
    name: changed(name, (given) => requireLine('name', given)),
    contact_emails: changed(contactEmails, (given) => contactAddresses('contactEmails', given)),
    holds: changed(holds, (given) => requireText('holds', given)),
  })
  if (Object.keys(set).length === 0) return
  await tx.db
    .updateTable('external_systems')
    .set(set)
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', id)
    .execute()
  await record(tx, { activity: 'ExternalSystemUpdated', object: id, details: { columns: Object.keys(set) } })
}

/** Takes an external system out of the register. Throws `input.invalid`, `external_system.not_found`. */
export async function deleteExternalSystem(tx: TenantTransaction, systemId: string): Promise<void> {
  const { id } = await showExternalSystem(tx, systemId)
  await tx.query('delete from external_systems where tenant_id = $1 and id = $2', [tx.tenantId, id])
  await record(tx, { activity: 'ExternalSystemDeleted', object: id })
}
