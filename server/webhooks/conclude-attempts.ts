import { type AttemptResult, finishDeliveries, releaseDeliveries } from '../events/finish-deliveries.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { tellOfDead } from './end-deliveries.ts'
import { disableEndpoint } from './endpoints.ts'
import type { Prepared } from './prepare-deliveries.ts'
import { nextAttempt } from './retry-schedule.ts'
import type { Outcome } from './send.ts'

/** An attempt; without an outcome it was broken off. */
export type Attempted = { prepared: Prepared; outcome: Outcome | undefined; at: Date; milliseconds: number }

/** The receiver has the delivery. */
export function isDelivered(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && 'status' in outcome && outcome.status >= 200 && outcome.status < 300
}

/** The receiver asks for no further delivery (RFC 9110, section 15.5.11). */
function isGone(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && 'status' in outcome && outcome.status === 410
}

/**
 * Writes what came of some attempts at one endpoint, in one transaction: delivered, due again later, or dead, of which the
 * administrators are told. A receiver that is gone disables its endpoint. Attempts that were broken off do not count.
 */
export async function concludeAttempts(
  database: Database,
  { tenant, endpoint }: { tenant: string; endpoint: string },
  attempts: readonly Attempted[],
): Promise<void> {
  const now = new Date()
  const done = attempts.flatMap((one) => resultOf(one, now) ?? [])
  const broken = attempts.flatMap(({ prepared, outcome }) => (outcome === undefined ? [prepared.delivery] : []))
  const gone = attempts.some(({ outcome }) => isGone(outcome))
  await inTenant(
    database,
    tenant,
    async (tx) => {
      if (gone) await disableEndpoint(tx, endpoint, 'receiver_gone')
      if (gone || done.some(({ state }) => state === 'dead')) await tellOfDead(tx, endpoint, { now, isGone: gone })
      await finishDeliveries(tx, done, now)
      await releaseDeliveries(tx, broken, now)
    },
    { flushedLater: !gone },
  )
}

function resultOf({ prepared, outcome, at, milliseconds }: Attempted, now: Date): AttemptResult | undefined {
  if (outcome === undefined) return undefined
  const { id, attempts, give_up_at: giveUpAt } = prepared.delivery
  const said = 'status' in outcome ? { status: outcome.status } : { error: outcome.error }
  const base = { id, attempts, attempt: { at, milliseconds, ...said } }
  if (isDelivered(outcome)) return { ...base, state: 'delivered', dueAt: null }
  const retryAfter = 'status' in outcome ? outcome.retryAfter : undefined
  const next = isGone(outcome) ? undefined : nextAttempt(attempts, now, { retryAfter })
  if (next === undefined || next > giveUpAt) return { ...base, state: 'dead', dueAt: null }
  return { ...base, state: 'pending', dueAt: next }
}
