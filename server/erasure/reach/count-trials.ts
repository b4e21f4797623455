import { record } from '../../audit/record.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Counts the trial tenants that a request reached, once each, and records the number with the request. */
export async function countTrials(
  tx: TenantTransaction,
  request: string,
): Promise<{ trials: number; requestedBy: string | null }> {
  const { rows } = await tx.query<{ trials: number; requestedBy: string | null }>(
    `update erasure_requests r set trials_reached = (
       select count(distinct reached)::int from erasure_reaches e cross join lateral unnest(e.trials) as reached
       where e.tenant_id = $1 and e.request_id = $2
     )
     where r.tenant_id = $1 and r.id = $2
     returning r.trials_reached as trials, r.requested_by as "requestedBy"`,
    [tx.tenantId, request],
  )
  const [counted = { trials: 0, requestedBy: null }] = rows
  await record(tx, { activity: 'TrialsReached', object: request, details: { trials: counted.trials } })
  return counted
}
