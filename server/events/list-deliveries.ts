import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../platform/validation/page.ts'

export const deliveryStates = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof deliveryStates)[number]

/** A delivery as it is listed: no payload is stored. */
export type Delivery = {
  id: string
  endpoint_id: string
  /** What the receiver gets as `webhook-id`. */
  event_id: string
  kind: string
  occurred_at: Date
  /** The internal id of the person of the event. */
  user_id: string | null
  request_id: string | null
  state: DeliveryState
  /** Since it was last queued. */
  attempts: number
  /** Null unless it is pending. */
  next_attempt_at: Date | null
  ended_at: Date | null
  /** All attempts, the oldest first: the status of the answer, or why there was none. */
  attempt_log: { at: string; milliseconds: number; status?: number; error?: string }[]
}

const columns = `id, endpoint_id, event_id, kind, occurred_at, coalesce(user_id, erased_user_id) as user_id, request_id, state,
  attempts, due_at as next_attempt_at, ended_at, attempt_log`

/** A page of the deliveries of an endpoint, newest first. Throws `input.invalid`. */
export async function listDeliveries(
  tx: TenantTransaction,
  endpointId: string,
  { state, ...paging }: Paging & { state?: DeliveryState | undefined } = {},
): Promise<{ deliveries: Delivery[]; next: string | undefined }> {
  const { limit, after } = readPaging(paging)
  const { rows } = await tx.query<Delivery>(
    `select ${columns} from webhook_deliveries
     where tenant_id = $1 and endpoint_id = $2 and ($3::text is null or state = $3) and ($4::uuid is null or id < $4)
     order by id desc limit $5`,
    [tx.tenantId, endpointId, state ?? null, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { deliveries: page, next }
}
