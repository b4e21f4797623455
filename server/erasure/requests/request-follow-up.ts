import { record } from '../../audit/record.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { openWith } from '../../keyring/identifier-hash-key.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { requireNoPendingErasure } from '../../people/lifecycle/pending-erasure.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { enqueueResumeHeld } from '../safeguards/resume-held.ts'
import { openIdentifiers, sealIdentifiers } from '../sealed-identifiers.ts'
import { stateSets } from '../states.ts'
import { insertRequest } from './insert-request.ts'
import { retryErasure } from './retry-erasure.ts'

/** A purged person, by internal id, and identifiers of that person that came up again. */
export type Reappeared = { userId: string; identifiers: Identifier[] }

/**
 * Requests that identifiers of people who were purged before are scrubbed, verified and certified: a purge whose people are
 * erased already, like one that is tried again. Returns the request's id.
 *
 * Throws `user.erasure_pending`, `user.acting_erased`; then nothing was requested.
 */
export async function requestFollowUp(
  tx: TenantTransaction,
  given: { subjects: Reappeared[]; reason: string },
): Promise<string> {
  const ids = given.subjects.map(({ userId }) => userId)
  await actingUser(tx)
  await requireNoPendingErasure(tx, ids)
  const key = newKey()
  const { request } = insertRequest(tx, {
    operation: 'purge',
    reason: given.reason,
    key,
    subjects: given.subjects.map(({ userId, identifiers }) => ({
      id: userId,
      sealedIdentifiers: sealIdentifiers(key, identifiers),
    })),
    safeguards: 'holds',
  })
  // The people are not locked, so a hold may be released meanwhile without knowing of them.
  enqueueResumeHeld(tx)
  await record(tx, { activity: 'ErasureFollowUpOrdered', object: request, details: { people: ids.length } })
  return request
}

/** Tries an ended request again, with what came up since of its failed people. Throws like {@link retryErasure}. */
export async function retryWith(tx: TenantTransaction, request: string, subjects: Reappeared[]): Promise<void> {
  const { rows } = await tx.query<{ user_id: string; sealed_identifiers: Buffer | null; sealed_key: Buffer }>(
    `select s.user_id, s.sealed_identifiers, r.sealed_key
     from erasure_requests r join erasure_subjects s on s.tenant_id = r.tenant_id and s.request_id = r.id
     where r.tenant_id = $1 and r.id = $2 and s.user_id = any($3) and s.state in ${stateSets.failed} for update`,
    [tx.tenantId, request, subjects.map(({ userId }) => userId)],
  )
  const sealed = rows.map(({ user_id, sealed_identifiers, sealed_key }) => {
    const key = openWith(tx.masterKey, sealed_key, 'request key')
    const known = sealed_identifiers === null ? [] : openIdentifiers(key, sealed_identifiers)
    const found = subjects.find(({ userId }) => userId === user_id)?.identifiers ?? []
    const added = found.filter(({ value }) => !known.some((identifier) => identifier.value === value))
    return sealIdentifiers(key, [...known, ...added])
  })
  await tx.query(
    `update erasure_subjects s set sealed_identifiers = given.sealed
     from unnest($3::uuid[], $4::bytea[]) as given (user_id, sealed)
     where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id`,
    [tx.tenantId, request, rows.map(({ user_id }) => user_id), sealed],
  )
  await retryErasure(tx, request)
}
