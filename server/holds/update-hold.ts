import { record } from '../audit/record.ts'
import { requirePeople } from '../people/accounts/require-people.ts'
import type { HoldReason } from '../people/lifecycle/justifications.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { holdError } from './errors.ts'
import { requireHoldReason, requireNote } from './place-hold.ts'

export type HoldChanges = {
  reason?: HoldReason | undefined
  /** Null clears the note. */
  note?: string | null | undefined
  ownerId?: string | undefined
}

/**
 * Changes reason, note or owner of a legal hold. The people that it covers cannot change: place another hold instead.
 *
 * Throws `input.invalid`, `hold.not_found`, `hold.released`.
 */
export async function updateHold(tx: TenantTransaction, holdId: string, changes: HoldChanges): Promise<void> {
  const id = requireUuid('hold', holdId)
  const reason = changes.reason === undefined ? null : requireHoldReason(changes.reason)
  const note = changes.note === null ? null : requireNote(changes.note)
  await requirePeople(tx, 'owner_id', [changes.ownerId])
  const { rows } = await tx.query<{ released: boolean; updated: boolean }>(
    `with updated as (
       update legal_holds set reason_code = coalesce($3, reason_code), note = case when $4 then $5 else note end,
         owner_id = coalesce($6::uuid, owner_id)
       where tenant_id = $1 and id = $2 and released_at is null
       returning id
     )
     select released_at is not null as released, exists (select from updated) as updated
     from legal_holds where tenant_id = $1 and id = $2`,
    [tx.tenantId, id, reason, changes.note !== undefined, note, changes.ownerId ?? null],
  )
  const [hold] = rows
  if (hold === undefined) throw holdError('hold.not_found', { hold: id })
  if (!hold.updated) throw holdError('hold.released', { hold: id })
  const columns = [
    ...(changes.reason === undefined ? [] : ['reason']),
    ...(changes.note === undefined ? [] : ['note']),
    ...(changes.ownerId === undefined ? [] : ['owner']),
  ]
  await record(tx, { activity: 'LegalHoldUpdated', object: id, details: { columns } })
}
