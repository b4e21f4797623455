import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'

/** The group of the directory that has this directory object id; undefined where there is none. Throws `input.invalid`. */
export async function findGroup(tx: TenantTransaction, directoryObjectId: string): Promise<{ id: string } | undefined> {
  return await tx.db
    .selectFrom('directory_groups')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('directory_object_id', '=', requireUuid('DirectoryObjectId', directoryObjectId))
    .executeTakeFirst()
}
