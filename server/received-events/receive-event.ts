import { erasureError } from '../erasure/errors.ts'
import { anonymizeNow } from '../erasure/requests/anonymize-now.ts'
import { peopleError } from '../people/errors.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { applyEvent, userToErase } from './apply-event.ts'
import type { ReceivedEvent } from './event.ts'
import { keepOutcome, releaseEvent, reserveEvent, type StoredOutcome } from './reserve-event.ts'

/** What became of an event; see `applyEvent`. */
export type EventResult = StoredOutcome | { outcome: 'unknown_user' }

/**
 * Applies an event about a user that another system sent, as {@link applyEvent} promises it. `user_deleted` is the same act as
 * `anonymizeNow`: it returns once no column identifies the person any more.
 *
 * An event that is refused leaves nothing, so its repetition is a new attempt. Where an erasure goes on without the caller, a
 * repetition waits for the same one.
 *
 * Throws what `applyEvent` and `anonymizeNow` throw.
 */
export async function receiveEvent(
  database: Database,
  { tenant, initiator, event }: { tenant: string; initiator: Initiator; event: ReceivedEvent },
): Promise<EventResult> {
  const result = await inTenant(database, tenant, (tx) => applyEvent(tx, event), { initiator })
  if (result.outcome !== 'to_erase') return result
  try {
    await anonymizeNow(database, {
      tenant,
      initiator,
      eventAt: event.at,
      async find(tx) {
        const user = await userToErase(tx, event)
        if (user === undefined) throw new Overtaken()
        return user
      },
    })
  } catch (error) {
    // Something newer came between, or another call has erased the user: what holds now decides.
    if (error instanceof Overtaken || peopleError.is(error, 'user.not_found')) {
      return await receiveEvent(database, { tenant, initiator, event })
    }
    if (!goesOn(error)) await inTenant(database, tenant, (tx) => release(tx, event), { initiator })
    throw error
  }
  return await inTenant(database, tenant, (tx) => settle(tx, event), { initiator })
}

/** The event was not late when it came, and is now. */
class Overtaken extends Error {}

/** Whether the erasure that the event asked for goes on, or may go on, although the caller heard nothing of its end. */
function goesOn(error: unknown): boolean {
  return (
    peopleError.is(error, 'user.erasure_pending') ||
    erasureError.is(error, 'erasure.not_ended') ||
    erasureError.is(error, 'erasure.failed')
  )
}

async function settle(tx: TenantTransaction, event: ReceivedEvent): Promise<StoredOutcome> {
  const reserved = await reserveEvent(tx, event)
  // Another call with the same event was faster.
  if (!('idHash' in reserved)) return reserved
  const applied = { outcome: 'applied' } as const
  await keepOutcome(tx, reserved, applied)
  return applied
}

async function release(tx: TenantTransaction, event: ReceivedEvent): Promise<void> {
  const reserved = await reserveEvent(tx, event)
  if ('idHash' in reserved) await releaseEvent(tx, reserved)
}
