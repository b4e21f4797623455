import type { TenantTransaction } from '../platform/database/transaction.ts'

/** One attempt: no part of an answer but its status is kept. */
export type Attempt = {
  at: Date
  /** How long the answer took, in milliseconds. */
  milliseconds: number
} & ({ status: number } | { error: string })

export type AttemptResult = {
  id: string
  /** The number of the attempt, as the claim counted it. */
  attempts: number
  attempt: Attempt
  state: 'pending' | 'delivered' | 'dead'
  /** When the next attempt is due; null unless pending. */
  dueAt: Date | null
}

/**
 * Records what came of claimed deliveries, in one statement. A delivery that was replayed, taken over, or removed by an erasure
 * meanwhile stays as it is. What has ended carries no reference any longer.
 */
export async function finishDeliveries(
  tx: TenantTransaction,
  results: readonly AttemptResult[],
  now: Date,
): Promise<void> {
  if (results.length === 0) return
  await tx.query(
    `update webhook_deliveries d
     set state = r.state, due_at = r.due_at, attempt_log = d.attempt_log || r.attempt,
       ended_at = case when r.state = 'pending' then null else $7::timestamptz end,
       sealed_reference = case when r.state = 'pending' then d.sealed_reference end
     from unnest($2::uuid[], $3::integer[], $4::text[], $5::timestamptz[], $6::jsonb[])
       as r (id, attempts, state, due_at, attempt)
     where d.tenant_id = $1 and d.id = r.id and d.attempts = r.attempts and d.state = 'pending'`,
    [
      tx.tenantId,
      results.map(({ id }) => id),
      results.map(({ attempts }) => attempts),
      results.map(({ state }) => state),
      results.map(({ dueAt }) => dueAt),
      results.map(({ attempt }) => JSON.stringify(attempt)),
      now,
    ],
    'finish_deliveries',
  )
}

/** Gives claimed deliveries back as if they had not been claimed: they were not sent to the end. */
export async function releaseDeliveries(
  tx: TenantTransaction,
  claimed: readonly { id: string; attempts: number }[],
  now: Date,
): Promise<void> {
  if (claimed.length === 0) return
  await tx.query(
    `update webhook_deliveries d set attempts = d.attempts - 1, due_at = $4
     from unnest($2::uuid[], $3::integer[]) as r (id, attempts)
     where d.tenant_id = $1 and d.id = r.id and d.attempts = r.attempts and d.state = 'pending'`,
    [tx.tenantId, claimed.map(({ id }) => id), claimed.map(({ attempts }) => attempts), now],
    'release_deliveries',
  )
}

/** Ends deliveries that are too old to be tried again. Returns the endpoints concerned. */
export async function endOverdueDeliveries(tx: TenantTransaction, now: Date): Promise<string[]> {
  const { rows } = await tx.query<{ endpoint_id: string }>(
    `update webhook_deliveries set state = 'dead', due_at = null, ended_at = $2, sealed_reference = null
     where tenant_id = $1 and state = 'pending' and give_up_at <= $2 returning endpoint_id`,
    [tx.tenantId, now],
  )
  return [...new Set(rows.map(({ endpoint_id }) => endpoint_id))]
}

/** Whether a delivery of the endpoint died between two times. */
export async function diedSince(
  tx: TenantTransaction,
  endpointId: string,
  since: Date,
  before: Date,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from webhook_deliveries
     where tenant_id = $1 and endpoint_id = $2 and state = 'dead' and ended_at >= $3 and ended_at < $4 limit 1`,
    [tx.tenantId, endpointId, since, before],
  )
  return rowCount > 0
}
