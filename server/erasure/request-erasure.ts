import { v7 as newId } from 'uuid'
import { record } from '../audit/record.ts'
import type { Operation } from '../datamap/compile.ts'
import { compiledMap } from '../datamap/compiled.ts'
import { lockPeople } from '../datamap/people.ts'
import { newKey, seal } from '../platform/crypto/seal.ts'
import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'
import { saltedLine } from './certificate.ts'
import { requireNoPendingErasure } from './pending.ts'

export type ErasureOrder = {
  operation: Operation
  /** Internal ids; repeated ones count once. */
  userIds: string[]
  reason?: string | undefined
}

/** So many jobs share a large request; each takes a batch of people at a time. */
const mostJobs = 2
const peoplePerJob = 500

/**
 * Orders the erasure of deleted users: the request, its subjects, its steps and its jobs come into being together, when
 * the caller's transaction commits. Answers the request's id; the work is done by the workers.
 *
 * The certificate of an anonymize request names people by keyed hashes under a random salt. It is answered here, once, in
 * base64url, and stored nowhere: whoever has it can tell whether a person whom they know is among those people.
 *
 * Throws `erasure.no_subjects`, `input.invalid`, `user.not_found`, `user.not_deleted`, `user.erasure_pending`; then nothing was ordered.
 */
export async function requestErasure(
  tx: TenantTransaction,
  masterKey: Buffer,
  order: ErasureOrder,
): Promise<{ request: string; salt?: string }> {
  const ids = userIdsOf(order.userIds)
  const [people] = await Promise.all([lockPeople(tx, ids), requireNoPendingErasure(tx, ids)])
  if (people.length < ids.length || people.some(({ state }) => state === 'anonymized')) {
    throw new LetheError('user.not_found', { selector: 'id' })
  }
  const notDeleted = people.flatMap(({ id, state }) => (state === 'deleted' ? [] : [id]))
  if (notDeleted.length > 0) throw new LetheError('user.not_deleted', { ids: notDeleted })

  const request = newId()
  const salt = order.operation === 'anonymize' ? newKey() : undefined
  const lines = salt === undefined ? [] : people.map(({ identifiers }) => saltedLine(salt, identifiers))
  tx.send(
    `with request as (
       insert into erasure_requests (tenant_id, id, operation, initiated_from, requested_by, reason, sealed_key, map_version)
       values ($1, $9, $2, $3, $4, $5, $6, $7)
     ), subjects as (
       insert into erasure_subjects (tenant_id, request_id, user_id, salted_hashes)
       select $1, $9, subject, line from unnest($8::uuid[], $10::text[]) as given (subject, line)
     )
     insert into erasure_steps (tenant_id, request_id, step, state, started_at, finished_at)
     select $1, $9, step, case when step = 'resolve' then 'done' else 'queued' end,
       case when step = 'resolve' then now() end, case when step = 'resolve' then now() end
     from unnest('{resolve,erase,verify,certify,search,notify}'::text[]) as step`,
    [
      tx.tenantId,
      order.operation,
      tx.initiator.from,
      tx.initiator.userId ?? null,
      order.reason ?? null,
      seal(masterKey, newKey(), 'request key'),
      compiledMap.version,
      people.map(({ id }) => id),
      request,
      lines,
    ],
    'request_erasure',
  )
  enqueueErasure(tx, request, ids.length)
  await record(tx, {
    activity: 'ErasureOrdered',
    object: request,
    details: { operation: order.operation, people: ids.length },
  })
  return { request, ...(salt !== undefined && { salt: salt.toString('base64url') }) }
}

/** Internal ids as they were given, each once. Throws `erasure.no_subjects`, `input.invalid`. */
export function userIdsOf(given: string[]): string[] {
  const ids = [...new Set(given.map((id) => id.toLowerCase()))]
  if (ids.length === 0) throw new LetheError('erasure.no_subjects')
  if (!ids.every(isUuid)) throw new LetheError('input.invalid', { field: 'id', expected: 'a UUID' })
  return ids
}

/** Enqueues the jobs of a request with so many people to work on. */
export function enqueueErasure(tx: TenantTransaction, request: string, people: number): void {
  const jobs = Math.min(mostJobs, Math.max(1, Math.ceil(people / peoplePerJob)))
  for (let job = 0; job < jobs; job++) enqueue(tx, 'erase', { tenant: tx.tenantId, request })
}
