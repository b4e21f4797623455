import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { directoryError } from './errors.ts'

/** Makes sure that the tenant has the group. Throws `input.invalid` and `group.not_found`. */
export async function requireGroup(tx: TenantTransaction, groupId: string): Promise<void> {
  const group = await tx.db
    .selectFrom('directory_groups')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', requireUuid('groupId', groupId))
    .executeTakeFirst()
  if (group === undefined) throw directoryError('group.not_found', { id: groupId })
}
