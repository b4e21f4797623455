import { hasLiveCredential } from '../events/announce-events.ts'
import { type ClaimedDelivery, claimDeliveries } from '../events/claim-deliveries.ts'
import { openReference } from '../events/reference.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { buildPayload, type StoredUser } from './payload.ts'
import { openPart } from './sealed.ts'
import { signatureHeaders } from './sign.ts'

/** A delivery that is ready to leave. */
export type Prepared = {
  delivery: ClaimedDelivery
  url: URL
  body: string
  headers: Record<string, string>
}

/** Returns where an endpoint acknowledges an erasure request; undefined where it cannot. */
export type LinkOf = (
  tx: TenantTransaction,
  given: { request: string; endpoint: string },
) => Promise<string | undefined>

type EndpointRow = {
  sealed_url: Buffer | null
  sealed_secret: Buffer
  sealed_previous_secret: Buffer | null
  thrive_signature: boolean
}

/**
 * Claims deliveries of an endpoint that are due, and builds and signs what is sent, from what is stored now. Returns none where
 * the endpoint is disabled, or ended with its key. Throws `master_key.wrong`.
 */
export async function prepareDeliveries(
  tx: TenantTransaction,
  endpointId: string,
  claim: { most: number; now: Date; until: Date },
  linkOf?: LinkOf,
): Promise<Prepared[]> {
  const { now } = claim
  const { rows } = await tx.query<EndpointRow>(
    `select sealed_url, sealed_secret, thrive_signature,
       case when previous_secret_until > $3::timestamptz then sealed_previous_secret end as sealed_previous_secret
     from webhook_endpoints endpoint
     where tenant_id = $1 and id = $2 and enabled and ${hasLiveCredential('$3::timestamptz')}`,
    [tx.tenantId, endpointId, now],
    'endpoint_to_deliver_to',
  )
  const [endpoint] = rows
  if (endpoint === undefined || endpoint.sealed_url === null) return []
  const url = new URL(openPart(tx.masterKey, 'url', endpointId, endpoint.sealed_url))
  const secrets = [endpoint.sealed_secret, endpoint.sealed_previous_secret].flatMap((sealed) =>
    sealed === null ? [] : [openPart(tx.masterKey, 'secret', endpointId, sealed)],
  )
  const deliveries = await claimDeliveries(tx, endpointId, claim)
  const users = await usersOf(tx, deliveries)
  const links = await linksOf(tx, endpointId, deliveries, linkOf)
  return deliveries.map((delivery) => {
    const { sealed_reference: reference } = delivery
    const payload = buildPayload(delivery, {
      tenantId: tx.tenantId,
      user: users.get(delivery.user_id ?? ''),
      reference: reference === null ? undefined : openReference(tx, reference),
      acknowledgeUrl: links.get(delivery.request_id ?? ''),
      now,
    })
    const body = JSON.stringify(payload)
    // Receivers that know Thrive's header compare one signature, so it changes when the secret before ends.
    const thriveSecret = endpoint.thrive_signature ? secrets.at(-1) : undefined
    return {
      delivery,
      url,
      body,
      headers: signatureHeaders(body, { id: delivery.event_id, at: now, secrets, thriveSecret }),
    }
  })
}

/** One link for each erasure request, by the id of the request. */
async function linksOf(
  tx: TenantTransaction,
  endpoint: string,
  deliveries: readonly ClaimedDelivery[],
  linkOf: LinkOf | undefined,
): Promise<Map<string, string>> {
  const links = new Map<string, string>()
  if (linkOf === undefined) return links
  for (const request of new Set(deliveries.flatMap(({ request_id }) => request_id ?? []))) {
    const url = await linkOf(tx, { request, endpoint })
    if (url !== undefined) links.set(request, url)
  }
  return links
}

async function usersOf(
  tx: TenantTransaction,
  deliveries: readonly ClaimedDelivery[],
): Promise<Map<string, StoredUser>> {
  const ids = [...new Set(deliveries.flatMap(({ user_id }) => user_id ?? []))]
  if (ids.length === 0) return new Map()
  const { rows } = await tx.query<StoredUser>(
    `select id, ref, first_name, last_name, email, state, roles from users
     where tenant_id = $1 and id = any ($2::uuid[]) and state <> 'anonymized'`,
    [tx.tenantId, ids],
    'users_to_deliver',
  )
  return new Map(rows.map((row) => [row.id, row]))
}
