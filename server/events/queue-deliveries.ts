import { v7 as newId } from 'uuid'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { longestDelivery } from './announce-events.ts'
import { testKind } from './event-kinds.ts'

/** Queues a delivery that tells of no event, to try an endpoint. Returns its id. */
export async function queueTest(tx: TenantTransaction, endpointId: string): Promise<string> {
  const now = new Date()
  const id = newId()
  await tx.query(
    `insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, kind, occurred_at, due_at, give_up_at)
     values ($1, $2, $3, $4, $5, $6, $6, $7)`,
    [tx.tenantId, id, endpointId, newId(), testKind, now, new Date(now.getTime() + longestDelivery)],
  )
  return id
}

/**
 * Queues a delivery of an endpoint again, whatever its state: it is due now and has all attempts before it. Its payload is
 * built anew. Returns whether there is such a delivery.
 */
export async function replayDelivery(tx: TenantTransaction, endpointId: string, deliveryId: string): Promise<boolean> {
  return (await replay(tx, 'id = $5', [endpointId, deliveryId])) > 0
}

/** Queues all deliveries of an endpoint again that died since a time. Returns how many. */
export async function replayDead(tx: TenantTransaction, endpointId: string, since: Date): Promise<number> {
  return await replay(tx, `state = 'dead' and ended_at >= $5`, [endpointId, since])
}

async function replay(
  tx: TenantTransaction,
  which: string,
  [endpointId, value]: [string, string | Date],
): Promise<number> {
  const now = new Date()
  const { rowCount } = await tx.query(
    `update webhook_deliveries set state = 'pending', attempts = 0, due_at = $3, give_up_at = $4, ended_at = null
     where tenant_id = $1 and endpoint_id = $2 and ${which}`,
    [tx.tenantId, endpointId, now, new Date(now.getTime() + longestDelivery), value],
  )
  return rowCount
}

/** Deletes all deliveries of an endpoint. */
export async function deleteDeliveries(tx: TenantTransaction, endpointId: string): Promise<void> {
  await tx.query('delete from webhook_deliveries where tenant_id = $1 and endpoint_id = $2', [tx.tenantId, endpointId])
}

/** Deletes the deliveries that ended before a time. */
export async function deleteEndedDeliveries(tx: TenantTransaction, before: Date): Promise<void> {
  await tx.query(`delete from webhook_deliveries where tenant_id = $1 and state <> 'pending' and ended_at < $2`, [
    tx.tenantId,
    before,
  ])
}
