import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { changed, namedColumns } from '../platform/validation/change-columns.ts'
import { requireLine, requireText } from '../platform/validation/require-text.ts'
import { lockGroup } from './require-group.ts'

/** The texts of a group that can change; null clears the description. */
export type GroupChanges = { displayName?: string; description?: string | null }

/** Changes the given texts of a directory group. Throws `input.invalid`, `group.not_found`. */
export async function updateGroup(
  tx: TenantTransaction,
  options: { groupId: string; changes: GroupChanges },
): Promise<void> {
  const { groupId, changes } = options
  await lockGroup(tx, groupId)
  const set = namedColumns({
    display_name: changed(changes.displayName, (name) => requireLine('displayName', name)),
    description: changed(changes.description, (text) => requireText('description', text)),
  })
  const columns = Object.keys(set)
  if (columns.length === 0) return
  await tx.db
    .updateTable('directory_groups')
    .set(set)
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', groupId)
    .execute()
  await record(tx, { activity: 'GroupUpdated', object: groupId, details: { columns } })
}
