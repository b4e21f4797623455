import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { directoryError } from './errors.ts'

/**
 * Makes sure that the tenant has the group, and keeps it there: no other transaction deletes it before this one ends.
 * `delete`: this transaction deletes it. Throws `input.invalid` and `group.not_found`.
 */
export async function lockGroup(
  tx: TenantTransaction,
  groupId: string,
  act: 'refer' | 'delete' = 'refer',
): Promise<void> {
  const { rowCount } = await tx.query(
    `select from directory_groups where tenant_id = $1 and id = $2 for ${act === 'refer' ? 'key share' : 'update'}`,
    [tx.tenantId, requireUuid('groupId', groupId)],
    `lock_group_to_${act}`,
  )
  if (rowCount === 0) throw directoryError('group.not_found', { id: groupId })
}

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
