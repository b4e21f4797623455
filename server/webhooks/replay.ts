import { record } from '../audit/record.ts'
import { type Delivery, type DeliveryState, deliveryStates, listDeliveries } from '../events/list-deliveries.ts'
import { queueTest, replayDead, replayDelivery } from '../events/queue-deliveries.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import type { Paging } from '../platform/validation/page.ts'
import { requireTime } from '../platform/validation/require-time.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { requireEnabled, showEndpoint } from './endpoints.ts'
import { webhookError } from './errors.ts'

/** A page of the deliveries of an endpoint, newest first. Throws `input.invalid`, `webhook.not_found`. */
export async function deliveriesOf(
  tx: TenantTransaction,
  endpointId: string,
  options: Paging & { state?: string | undefined } = {},
): Promise<{ deliveries: Delivery[]; next: string | undefined }> {
  const { state, ...paging } = options
  const known = deliveryStates.find((one): one is DeliveryState => one === state)
  if (state !== undefined && known === undefined) {
    throw inputError('input.invalid', {
      field: 'state',
      expected: `one of ${deliveryStates.join(', ')} is expected`,
    })
  }
  const { id } = await showEndpoint(tx, endpointId)
  return await listDeliveries(tx, id, { ...paging, state: known })
}

/**
 * Queues a delivery of the kind `webhook.test` without data. Returns its id. Throws `input.invalid`, `webhook.not_found`,
 * `webhook.not_enabled`, `webhook.credential_ended`.
 */
export async function testEndpoint(tx: TenantTransaction, endpointId: string): Promise<string> {
  const { id } = await requireEnabled(tx, endpointId)
  const delivery = await queueTest(tx, id)
  await record(tx, { activity: 'WebhookTested', object: id })
  return delivery
}

/**
 * Sends a delivery again, whatever its state. The payload is built anew from what is still stored: of an erased person, the
 * request and the internal id. Throws `input.invalid`, `webhook.not_found`, `webhook.not_enabled`,
 * `webhook.credential_ended`, `webhook.delivery_not_found`.
 */
export async function replayOne(tx: TenantTransaction, endpointId: string, deliveryId: string): Promise<void> {
  const { id } = await requireEnabled(tx, endpointId)
  const delivery = requireUuid('delivery id', deliveryId)
  if (!(await replayDelivery(tx, id, delivery))) throw webhookError('webhook.delivery_not_found', { id: delivery })
  await record(tx, { activity: 'WebhookReplayed', object: id, details: { deliveries: 1 } })
}

/**
 * Sends all deliveries of an endpoint again that died since a time, payloads built anew. Returns how many. Throws
 * `input.invalid`, `webhook.not_found`, `webhook.not_enabled`, `webhook.credential_ended`.
 */
export async function replayAllDead(tx: TenantTransaction, endpointId: string, since: Date): Promise<number> {
  const { id } = await requireEnabled(tx, endpointId)
  const deliveries = await replayDead(tx, id, requireTime('since', since))
  await record(tx, { activity: 'WebhookReplayed', object: id, details: { deliveries } })
  return deliveries
}
