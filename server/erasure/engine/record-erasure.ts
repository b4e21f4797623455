import type { Operation } from '../../datamap/compile.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import type { Effect, Located } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Whom a batch erased. `hashes`: those of the tombstones. `shared`: identifiers that somebody else holds too. */
export type Erased = { id: string; sealed: Buffer; hashes: { kind: string; hash: Buffer }[]; shared: number }

/**
 * Writes down what was done, in the transaction that did it: subjects, tombstones, ledger, receipt, step. From then on the
 * request's row is locked.
 */
export function recordErasure(
  tx: TenantTransaction,
  request: string,
  done: {
    operation: Operation
    state: 'running' | 'done'
    effects: Effect[]
    located: Located[]
    subjects: Erased[]
  },
): void {
  const { operation, state, effects, located, subjects } = done
  const counts = new Map<string, Record<string, number>>(subjects.map(({ id }) => [id, {}]))
  for (const { person, table, effect, rows } of located) {
    const own = counts.get(person)
    if (own !== undefined) own[`${table} ${effect}`] = (own[`${table} ${effect}`] ?? 0) + rows
  }
  const stones = subjects.flatMap(({ id, hashes }) => hashes.map(({ kind, hash }) => ({ id, kind, hash })))
  const removed = effects.reduce((sum, { rows }) => sum + rows, 0)
  const shared = subjects.reduce((sum, subject) => sum + subject.shared, 0)
  tx.send(
    `with subjects as (
       update erasure_subjects s
       set state = $16, sealed_identifiers = given.sealed, counts = given.counts::jsonb, erased_at = clock_timestamp(),
         finished_at = case when $16 = 'done' then clock_timestamp() end, error_code = null, error_reason = null
       from unnest($3::uuid[], $4::bytea[], $5::text[]) as given (user_id, sealed, counts)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     ), ledger as (
       insert into erasure_ledger (tenant_id, request_id, user_id, operation, map_version)
       select $1, $2, user_id, $15, $6 from unnest($3::uuid[]) as user_id
       on conflict do nothing
     ), stones as (
       insert into tombstones (tenant_id, request_id, user_id, kind, hash)
       select $1, $2, given.* from unnest($7::uuid[], $8::text[], $9::bytea[]) as given
       on conflict do nothing
     ), receipt as (
       insert into erasure_receipts (tenant_id, request_id, table_name, effect, row_count)
       select $1, $2, given.* from unnest($10::text[], $11::text[], $12::bigint[]) as given
       on conflict (tenant_id, request_id, table_name, effect)
       do update set row_count = erasure_receipts.row_count + excluded.row_count
     ), request as (
       update erasure_requests set started_at = coalesce(started_at, now()) where tenant_id = $1 and id = $2
     )
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
    ],
    'record_erasure',
  )
}
