import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireLine, requireText } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { directoryError } from './errors.ts'

export type NewGroup = {
  displayName: string
  description?: string
  /** UUID, unique in the tenant. */
  directoryObjectId?: string
}

/** Creates a group of the directory, without members. Returns its id. Throws `input.invalid` and `group.taken`. */
export async function createGroup(tx: TenantTransaction, group: NewGroup): Promise<{ id: string }> {
  const { description, directoryObjectId } = group
  const created = await tx.db
    .insertInto('directory_groups')
    .values({
      tenant_id: tx.tenantId,
      display_name: requireLine('displayName', group.displayName),
      description: description === undefined ? null : requireText('description', description),
      directory_object_id: directoryObjectId === undefined ? null : requireUuid('directoryObjectId', directoryObjectId),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (created === undefined) throw directoryError('group.taken')
  await record(tx, { activity: 'GroupCreated', object: created.id })
  return created
}
