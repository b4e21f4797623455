import { v7 as newId } from 'uuid'
import { record } from '../audit/record.ts'
import { compiledMap } from '../datamap/compiled.ts'
import type { Identifier } from '../datamap/identifiers.ts'
import { newKey, seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { openWith } from './keys.ts'
import { requireNoPendingErasure } from './pending.ts'
import { enqueueErasure } from './request-erasure.ts'
import { retryErasure } from './retry-erasure.ts'
import { openIdentifiers, sealIdentifiers } from './sealed-identifiers.ts'

/** A purged person, by internal id, and identifiers of that person that came up again. */
export type Reappeared = { userId: string; identifiers: Identifier[] }

/**
 * Orders that identifiers of people who were purged before are scrubbed, verified and certified: a purge whose people are
 * erased already, as one that is tried again. Answers the request's id.
 *
 * Throws `user.erasure_pending`; then nothing was ordered.
 */
export async function requestFollowUp(
  tx: TenantTransaction,
  masterKey: Buffer,
  order: { subjects: Reappeared[]; reason: string },
): Promise<string> {
  const ids = order.subjects.map(({ userId }) => userId)
  await requireNoPendingErasure(tx, ids)
  const request = newId()
  const key = newKey()
  await tx.query(
    `with request as (
       insert into erasure_requests (tenant_id, id, operation, initiated_from, requested_by, reason, sealed_key, map_version)
       values ($1, $2, 'purge', $3, $4, $5, $6, $7)
     ), subjects as (
       insert into erasure_subjects (tenant_id, request_id, user_id, sealed_identifiers)
       select $1, $2, given.* from unnest($8::uuid[], $9::bytea[]) as given
     )
     insert into erasure_steps (tenant_id, request_id, step, state, started_at, finished_at)
     select $1, $2, step, case when step = 'resolve' then 'done' else 'queued' end,
       case when step = 'resolve' then now() end, case when step = 'resolve' then now() end
     from unnest('{resolve,erase,verify,certify,search,notify}'::text[]) as step`,
    [
      tx.tenantId,
      request,
      tx.initiator.from,
      tx.initiator.userId ?? null,
      order.reason,
      seal(masterKey, key, 'request key'),
      compiledMap.version,
      ids,
      order.subjects.map(({ identifiers }) => sealIdentifiers(key, identifiers)),
    ],
  )
  enqueueErasure(tx, request, ids.length)
  await record(tx, { activity: 'ErasureFollowUpOrdered', object: request, details: { people: ids.length } })
  return request
}

/** Which unfinished or failed request names a person already; `ended`: it can only be tried again. */
export type Pending = { userId: string; request: string; ended: boolean }

/** The requests that name these people and have not come to an end with them. */
export async function findPending(tx: TenantTransaction, userIds: string[]): Promise<Pending[]> {
  const { rows } = await tx.query<{ user_id: string; request_id: string; ended: boolean }>(
    `select s.user_id, s.request_id, r.finished_at is not null as ended
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     where s.tenant_id = $1 and s.user_id = any($2)
       and s.state in ('queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'failed')`,
    [tx.tenantId, userIds],
  )
  return rows.map(({ user_id, request_id, ended }) => ({ userId: user_id, request: request_id, ended }))
}

/** Tries an ended request again, with what came up since of its failed people. Throws like {@link retryErasure}. */
export async function retryWith(
  tx: TenantTransaction,
  masterKey: Buffer,
  request: string,
  subjects: Reappeared[],
): Promise<void> {
  const { rows } = await tx.query<{ user_id: string; sealed_identifiers: Buffer | null; sealed_key: Buffer }>(
    `select s.user_id, s.sealed_identifiers, r.sealed_key
     from erasure_requests r join erasure_subjects s on s.tenant_id = r.tenant_id and s.request_id = r.id
     where r.tenant_id = $1 and r.id = $2 and s.user_id = any($3) and s.state = 'failed' for update`,
    [tx.tenantId, request, subjects.map(({ userId }) => userId)],
  )
  const sealed = rows.map(({ user_id, sealed_identifiers, sealed_key }) => {
    const key = openWith(masterKey, sealed_key, 'request key')
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
