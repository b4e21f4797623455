import { countMembers, type Membership, removeGroup } from '../../directory/delete-group.ts'
import { lockGroup, requireGroup } from '../../directory/require-group.ts'
import type { HoldInForce } from '../../holds/held-people.ts'
import { holdsOfGroup, leaveReleasedHolds } from '../../holds/holds-of-group.ts'
import { type AccessOfGroup, closeToGroup, readAccessOfGroup } from '../../learning/catalogs/group-access.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { erasureError } from '../errors.ts'
import { type ExcludingPolicy, lockPolicies, policiesExcluding } from '../retention/policies.ts'

/**
 * What the deletion of a directory group does. `holds` and `retention_policies` protect the group's members from erasure
 * because of it: while there is one, the group is not deleted.
 */
export type GroupDeletion = Membership & AccessOfGroup & { holds: HoldInForce[]; retention_policies: ExcludingPolicy[] }

/** Counts the effects of the deletion of a group, and changes nothing. Throws `input.invalid`, `group.not_found`. */
export async function previewGroupDeletion(tx: TenantTransaction, groupId: string): Promise<GroupDeletion> {
  const id = requireUuid('groupId', groupId)
  await requireGroup(tx, id)
  return await readEffects(tx, id)
}

/**
 * Deletes a directory group: it leaves every list, its memberships end, and catalogs and courses close to it. Its members
 * stay users, and stay enrolled. Refused while a legal hold in force names it, or a retention policy excludes it:
 * its members could be erased afterwards. `expectedMembers`: refused if the group has another number of members.
 *
 * Throws `input.invalid`, `group.not_found`, `group.held`, `group.excluded`, `group.other_members`; then nothing was deleted.
 */
export async function deleteGroup(
  tx: TenantTransaction,
  groupId: string,
  { expectedMembers }: { expectedMembers?: number | undefined } = {},
): Promise<GroupDeletion> {
  const id = requireUuid('groupId', groupId)
  // In the order of the runs of policies, which take this lock before any other.
  await lockPolicies(tx)
  await lockGroup(tx, id, 'delete')
  const deletion = await readEffects(tx, id)
  const { holds, retention_policies: policies, members } = deletion
  if (holds.length > 0) throw erasureError('group.held', { holds })
  if (policies.length > 0) throw erasureError('group.excluded', { policies: policies.map((policy) => policy.id) })
  if (expectedMembers !== undefined && expectedMembers !== members) {
    throw erasureError('group.other_members', { expected: expectedMembers, found: members })
  }
  await closeToGroup(tx, id)
  await leaveReleasedHolds(tx, id)
  await removeGroup(tx, id)
  return deletion
}

async function readEffects(tx: TenantTransaction, id: string): Promise<GroupDeletion> {
  return {
    ...(await countMembers(tx, id)),
    ...(await readAccessOfGroup(tx, id)),
    holds: await holdsOfGroup(tx, id),
    retention_policies: await policiesExcluding(tx, id),
  }
}
