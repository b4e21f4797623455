import { requireNotHeld } from '../../holds/held-people.ts'
import type { User } from '../../people/accounts/user.ts'
import { peopleError } from '../../people/errors.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, onBehalfOf, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { Initiator } from '../../platform/initiator.ts'
import { areWorkersAlive } from '../../platform/jobs/living-processes.ts'
import { erasureError } from '../errors.ts'
import { isResting } from '../states.ts'
import { cancelErasure } from './cancel-erasure.ts'
import { deleteAndRequestErasure } from './delete-and-request.ts'
import type { ErasureSummary } from './request-progress.ts'
import { waitForErasure } from './wait-for-erasure.ts'

export type AnonymizeNow = {
  tenant: string
  initiator: Initiator
  /** Finds the user, who may be deleted already. Throws `user.not_found`. */
  find: (tx: TenantTransaction) => Promise<User>
  /** See `NewRequest`. */
  eventAt?: Date
  /** How long the call waits for the erasure, in milliseconds; 60,000 unless given. */
  patience?: number
}

const usualPatience = 60_000

/** So often a waiting call looks whether workers are alive, in milliseconds. */
const lookForWorkersEvery = 2000

/**
 * Deletes a user, anonymizes the user, and resolves once no column identifies the person any more. For callers that know no
 * erasure requests. Two calls about the same user make one request: the later call waits for the same one, or finds no user.
 *
 * Nothing changes, and no request is left, where it throws
 * - `user.not_found`;
 * - `user.held` for a user whom a legal hold covers;
 * - `erasure.no_worker` where no process works on jobs, or the last one ends before it begins with this user;
 * - what `deleteAndRequestErasure` throws.
 *
 * The user is deleted, and the request goes on, where it throws
 * - `user.erasure_pending` with the request, because that waits for an approval, the end of the cooling-off period or the
 *   release of a hold. Another call throws the same with the same request.
 * - `erasure.not_ended` where the erasure takes longer than `patience`;
 * - `erasure.failed`.
 */
export async function anonymizeNow(database: Database, options: AnonymizeNow): Promise<void> {
  const { tenant, patience = usualPatience } = options
  const begun = await begin(database, options)
  const { request, userId } = begun
  const waited = await waitWhileWorking(database, { tenant, request, patience })
  // The request of this call has one person. Another request may have more, and be further with some of them.
  if (begun.requested && typeof waited !== 'string' && waited.subjects.done === 1) return
  if (await isGone(database, tenant, userId)) return
  if (waited === 'no_worker') {
    await takeBack(database, options, begun)
    throw erasureError('erasure.no_worker')
  }
  if (waited === 'too_long') throw erasureError('erasure.not_ended', { request })
  if (isResting(waited.state)) throw peopleError('user.erasure_pending', { request })
  throw erasureError('erasure.failed', { request })
}

/** `deleted`: the call deleted the user. `requested`: it made the request. */
type Begun = { userId: string; request: string; deleted: boolean; requested: boolean }

async function begin(database: Database, { tenant, initiator, find, eventAt }: AnonymizeNow): Promise<Begun> {
  let user: User | undefined
  try {
    return await inTenant(
      database,
      tenant,
      async (tx) => {
        const [found, works] = await Promise.all([find(tx), areWorkersAlive(tx)])
        user = found
        const userIds = [found.id]
        const { request, state } = await deleteAndRequestErasure(tx, { operation: 'anonymize', userIds, eventAt })
        // A demanded approval and a cooling-off period come before a hold.
        if (state !== 'queued') await requireNotHeld(tx, userIds)
        else if (!works) throw erasureError('erasure.no_worker')
        return { userId: found.id, request, deleted: found.state !== 'deleted', requested: true }
      },
      { initiator },
    )
  } catch (error) {
    if (user === undefined || !peopleError.is(error, 'user.erasure_pending')) throw error
    return { userId: user.id, request: error.details.request, deleted: false, requested: false }
  }
}

/** Waits until the request is certified, has ended or rests; at most as long as workers are alive. */
async function waitWhileWorking(
  database: Database,
  { tenant, request, patience }: { tenant: string; request: string; patience: number },
): Promise<ErasureSummary | 'no_worker' | 'too_long'> {
  const ending = new AbortController()
  const giveUp = (reason: 'no_worker' | 'too_long') => ending.abort(new GivenUp(reason))
  const tooLong = setTimeout(giveUp, patience, 'too_long')
  const looking = setInterval(() => {
    areWorkersAlive(database.pool).then(
      (alive) => {
        if (!alive) giveUp('no_worker')
      },
      // The database did not answer: whoever reads the request next says so.
      () => undefined,
    )
  }, lookForWorkersEvery)
  try {
    return await waitForErasure(database, tenant, request, { until: 'certified', signal: ending.signal })
  } catch (error) {
    if (error instanceof GivenUp) return error.reason
    throw error
  } finally {
    clearTimeout(tooLong)
    clearInterval(looking)
  }
}

class GivenUp extends Error {
  readonly reason: 'no_worker' | 'too_long'
  constructor(reason: 'no_worker' | 'too_long') {
    super(reason)
    this.reason = reason
  }
}

async function isGone(database: Database, tenant: string, userId: string): Promise<boolean> {
  const { rows } = await inTenant(
    database,
    tenant,
    (tx) => tx.query(`select from users where tenant_id = $1 and id = $2 and state <> 'anonymized'`, [tenant, userId]),
    { readOnly: true },
  )
  return rows.length === 0
}

/**
 * Cancels the request that this call made, and restores the user whom it deleted. Where a worker has begun with the request
 * after all, it leaves both alone: the request goes on.
 */
async function takeBack(
  database: Database,
  { tenant, initiator }: AnonymizeNow,
  { request, userId, requested, deleted }: Begun,
): Promise<void> {
  if (!requested) return
  try {
    await inTenant(
      database,
      tenant,
      async (tx) => {
        await cancelErasure(tx, request)
        // The user had these roles a moment ago, so the caller gives none.
        const asBefore = onBehalfOf(tx, { from: 'system' })
        if (deleted) await restoreUsers(asBefore, { userIds: [userId], withRoles: true })
      },
      { initiator },
    )
  } catch (error) {
    if (!erasureError.is(error, 'erasure.wrong_state')) throw error
    throw erasureError('erasure.not_ended', { request })
  }
}
