import { record } from '../../audit/record.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import { type AffectedRows, type Effect, sumEffects } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutoffLifetime, insertCutoffs } from '../../tombstones/event-cutoffs.ts'
import type { RestingState } from '../states.ts'
import type { Batch } from './claim-batch.ts'

/**
 * What stays of an erased person. `hashes`: those of the tombstones. `refHashes`: those of the refs of an anonymized person,
 * for a day. `heldByOthers`: how many identifiers were left alone.
 */
export type SealedSubject = {
  id: string
  sealed: Buffer
  hashes: { kind: string; hash: Buffer }[]
  refHashes: Buffer[]
  /** For a proof about this person (proof/commitments.ts); null for an anonymized one, who has them from the request. */
  commitments: string | null
  heldByOthers: number
}

/**
 * The sixth phase: writes down what was done, in the transaction that did it: subjects, tombstones, ledger, receipt and
 * step. From then on the request's row is locked. People of whom something is left fail, with the names of the tables.
 */
export function recordBatch(
  tx: TenantTransaction,
  { request, operation, isLastBatch }: Batch,
  done: { subjects: SealedSubject[]; affected: AffectedRows[]; effects: Effect[]; residual: Map<string, Effect[]> },
): void {
  const { subjects, affected } = done
  const effects = sumEffects(done.effects)
  // In a last batch mentions are verified too; the people of others wait for that.
  const state = isLastBatch ? 'done' : 'running'
  const counts = new Map<string, Record<string, number>>(subjects.map(({ id }) => [id, {}]))
  for (const { person, table, effect, rows } of affected) {
    const own = counts.get(person)
    if (own !== undefined) own[`${table} ${effect}`] = (own[`${table} ${effect}`] ?? 0) + rows
  }
  const stones = subjects.flatMap(({ id, hashes }) => hashes.map(({ kind, hash }) => ({ id, kind, hash })))
  const refHashes = subjects.flatMap((subject) => subject.refHashes).sort(Buffer.compare)
  const removed = effects.reduce((sum, { rows }) => sum + rows, 0)
  const shared = subjects.reduce((sum, subject) => sum + subject.heldByOthers, 0)
  tx.send(
    `with subjects as (
       update erasure_subjects s
       set state = $16, sealed_identifiers = given.sealed,
         commitments = coalesce(given.commitments, s.commitments), counts = given.counts::jsonb, erased_at = clock_timestamp(),
         finished_at = case when $16 = 'done' then clock_timestamp() end, error_code = null, error_reason = null
       from unnest($3::uuid[], $4::bytea[], $5::text[], $17::text[]) as given (user_id, sealed, counts, commitments)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     ), ledger as (
       insert into erasure_ledger (tenant_id, request_id, user_id, operation, map_version)
       select $1, $2, user_id, $15, $6 from unnest($3::uuid[]) as user_id
       on conflict do nothing
     ), stones as (
       insert into tombstones (tenant_id, request_id, user_id, kind, hash)
       select $1, $2, given.* from unnest($7::uuid[], $8::text[], $9::bytea[]) as given
       on conflict do nothing
     ), plans as (
       delete from erasure_plan_subjects where tenant_id = $1 and user_id = any ($3::uuid[])
     ), receipt as (${addToReceipt('$10', '$11', '$12')}), ${refHashes.length === 0 ? startRequest : startAndCutOff}
     update erasure_steps
     set state = 'running', started_at = coalesce(started_at, now()), removed = removed + $13, shared = shared + $14
     where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [
      tx.tenantId,
      request,
      subjects.map(({ id }) => id),
      subjects.map(({ sealed }) => sealed),
      subjects.map(({ id }) => JSON.stringify(counts.get(id) ?? {})),
      compiledMap.version,
      stones.map(({ id }) => id),
      stones.map(({ kind }) => kind),
      stones.map(({ hash }) => hash),
      effects.map(({ table }) => table),
      effects.map(({ effect }) => effect),
      effects.map(({ rows }) => rows),
      removed,
      shared,
      operation,
      state,
      subjects.map(({ commitments }) => commitments),
      ...(refHashes.length === 0 ? [] : [refHashes, new Date(), new Date(Date.now() + cutoffLifetime)]),
    ],
    refHashes.length === 0 ? 'record_batch' : 'record_batch_with_cutoffs',
  )
  recordResidualData(tx, request, done.residual)
}

const startRequest = `request as (
       update erasure_requests set started_at = coalesce(started_at, now()) where tenant_id = $1 and id = $2
     )`

/**
 * From when on events about the refs are late: the time of the event that asked for the erasure, or now. The request loses
 * the time of its event, which would lead from the ref to the request and to the internal id.
 */
const startAndCutOff = `cutoffs as (
       ${insertCutoffs({
         hashes: '$18::bytea[]',
         deletedAt: 'coalesce(request.event_at, $19::timestamptz)',
         expiresAt: '$20::timestamptz',
         from: '(select event_at from erasure_requests where tenant_id = $1 and id = $2) as request',
       })}
     ), request as (
       update erasure_requests set started_at = coalesce(started_at, now()), event_at = null where tenant_id = $1 and id = $2
     )`

/** Adds lines to the receipt of the request $2; the parameters are arrays of tables, effects and numbers of rows. */
function addToReceipt(tables: string, effects: string, rows: string): string {
  return `
       insert into erasure_receipts (tenant_id, request_id, table_name, effect, row_count)
       select $1, $2, given.* from unnest(${tables}::text[], ${effects}::text[], ${rows}::bigint[]) as given
       on conflict (tenant_id, request_id, table_name, effect)
       do update set row_count = erasure_receipts.row_count + excluded.row_count
     `
}

/** Adds to the receipt what was scrubbed after the people were erased. */
export function recordScrubbed(tx: TenantTransaction, request: string, effects: Effect[]): void {
  if (effects.length === 0) return
  tx.send(
    `with receipt as (${addToReceipt('$3', '$4', '$5')})
     update erasure_steps set removed = removed + $6 where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [
      tx.tenantId,
      request,
      effects.map(({ table }) => table),
      effects.map(({ effect }) => effect),
      effects.map(({ rows }) => rows),
      effects.reduce((sum, { rows }) => sum + rows, 0),
    ],
    'record_scrubbed',
  )
}

/** Marks people as failed of whom something is left, with the names of the tables. */
export function recordResidualData(tx: TenantTransaction, request: string, residual: Map<string, Effect[]>): void {
  if (residual.size === 0) return
  const reasons = [...residual.values()].map(
    (effects) => `left in ${effects.map(({ table, effect }) => `${table} (${effect})`).join(', ')}`,
  )
  tx.send(
    `with failed as (
       update erasure_subjects s
       set state = 'failed', finished_at = null, error_code = 'erasure.residue', error_reason = given.reason
       from unnest($3::uuid[], $4::text[]) as given (user_id, reason)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     )
     update erasure_steps set failed = failed + $5 where tenant_id = $1 and request_id = $2 and step = 'verify'`,
    [tx.tenantId, request, [...residual.keys()], reasons, residual.size],
    'record_residual_data',
  )
}

/** Marks people as done: nothing is left of them, or {@link recordResidualData} says afterwards what is. */
export function recordVerified(tx: TenantTransaction, request: string, people: string[]): void {
  if (people.length === 0) return
  tx.send(
    `with done as (
       update erasure_subjects s set state = 'done', finished_at = clock_timestamp()
       from unnest($3::uuid[]) as given (user_id)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     ), erase as (
       update erasure_steps set state = 'done', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and step = 'erase' and state <> 'done'
     )
     update erasure_steps set state = 'running', started_at = now()
     where tenant_id = $1 and request_id = $2 and step = 'verify' and state <> 'running'`,
    [tx.tenantId, request, people],
    'record_verified',
  )
}

/** Sets people aside who may not be erased yet, and says so in the trail. */
export async function markResting(
  tx: TenantTransaction,
  request: string,
  { state, people }: { state: RestingState; people: string[] },
): Promise<void> {
  await tx.query(
    `update erasure_subjects set state = $4, error_code = null, error_reason = null
     where tenant_id = $1 and request_id = $2 and user_id = any ($3)
     returning pg_notify('lethe', request_id::text)`,
    [tx.tenantId, request, people, state],
    'mark_resting',
  )
  await record(tx, { activity: 'ErasureHeld', object: request, details: { state, people: people.length } })
}

export type Failure = { code: string; reason: string }

/** Marks a person as failed. The reason names places and holds no value. */
export async function markFailed(
  tx: TenantTransaction,
  request: string,
  person: string,
  failure: Failure,
): Promise<void> {
  await tx.query(
    `with subject as (
       update erasure_subjects set state = 'failed', error_code = $4, error_reason = $5
       where tenant_id = $1 and request_id = $2 and user_id = $3
     )
     update erasure_steps set failed = failed + 1, started_at = coalesce(started_at, now())
     where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [tx.tenantId, request, person, failure.code, failure.reason],
  )
}
