import { diedSince, endOverdueDeliveries } from '../events/finish-deliveries.ts'
import { deleteEndedDeliveries } from '../events/queue-deliveries.ts'
import { notify } from '../notify/notify.ts'
import { activeAdministrators } from '../people/accounts/administrators.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../platform/database/transaction.ts'
import { forgetPreviousSecrets } from './endpoints.ts'

const day = 24 * 60 * 60 * 1000

/** How long deliveries that ended stay listed, in milliseconds. */
export const keptFor = 30 * day

/**
 * Tells the administrators that deliveries of an endpoint are dead, once a day for each endpoint, or that its receiver is
 * gone. Texts name no endpoint: its name may be changed by an erasure.
 */
export async function tellOfDead(
  tx: TenantTransaction,
  endpointId: string,
  { now, isGone }: { now: Date; isGone: boolean },
): Promise<void> {
  if (!isGone && (await diedSince(tx, endpointId, new Date(now.getTime() - day), now))) return
  const message = isGone
    ? {
        subject: 'A webhook endpoint is disabled',
        body: 'The receiver of a webhook endpoint says that it is gone (status 410). The endpoint is disabled. Enable it again when there is a receiver, or delete it.',
      }
    : {
        subject: 'Webhook deliveries failed for good',
        body: 'Deliveries to a webhook endpoint failed for days and are not tried again. Correct the receiver, then replay them.',
      }
  notify(
    tx,
    await activeAdministrators(tx),
    { kind: isGone ? 'webhook_disabled' : 'webhook_deliveries_dead', ...message, data: { endpoint: endpointId } },
    { byEmail: true },
  )
}

/** The job that ends deliveries which are too old, deletes those that ended long ago, and forgets secrets that are over. */
export async function cleanDeliveries(database: Database, now = new Date()): Promise<void> {
  for (const tenant of await tenantIds(database)) {
    await inTenant(database, tenant, async (tx) => {
      for (const endpoint of await endOverdueDeliveries(tx, now)) await tellOfDead(tx, endpoint, { now, isGone: false })
      await deleteEndedDeliveries(tx, new Date(now.getTime() - keptFor))
      await forgetPreviousSecrets(tx, now)
    })
  }
}
