import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import { notify } from '../../notify/notify.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import {
  dpvTerm,
  type RefusalReason,
  refusalReasonCodes,
  refusalReasons,
} from '../../people/lifecycle/justifications.ts'
import { lockUsers } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { deleteAndRequestErasure } from '../requests/delete-and-request.ts'
import { wishError } from './errors.ts'
import { findWish, type Wish, wishColumns, wishOf } from './wish.ts'

const longestNote = 2000

/**
 * Accepts an open wish to be erased: deletes the user and makes an erasure request, in this transaction. A worker tells
 * the person by e-mail before it erases the address. Returns the wish with its request; for an anonymization with the
 * salt, as {@link deleteAndRequestErasure} does.
 *
 * Throws `input.invalid`, `wish.not_found`, `wish.decided`, and what {@link deleteAndRequestErasure} throws; then nothing
 * was changed.
 */
export async function acceptWish(
  tx: TenantTransaction,
  options: { wish: string; operation: Operation; reason?: string | undefined },
): Promise<Wish & { salt?: string }> {
  const { user_id, id } = await lockOpen(tx, options.wish)
  const { operation, reason } = options
  const { request, salt } = await deleteAndRequestErasure(tx, {
    operation,
    userIds: [user_id],
    reason,
    tellsPeopleFirst: true,
  })
  const wish = await decide(tx, id, { state: 'accepted', request })
  await record(tx, { activity: 'ErasureWishAccepted', object: user_id, details: { wish: id, request } })
  return { ...wish, ...(salt !== undefined && { salt }) }
}

/**
 * Refuses an open wish to be erased, with a reason and an optional note of up to 2,000 characters. The person is told both
 * in the product and by e-mail.
 *
 * Throws `input.invalid`, `wish.not_found`, `wish.decided`.
 */
export async function refuseWish(
  tx: TenantTransaction,
  options: { wish: string; reason: RefusalReason; note?: string | undefined },
): Promise<Wish> {
  const { reason } = options
  if (!refusalReasonCodes.includes(reason)) {
    throw inputError('input.invalid', {
      field: 'reason',
      expected: `one of ${refusalReasonCodes.join(', ')} is expected`,
    })
  }
  const note = readNote(options.note)
  const { user_id, id } = await lockOpen(tx, options.wish)
  const wish = await decide(tx, id, { state: 'refused', reason, note })
  await record(tx, { activity: 'ErasureWishRefused', object: user_id, details: { wish: id, reason } })
  notify(
    tx,
    [user_id],
    {
      kind: 'erasure_wish_refused',
      subject: 'Your wish to be erased was refused',
      body: `Your wish ${id} to be erased was refused. The reason is ${reason} (${dpvTerm(refusalReasons[reason])}).${note === null ? '' : `\n\n${note}`}`,
      data: { wish: id, reason },
    },
    { byEmail: true },
  )
  return wish
}

/** Locks the person first, then the wish, and throws unless it is open. */
async function lockOpen(tx: TenantTransaction, given: string): Promise<Wish> {
  const { user_id } = await findWish(tx, given)
  await lockUsers(tx, [user_id])
  const wish = await findWish(tx, given, { lock: true })
  if (wish.state !== 'open') throw wishError('wish.decided', { state: wish.state })
  return wish
}

type Decision =
  | { state: 'accepted'; request: string }
  | { state: 'refused'; reason: RefusalReason; note: string | null }

async function decide(tx: TenantTransaction, id: string, decision: Decision): Promise<Wish> {
  await actingUser(tx)
  const { userId, credentialId } = actorColumns(tx.initiator)
  const { rows } = await tx.query<Wish>(
    `update erasure_wishes set state = $3, refusal_reason = $4, note = $5, request_id = $6, decided_at = now(),
       decided_by = $7, decided_by_credential = $8
     where tenant_id = $1 and id = $2 returning ${wishColumns}`,
    [
      tx.tenantId,
      id,
      decision.state,
      decision.state === 'refused' ? decision.reason : null,
      decision.state === 'refused' ? decision.note : null,
      decision.state === 'accepted' ? decision.request : null,
      userId,
      credentialId,
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the wish is locked and is not there')
  return wishOf(row)
}

function readNote(given: string | undefined): string | null {
  const note = given?.trim() ?? ''
  if (note.length > longestNote || note.includes('\0') || !note.isWellFormed()) {
    throw inputError('input.invalid', { field: 'note', expected: `up to ${longestNote} characters are expected` })
  }
  return note === '' ? null : note
}
