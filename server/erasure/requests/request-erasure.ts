import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { peopleError } from '../../people/errors.ts'
import { requireNoPendingErasure } from '../../people/lifecycle/pending-erasure.ts'
import { lockSubjectStates, lockSubjects, type Subject } from '../../personal-data/subjects.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { suppressUnhandled } from '../engine/suppress-unhandled.ts'
import { erasureError } from '../errors.ts'
import { markPlanChanged } from '../plans/mark-plan-changed.ts'
import type { PlanPart } from '../plans/plan-parts.ts'
import { type Plan, requirePlan, requireSamePeople } from '../plans/require-plan.ts'
import { saltedLine } from '../proof/certificate.ts'
import { commitTo, openingOf } from '../proof/commitments.ts'
import { beginWaiting } from '../safeguards/begin-waiting.ts'
import { requesterOf } from '../safeguards/requesters.ts'
import type { RequestState } from '../states.ts'
import { insertRequest, type NewRequest } from './insert-request.ts'
import { erasureProgress } from './request-progress.ts'

export type NewErasure = {
  operation: Operation
  /** Internal ids; repeated ones count once. */
  userIds: string[]
  reason?: string | undefined
  /** See {@link NewRequest}. */
  fromOutside?: boolean
  /** See {@link NewRequest}. */
  tellsPeopleFirst?: boolean
  /**
   * The `plan` of a preview. People with other rows than the preview showed stay untouched
   * (`plan_changed`), and `confirmErasure` goes on with them.
   */
  plan?: string | undefined
  /** See {@link NewRequest}. */
  eventAt?: Date | undefined
  /** See {@link NewRequest}; `all` unless given. */
  safeguards?: NewRequest['safeguards']
}

/** A request that was just made. `runAt`: the end of the cooling-off period, if that has begun. */
export type RequestedErasure = { request: string; state: RequestState; runAt: Date | null; salt?: string }

/** People who are left out of a request from its beginning, with their parts of the plan as they are now. */
export type LeftOut = { plan: Plan; changed: ReadonlyMap<string, PlanPart[]> }

/**
 * Requests the erasure of deleted users. The request, its subjects, its steps and its jobs come into being together, when
 * the caller's transaction commits. Returns the request's id; the workers do the work.
 *
 * The certificate of an anonymize request names people by keyed hashes under a random salt. This returns the salt once, in
 * base64url, and stores it nowhere. A person who has the salt can tell whether someone they know is among those people.
 *
 * The request waits for an approval or a cooling-off period if the tenant demands that. A person that a legal hold covers
 * is held. No person erases themselves, nor does an API key or OAuth client erase its creator.
 *
 * Throws `erasure.no_subjects`, `input.invalid`, `user.not_found`, `user.not_deleted`, `user.erasure_pending`,
 * `user.acting_erased`, `erasure.own`, `master_key.wrong`, and for a plan what `requirePlan` and `requireSamePeople` throw; then nothing was
 * requested.
 */
export async function requestErasure(tx: TenantTransaction, given: NewErasure): Promise<RequestedErasure> {
  if (given.plan === undefined) return await insertChecked(tx, given, undefined)
  const plan = await requirePlan(tx, given.plan, { operation: given.operation, deleteFirst: false })
  requireSamePeople(plan, userIdsOf(given.userIds))
  return await insertChecked(tx, given, { plan, changed: new Map() })
}

/** The same for a caller who has checked the plan, and knows people that the request leaves out. */
export async function insertChecked(
  tx: TenantTransaction,
  given: Omit<NewErasure, 'plan'>,
  planned: LeftOut | undefined,
): Promise<RequestedErasure> {
  const all = userIdsOf(given.userIds)
  const ids = all.filter((id) => planned?.changed.has(id) !== true)
  const { operation, reason, safeguards } = given
  // Made in the first batch of the tenant's first purge, it would let all other batches wait for that one.
  if (operation === 'purge') await identifierHashKey(tx)
  const acting = actingUser(tx)
  const requesting = suppressUnhandled(requireOthers(tx, all))
  const salt = operation === 'anonymize' ? newKey() : undefined
  // A purge reads no identifiers before its batch, so its request is sent together with the check: if the check fails, so
  // does the transaction.
  const checked = salt === undefined ? requireErasable(tx, ids, lockSubjectStates(tx, ids)) : undefined
  const salted = new Map(
    salt === undefined ? [] : (await saltSubjects(tx, ids, salt, acting)).map((subject) => [subject.id, subject]),
  )
  const subjects = all.map((id) => salted.get(id) ?? { id })
  const { fromOutside, tellsPeopleFirst, eventAt } = given
  const passed = { operation, reason, fromOutside, tellsPeopleFirst, eventAt }
  const plan = planned?.plan.id
  const { request, first } = insertRequest(tx, { ...passed, key: newKey(), subjects, safeguards, plan })
  const leavesOut = planned !== undefined && planned.changed.size > 0
  if (leavesOut) await markPlanChanged(tx, { request, plan: planned.plan.id, found: planned.changed })
  const [{ state, runAt }] = await Promise.all([
    beginWaiting(tx, {
      request,
      first: leavesOut ? erasureProgress(tx, request) : first,
      people: ids.length,
      requesting,
    }),
    acting,
    checked,
    record(tx, { activity: 'ErasureOrdered', object: request, details: { operation, people: all.length } }),
  ])
  return { request, state, runAt, ...(salt !== undefined && { salt: salt.toString('base64url') }) }
}

/** Makes sure that the person who makes the request is none of its people. Answers that person, if one is known. */
async function requireOthers(tx: TenantTransaction, ids: string[]): Promise<string | undefined> {
  const requester = await requesterOf(tx, actorColumns(tx.initiator))
  if (requester !== undefined && ids.includes(requester)) throw erasureError('erasure.own')
  return requester
}

/** Locks and checks the people of an anonymization, and hashes their identifiers under the salt of the request. */
export async function saltSubjects(
  tx: TenantTransaction,
  ids: string[],
  salt: Buffer,
  acting: Promise<unknown>,
): Promise<(NewRequest['subjects'][number] & { saltedLine: string; commitments: string })[]> {
  const [people] = await Promise.all([requireErasable(tx, ids, lockSubjects(tx, ids)), acting])
  return people.map(({ id, identifiers }) => ({
    id,
    saltedLine: saltedLine(salt, identifiers),
    commitments: commitTo(openingOf(salt, id), identifiers),
  }))
}

/** Waits for the lock of these people, and throws if one of them may not be erased now. */
export async function requireErasable<Locked extends Pick<Subject, 'id' | 'state'>>(
  tx: TenantTransaction,
  ids: string[],
  locking: Promise<Locked[]>,
): Promise<Locked[]> {
  const [people] = await Promise.all([locking, requireNoPendingErasure(tx, ids)])
  if (people.length < ids.length || people.some(({ state }) => state === 'anonymized')) {
    throw peopleError('user.not_found', { selector: 'id' })
  }
  const notDeleted = people.flatMap(({ id, state }) => (state === 'deleted' ? [] : [id]))
  if (notDeleted.length > 0) throw erasureError('user.not_deleted', { ids: notDeleted })
  return people
}

/** Internal ids as they were given, each once. Throws `erasure.no_subjects`, `input.invalid`. */
export function userIdsOf(given: string[]): string[] {
  const ids = [...new Set(given.map((id) => id.toLowerCase()))]
  if (ids.length === 0) throw erasureError('erasure.no_subjects')
  if (!ids.every(isUuid)) throw inputError('input.invalid', { field: 'id', expected: 'a UUID' })
  return ids
}
