import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/compile.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { requireNoPendingErasure } from '../../people/lifecycle/pending-erasure.ts'
import { lockPeople, type Person } from '../../personal-data/subjects.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { LetheError } from '../../platform/errors.ts'
import { saltedLine } from '../proof/certificate.ts'
import { insertRequest } from './insert-request.ts'

export type ErasureOrder = {
  operation: Operation
  /** Internal ids; repeated ones count once. */
  userIds: string[]
  reason?: string | undefined
}

/**
 * Requests the erasure of deleted users: the request, its subjects, its steps and its jobs come into being together, when
 * the caller's transaction commits. Answers the request's id; the work is done by the workers.
 *
 * The certificate of an anonymize request names people by keyed hashes under a random salt. It is answered here, once, in
 * base64url, and stored nowhere: whoever has it can tell whether a person whom they know is among those people.
 *
 * Throws `erasure.no_subjects`, `input.invalid`, `user.not_found`, `user.not_deleted`, `user.erasure_pending`,
 * `user.acting_erased` and `master_key.wrong`; then nothing was requested.
 */
export async function requestErasure(
  tx: TenantTransaction,
  order: ErasureOrder,
): Promise<{ request: string; salt?: string }> {
  const ids = userIdsOf(order.userIds)
  // Made in the first batch of the tenant's first purge, it would let all other batches wait for that one.
  if (order.operation === 'purge') await identifierHashKey(tx)
  const ordering = actingUser(tx)
  const checked = requireErasable(tx, ids)
  const salt = order.operation === 'anonymize' ? newKey() : undefined
  const { operation, reason } = order
  // Sent together with the check: where that fails, so does the transaction.
  const request = insertRequest(tx, {
    operation,
    reason,
    key: newKey(),
    subjects:
      salt === undefined
        ? ids.map((id) => ({ id }))
        : saltedSubjects((await Promise.all([checked, ordering]))[0], salt),
  })
  await Promise.all([
    ordering,
    checked,
    record(tx, { activity: 'ErasureOrdered', object: request, details: { operation, people: ids.length } }),
  ])
  return { request, ...(salt !== undefined && { salt: salt.toString('base64url') }) }
}

function saltedSubjects(people: Person[], salt: Buffer) {
  return people.map(({ id, identifiers }) => ({ id, saltedLine: saltedLine(salt, identifiers) }))
}

/** Locks these people; throws where one of them may not be erased now. */
async function requireErasable(tx: TenantTransaction, ids: string[]): Promise<Person[]> {
  const [people] = await Promise.all([lockPeople(tx, ids), requireNoPendingErasure(tx, ids)])
  if (people.length < ids.length || people.some(({ state }) => state === 'anonymized')) {
    throw new LetheError('user.not_found', { selector: 'id' })
  }
  const notDeleted = people.flatMap(({ id, state }) => (state === 'deleted' ? [] : [id]))
  if (notDeleted.length > 0) throw new LetheError('user.not_deleted', { ids: notDeleted })
  return people
}

/** Internal ids as they were given, each once. Throws `erasure.no_subjects`, `input.invalid`. */
export function userIdsOf(given: string[]): string[] {
  const ids = [...new Set(given.map((id) => id.toLowerCase()))]
  if (ids.length === 0) throw new LetheError('erasure.no_subjects')
  if (!ids.every(isUuid)) throw new LetheError('input.invalid', { field: 'id', expected: 'a UUID' })
  return ids
}
