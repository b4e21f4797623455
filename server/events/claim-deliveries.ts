import type { TenantTransaction } from '../platform/database/transaction.ts'

/** A delivery that this process sends now: references only. */
export type ClaimedDelivery = {
  id: string
  event_id: string
  kind: string
  occurred_at: Date
  user_id: string | null
  erased_user_id: string | null
  request_id: string | null
  object_id: string | null
  sealed_reference: Buffer | null
  /** With this attempt. */
  attempts: number
  give_up_at: Date
}

/**
 * Takes up to `most` deliveries of an endpoint that are due, the longest due first, and counts an attempt of each. Until
 * `until` no other process takes them; a process that dies meanwhile leaves them to others.
 */
export async function claimDeliveries(
  tx: TenantTransaction,
  endpointId: string,
  { most, now, until }: { most: number; now: Date; until: Date },
): Promise<ClaimedDelivery[]> {
  const { rows } = await tx.query<ClaimedDelivery>(
    `with due as (
       select id from webhook_deliveries
       where tenant_id = $1 and endpoint_id = $2 and state = 'pending' and due_at <= $3
       order by due_at limit $5 for update skip locked
     )
     update webhook_deliveries set attempts = attempts + 1, due_at = $4
     where tenant_id = $1 and id in (select id from due)
     returning id, event_id, kind, occurred_at, user_id, erased_user_id, request_id, object_id, sealed_reference,
       attempts, give_up_at`,
    [tx.tenantId, endpointId, now, until, most],
    'claim_deliveries',
  )
  return rows
}

/** The endpoints of all tenants to which something is due. */
export const dueEndpoints = 'select tenant_id, endpoint_id from due_webhook_endpoints($1)'
