import { record } from '../audit/record.ts'
import { requireGroup } from '../directory/require-group.ts'
import { actingUser, doneBy, requirePeople } from '../people/accounts/require-people.ts'
import { type HoldReason, holdReasonCodes } from '../people/lifecycle/justifications.ts'
import { lockUsers } from '../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireText } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { holdError } from './errors.ts'
import { lockCovered } from './lock-covered.ts'

export type NewHold = {
  reason: HoldReason
  /** Free text of up to 2,000 characters; an erasure scrubs identifiers in it. */
  note?: string | undefined
  userIds?: readonly string[] | undefined
  groupIds?: readonly string[] | undefined
  /** The person who answers for the hold; the acting user unless given. */
  ownerId?: string | undefined
}

const maxNoteLength = 2000

/**
 * Places a legal hold on users and on directory groups. From the commit on, no operation erases a person that it covers.
 * A person that an erasure has locked already is erased before this returns, and is then no user of the tenant.
 *
 * Answers the id of the hold and how many people it covers now.
 *
 * Throws `hold.empty`, `input.invalid`, `user.not_found`, `group.not_found`, `user.acting_erased`.
 */
export async function placeHold(tx: TenantTransaction, given: NewHold): Promise<{ id: string; people: number }> {
  const userIds = [...new Set((given.userIds ?? []).map((id) => requireUuid('user_ids', id)))]
  const groupIds = [...new Set((given.groupIds ?? []).map((id) => requireUuid('group_ids', id)))]
  if (userIds.length + groupIds.length === 0) throw holdError('hold.empty')
  const reason = requireHoldReason(given.reason)
  const note = requireNote(given.note)
  for (const groupId of groupIds) await requireGroup(tx, groupId)
  // Who comes into a group waits for this, or is in the group already: the foreign key takes a share of the lock.
  const { rowCount } = await tx.query(
    'select from directory_groups where tenant_id = $1 and id = any ($2::uuid[]) order by id for update',
    [tx.tenantId, groupIds],
  )
  // One of them was deleted since the first look.
  if (rowCount < groupIds.length) for (const groupId of groupIds) await requireGroup(tx, groupId)
  const people = await lockCovered(tx, { userIds, groupIds })
  // Who was erased meanwhile, or is anonymized, is no user any more.
  await lockUsers(tx, userIds)
  if (given.ownerId !== undefined) await requirePeople(tx, 'owner_id', [given.ownerId])
  const owner = given.ownerId ?? (await actingUser(tx))
  const by = await doneBy(tx)
  const { rows } = await tx.query<{ id: string }>(
    `with hold as (
       insert into legal_holds (tenant_id, reason_code, note, owner_id, created_by, created_by_credential)
       values ($1, $2, $3, $4, $5, $6)
       returning tenant_id, id
     ), named as (
       insert into legal_hold_users (tenant_id, hold_id, user_id)
       select hold.tenant_id, hold.id, user_id from hold, unnest($7::uuid[]) as user_id
     ), covered as (
       insert into legal_hold_groups (tenant_id, hold_id, group_id)
       select hold.tenant_id, hold.id, group_id from hold, unnest($8::uuid[]) as group_id
     )
     select id from hold`,
    [tx.tenantId, reason, note, owner, by.userId, by.credentialId, userIds, groupIds],
  )
  const id = rows[0]?.id
  if (id === undefined) throw new Error('the hold was just inserted and has no id')
  const details = { reason, users: userIds.length, groups: groupIds.length, people }
  await record(tx, [
    { activity: 'LegalHoldPlaced', object: id, details },
    ...userIds.map((subject) => ({ activity: 'LegalHoldPlaced' as const, object: id, subject, details: { reason } })),
  ])
  return { id, people }
}

/** A reason of a hold. Throws `input.invalid`. */
export function requireHoldReason(value: string): HoldReason {
  const reason = holdReasonCodes.find((code) => code === value)
  if (reason !== undefined) return reason
  throw inputError('input.invalid', { field: 'reason', expected: `one of ${holdReasonCodes.join(', ')} is expected` })
}

/** The note of a hold; null without one. Throws `input.invalid`. */
export function requireNote(value: string | undefined): string | null {
  return value === undefined ? null : requireText('note', value, maxNoteLength)
}
