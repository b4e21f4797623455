import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { peopleError } from '../../people/errors.ts'
import { requireNoPendingErasure } from '../../people/lifecycle/pending-erasure.ts'
import { lockSubjectStates, lockSubjects, type Subject } from '../../personal-data/subjects.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { erasureError } from '../errors.ts'
import { saltedLine } from '../proof/certificate.ts'
import { commitTo, openingOf } from '../proof/commitments.ts'
import { insertRequest, type NewRequest } from './insert-request.ts'

export type NewErasure = {
  operation: Operation
  /** Internal ids; repeated ones count once. */
  userIds: string[]
  reason?: string | undefined
  /** See {@link NewRequest}. */
  fromOutside?: boolean
}

/**
 * Requests the erasure of deleted users. The request, its subjects, its steps and its jobs come into being together, when
 * the caller's transaction commits. Returns the request's id; the workers do the work.
 *
 * The certificate of an anonymize request names people by keyed hashes under a random salt. This returns the salt once, in
 * base64url, and stores it nowhere. A person who has the salt can tell whether someone they know is among those people.
 *
 * Throws `erasure.no_subjects`, `input.invalid`, `user.not_found`, `user.not_deleted`, `user.erasure_pending`,
 * `user.acting_erased` and `master_key.wrong`; then nothing was requested.
 */
export async function requestErasure(
  tx: TenantTransaction,
  given: NewErasure,
): Promise<{ request: string; salt?: string }> {
  const ids = userIdsOf(given.userIds)
  const { operation, reason } = given
  // Made in the first batch of the tenant's first purge, it would let all other batches wait for that one.
  if (operation === 'purge') await identifierHashKey(tx)
  const acting = actingUser(tx)
  const salt = operation === 'anonymize' ? newKey() : undefined
  // A purge reads no identifiers before its batch, so its request is sent together with the check: if the check fails, so
  // does the transaction.
  const checked = salt === undefined ? requireErasable(tx, ids, lockSubjectStates(tx, ids)) : undefined
  const subjects = salt === undefined ? ids.map((id) => ({ id })) : await saltSubjects(tx, ids, salt, acting)
  const request = insertRequest(tx, { operation, reason, key: newKey(), subjects, fromOutside: given.fromOutside })
  await Promise.all([
    acting,
    checked,
    record(tx, { activity: 'ErasureOrdered', object: request, details: { operation, people: ids.length } }),
  ])
  return { request, ...(salt !== undefined && { salt: salt.toString('base64url') }) }
}

/** Locks and checks the people of an anonymization, and hashes their identifiers under the salt of the request. */
async function saltSubjects(
  tx: TenantTransaction,
  ids: string[],
  salt: Buffer,
  acting: Promise<unknown>,
): Promise<NewRequest['subjects']> {
  const [people] = await Promise.all([requireErasable(tx, ids, lockSubjects(tx, ids)), acting])
  return people.map(({ id, identifiers }) => ({
    id,
    saltedLine: saltedLine(salt, identifiers),
    commitments: commitTo(openingOf(salt, id), identifiers),
  }))
}

/** Waits for the lock of these people, and throws if one of them may not be erased now. */
async function requireErasable<Locked extends Pick<Subject, 'id' | 'state'>>(
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
