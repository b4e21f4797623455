import { publicKeys } from '../../keyring/signing-keys.ts'
import type { Database } from '../../platform/database/pool.ts'
import { outsideTenants } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import type { TenantDeletionFile } from './deletion-certificate.ts'
import { tenantDeletionError } from './errors.ts'

export type TenantDeletion = { id: string; deleted_at: Date }

/** The deleted tenants, the newest first: a page of at most `limit` behind the id `after`. Throws `input.invalid`. */
export async function listTenantDeletions(
  database: Database,
  options: Paging = {},
): Promise<{ tenant_deletions: TenantDeletion[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const rows = await outsideTenants<TenantDeletion>(
    database,
    `select id, deleted_at from tenant_deletions
     where $1::uuid is null
       or (deleted_at, id) < (select d.deleted_at, d.id from tenant_deletions d where d.id = $1)
     order by deleted_at desc, id desc limit $2`,
    [after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { tenant_deletions: page, next }
}

/** The certificate of a deleted tenant, with the key that signed it. Throws `input.invalid`, `tenant.deletion_not_found`. */
export async function readTenantDeletion(database: Database, tenant: string): Promise<TenantDeletionFile> {
  const id = requireUuid('tenant', tenant)
  const [deletion] = await outsideTenants<{ jws: string; kid: string }>(
    database,
    'select jws, kid from tenant_deletions where id = $1',
    [id],
  )
  if (deletion === undefined) throw tenantDeletionError('tenant.deletion_not_found', { tenant: id })
  const { keys } = await publicKeys(database.pool)
  return {
    type: 'lethe.tenant_deletion',
    certificate: deletion.jws,
    keys: { keys: keys.filter(({ kid }) => kid === deletion.kid) },
  }
}

/** Whether there was a tenant with this id, and it was deleted. */
export async function isTenantDeleted(database: Database, tenant: string): Promise<boolean> {
  return (await outsideTenants(database, 'select from tenant_deletions where id = $1', [tenant])).length > 0
}
