import { record } from '../audit/record.ts'
import { identifierHashKey } from '../keyring/identifier-hash-key.ts'
import { type User, userColumnsSql } from '../people/accounts/user.ts'
import { peopleError } from '../people/errors.ts'
import { identifiersOf } from '../people/identifiers/candidate-identifiers.ts'
import { type EventTimes, fieldTime, newTimes, readTimes, writeTimes } from '../people/lifecycle/event-times.ts'
import { lockUsers } from '../people/lifecycle/lock-users.ts'
import { findPendingErasures } from '../people/lifecycle/pending-erasure.ts'
import { reactivateUser } from '../people/lifecycle/reactivate-user.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { findCutoff, hashEventRef, keepCutoff } from '../tombstones/event-cutoffs.ts'
import { lastPurged } from '../tombstones/find-tombstones.ts'
import { checkEvent, type ReceivedEvent } from './event.ts'

import {
  type IgnoredReason,
  keepOutcome,
  type Reserved,
  releaseEvent,
  reserveEvent,
  type StoredOutcome,
} from './reserve-event.ts'

/**
 * What became of an event.
 * - `applied`: what it says holds.
 * - `ignored`: something newer is known, so nothing changed.
 * - `unknown_user`: no user has the ref. The event may come again.
 * - `to_erase`: the caller deletes and anonymizes the user now. Once that has ended, a repetition of the event is `applied`.
 */
export type AppliedEvent = StoredOutcome | { outcome: 'unknown_user' } | { outcome: 'to_erase' }

const applied = { outcome: 'applied' } as const
const ignored = (reason: IgnoredReason): StoredOutcome => ({ outcome: 'ignored', reason })

/**
 * Applies an event about a user that another system sent, but for the erasure that `user_deleted` asks for.
 *
 * - An event with the same id and body is applied once, and returns the same again, for thirty days.
 * - The newest change wins, whichever way it came: an event changes only what is not newer than the event. What has the
 *   same time is changed, so events of one time apply in the order in which they come.
 * - No event brings back a user who was deleted, purged or anonymized after it. For purged users, the tombstones tell
 *   that. For anonymized ones, a cutoff tells it for a day. A deleted user stays deleted whatever the time of the event.
 *
 * Throws `input.invalid`, `event.other_body`, `user.taken_by_deleted` where the user is deleted, `user.erasure_pending`,
 * `user.last_administrator`, and what the account of the event throws.
 */
export async function applyEvent(tx: TenantTransaction, given: ReceivedEvent): Promise<AppliedEvent> {
  const event = checkEvent(given)
  await takeTurn(tx, event.ref)
  const reserved = await reserveEvent(tx, event)
  if (!('idHash' in reserved)) return reserved
  const result = await applyReserved(tx, event, reserved)
  if (result.outcome === 'unknown_user') await releaseEvent(tx, reserved)
  else if (result.outcome !== 'to_erase') await keepOutcome(tx, reserved, result)
  return result
}

/**
 * The user that `user_deleted` is about, under lock, if the event still is not late; undefined otherwise. Throws
 * `user.not_found`.
 */
export async function userToErase(tx: TenantTransaction, given: ReceivedEvent): Promise<User | undefined> {
  const event = checkEvent(given)
  await takeTurn(tx, event.ref)
  const user = await lockByRef(tx, event.ref)
  if (user === undefined) throw peopleError('user.not_found', { selector: 'ref' })
  return (await isLateToErase(tx, event, user)) ? undefined : user
}

/** Events about one ref take turns: what one finds missing, another might create. */
async function takeTurn(tx: TenantTransaction, ref: string): Promise<void> {
  const hash = hashEventRef(await identifierHashKey(tx), ref).toString('hex')
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('event ' || $1 || ' ' || $2, 0))`, [tx.tenantId, hash])
}

async function applyReserved(tx: TenantTransaction, event: ReceivedEvent, { before }: Reserved): Promise<AppliedEvent> {
  const user = await lockByRef(tx, event.ref)
  // The erasure that the event asked for has ended, whatever became of the ref since.
  if (user === undefined) return before ? applied : await applyToNone(tx, event)
  if (event.type === 'user_deleted') return await applyDeletion(tx, event, { user, before })
  if (user.state === 'deleted') return await refuseDeleted(tx, event, user)
  const times = await readTimes(tx, user.id)
  const after = await change(tx, event, { user, times })
  if (after === undefined) return await ignore(tx, event, { reason: 'late', userId: user.id })
  await writeTimes(tx, user.id, after)
  return applied
}

/** Locks the user with exactly this ref, a deleted one too. */
async function lockByRef(tx: TenantTransaction, ref: string): Promise<User | undefined> {
  const find = async () => {
    const { rows } = await tx.query<User>(
      `select ${userColumnsSql} from users where tenant_id = $1 and ref = $2`,
      [tx.tenantId, ref],
      'find_by_ref_for_event',
    )
    return rows[0]
  }
  const user = await find()
  if (user === undefined) return undefined
  try {
    await lockUsers(tx, [user.id])
  } catch (error) {
    // Erased while this transaction waited for the lock.
    if (!peopleError.is(error, 'user.not_found')) throw error
  }
  return await find()
}

/** Nothing is known of a user with this ref but, perhaps, that one was erased. */
async function applyToNone(tx: TenantTransaction, event: ReceivedEvent): Promise<AppliedEvent> {
  const { type, ref, at } = event
  if (type === 'user_joined') return await create(tx, event)
  if (type === 'user_deleted') await keepCutoff(tx, ref, { deletedAt: at })
  if (type === 'user_suspended') await keepCutoff(tx, ref, { suspendedAt: at })
  return { outcome: 'unknown_user' }
}

async function create(tx: TenantTransaction, event: ReceivedEvent): Promise<AppliedEvent> {
  const { ref, at, account } = event
  const cutoff = await findCutoff(tx, ref)
  const purgedAt = await lastPurged(tx, identifiersOf({ ...account.identifiers, ref }))
  if (isAfter(cutoff?.deletedAt, at) || isAfter(purgedAt, at)) return await ignore(tx, event, { reason: 'erased' })
  const user = await account.create(tx, { asLearner: purgedAt !== undefined })
  const times = newTimes(at)
  if (isAfter(cutoff?.suspendedAt, at)) {
    await account.suspend(tx, user)
    times.suspended = cutoff?.suspendedAt?.getTime() ?? times.suspended
  }
  await writeTimes(tx, user.id, times)
  return applied
}

function isAfter(time: Date | null | undefined, other: Date): boolean {
  return time != null && time.getTime() > other.getTime()
}

/** Changes a user who is there. Returns the times after it; undefined where all of it is late. */
async function change(
  tx: TenantTransaction,
  event: ReceivedEvent,
  { user, times }: { user: User; times: EventTimes },
): Promise<EventTimes | undefined> {
  const { account, type } = event
  const at = event.at.getTime()
  if (type === 'user_suspended') {
    if (at < times.joined) return undefined
    await account.suspend(tx, user)
    return { ...times, suspended: Math.max(times.suspended, at) }
  }
  const joins = type === 'user_joined' && at >= times.suspended
  const now = joins && user.state === 'suspended' ? await reactivateUser(tx, user.id) : user
  const given = Object.entries(account.columns)
  const newer = given.filter(([, columns]) => columns.every((column) => at >= fieldTime(times, column)))
  const fields = newer.map(([field]) => field)
  if (fields.length > 0) await account.change(tx, now, fields)
  // An update without fields changes nothing, so it is never late.
  const isEmpty = type === 'user_updated' && given.length === 0
  if (!joins && !isEmpty && fields.length === 0) return undefined
  return {
    ...times,
    joined: joins ? Math.max(times.joined, at) : times.joined,
    fields: {
      ...times.fields,
      ...Object.fromEntries(newer.flatMap(([, columns]) => columns.map((column) => [column, at]))),
    },
  }
}

/** A deleted user stays deleted. What is older than the delete is late; what is newer, a person has to decide. */
async function refuseDeleted(tx: TenantTransaction, event: ReceivedEvent, user: User): Promise<AppliedEvent> {
  if (isAfter(user.deleted_at, event.at)) return await ignore(tx, event, { reason: 'late', userId: user.id })
  const [pending] = await findPendingErasures(tx, [user.id])
  if (pending !== undefined) throw peopleError('user.erasure_pending', { request: pending.request_id })
  throw peopleError('user.taken_by_deleted', { field: 'ref', id: user.id })
}

async function applyDeletion(
  tx: TenantTransaction,
  event: ReceivedEvent,
  { user, before }: { user: User; before: boolean },
): Promise<AppliedEvent> {
  if (!(await isLateToErase(tx, event, user))) return { outcome: 'to_erase' }
  // Its own erasure has ended, and the ref has a new user; or the user was restored or joined again after the event.
  return before ? applied : await ignore(tx, event, { reason: 'late', userId: user.id })
}

async function isLateToErase(tx: TenantTransaction, { at }: ReceivedEvent, user: User): Promise<boolean> {
  return at.getTime() < (await readTimes(tx, user.id)).joined
}

async function ignore(
  tx: TenantTransaction,
  { type }: ReceivedEvent,
  { reason, userId }: { reason: IgnoredReason; userId?: string },
): Promise<StoredOutcome> {
  await record(tx, { activity: 'EventIgnored', object: userId, details: { event: type, reason } })
  return ignored(reason)
}
