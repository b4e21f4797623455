import { v7 as newId } from 'uuid'
import { record } from '../audit/record.ts'
import { hasLiveCredential } from '../events/announce-events.ts'
import { type EventKind, eventKindNames, eventKinds } from '../events/event-kinds.ts'
import { deleteDeliveries } from '../events/queue-deliveries.ts'
import { requireOwn } from '../permissions/grants.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { mayConnectTo } from '../platform/network/allowed-address.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { type DisabledBecause, webhookError } from './errors.ts'
import { newWebhookSecret, openPart, sealPart } from './sealed.ts'
import { mostEndpoints, type WebhookSettings } from './settings.ts'

/** A webhook endpoint, without its secrets. */
export type Endpoint = {
  id: string
  name: string
  /** Null after an erasure of a person that it named. */
  url: string | null
  events: EventKind[]
  /** Whether deliveries also carry Thrive's header `x-hmac-signature`. */
  thrive_signature: boolean
  /** The API key or OAuth client that created it: it ends with that; null: a user or a command created it. */
  credential_id: string | null
  enabled: boolean
  /** Null while it is enabled. */
  disabled_because: DisabledBecause | null
  /** Until then deliveries are also signed with the secret before; null: there is one secret. */
  previous_secret_until: Date | null
  created_at: Date
  changed_at: Date
}

type Row = Omit<Endpoint, 'url' | 'enabled' | 'disabled_because'> & {
  sealed_url: Buffer | null
  enabled: boolean
  disabled_because: DisabledBecause | null
  is_live: boolean
}

const columns = `id, name, sealed_url, event_kinds as events, thrive_signature, credential_id, enabled, disabled_because,
  case when previous_secret_until > $2::timestamptz then previous_secret_until end as previous_secret_until, created_at,
  changed_at, ${hasLiveCredential('$2::timestamptz')} as is_live`

/** What a caller gives. A field that is undefined stays, or gets its default. */
export type EndpointFields = {
  name?: string | undefined
  url?: string | undefined
  events?: readonly string[] | undefined
  /** Default: false. */
  thriveSignature?: boolean | undefined
}

/**
 * Creates an endpoint, which gets every event of its kinds from now on. The secret is returned this once. The caller may
 * subscribe to what the caller may read. If an API key or an OAuth client creates it, it ends when that is revoked or expires.
 *
 * Throws `input.invalid`, `access.beyond_own`, `webhook.too_many`, `webhook.address_not_allowed`.
 */
export async function createEndpoint(
  tx: TenantTransaction,
  fields: EndpointFields,
  settings: WebhookSettings,
): Promise<{ endpoint: Endpoint; secret: string }> {
  const name = requireLine('name', fields.name)
  const url = requireUrl(fields.url, settings)
  const events = requireKinds(fields.events)
  await requireMayHear(tx, events)
  await requireRoom(tx)
  const id = newId()
  const secret = newWebhookSecret()
  const { credential } = tx.initiator
  const ends = credential?.kind === 'api_key' || credential?.kind === 'client' ? credential.id : null
  await tx.query(
    `insert into webhook_endpoints (tenant_id, id, name, event_kinds, sealed_url, sealed_secret, thrive_signature,
       credential_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      tx.tenantId,
      id,
      name,
      events,
      sealPart(tx, 'url', id, url),
      sealPart(tx, 'secret', id, secret),
      fields.thriveSignature ?? false,
      ends,
    ],
  )
  await record(tx, { activity: 'WebhookCreated', object: id, details: { events } })
  return { endpoint: await showEndpoint(tx, id), secret }
}

/** All endpoints of the tenant, in the order of their creation. */
export async function listEndpoints(tx: TenantTransaction): Promise<Endpoint[]> {
  const { rows } = await tx.query<Row>(
    `select ${columns} from webhook_endpoints endpoint where tenant_id = $1 order by id`,
    [tx.tenantId, new Date()],
  )
  return rows.map((row) => endpointOf(tx, row))
}

/** One endpoint. Throws `input.invalid`, `webhook.not_found`. */
export async function showEndpoint(tx: TenantTransaction, endpointId: string): Promise<Endpoint> {
  return await read(tx, endpointId, '')
}

async function read(
  tx: TenantTransaction,
  endpointId: string,
  lock: 'for no key update' | 'for update' | '',
): Promise<Endpoint> {
  const id = requireUuid('webhook id', endpointId)
  const { rows } = await tx.query<Row>(
    `select ${columns} from webhook_endpoints endpoint where tenant_id = $1 and id = $3 ${lock}`,
    [tx.tenantId, new Date(), id],
  )
  const [found] = rows
  if (found === undefined) throw webhookError('webhook.not_found', { id })
  return endpointOf(tx, found)
}

/** The same, locked until the transaction ends, if it gets deliveries. Throws like {@link showEndpoint}, and `webhook.not_enabled`. */
export async function requireEnabled(tx: TenantTransaction, endpointId: string): Promise<Endpoint> {
  const endpoint = await read(tx, endpointId, 'for no key update')
  if (endpoint.disabled_because === 'credential_ended') throw webhookError('webhook.credential_ended')
  if (!endpoint.enabled) throw webhookError('webhook.not_enabled')
  return endpoint
}

function endpointOf(tx: TenantTransaction, { sealed_url, is_live, enabled, disabled_because, ...row }: Row): Endpoint {
  const { id, name, ...rest } = row
  return {
    id,
    name,
    url: sealed_url && openPart(tx.masterKey, 'url', id, sealed_url),
    ...rest,
    enabled: enabled && is_live,
    disabled_because: is_live ? disabled_because : 'credential_ended',
  }
}

/**
 * Changes an endpoint. What waits for it goes to the new address.
 *
 * Throws `input.invalid`, `webhook.not_found`, `access.beyond_own`, `webhook.address_not_allowed`.
 */
export async function changeEndpoint(
  tx: TenantTransaction,
  endpointId: string,
  fields: EndpointFields,
  settings: WebhookSettings,
): Promise<Endpoint> {
  const { id, events: before } = await read(tx, endpointId, 'for no key update')
  const events = fields.events === undefined ? undefined : requireKinds(fields.events)
  // With the address, what the endpoint hears goes somewhere else.
  await requireMayHear(tx, events ?? before)
  const changed = Object.entries({
    name: fields.name === undefined ? undefined : requireLine('name', fields.name),
    sealed_url: fields.url === undefined ? undefined : sealPart(tx, 'url', id, requireUrl(fields.url, settings)),
    event_kinds: events,
    thrive_signature: fields.thriveSignature,
  }).filter(([, value]) => value !== undefined)
  const sets = changed.map(([column], index) => `${column} = $${index + 4}`)
  await tx.query(
    `update webhook_endpoints set ${[...sets, 'changed_at = $3'].join(', ')} where tenant_id = $1 and id = $2`,
    [tx.tenantId, id, new Date(), ...changed.map(([, value]) => value)],
  )
  await record(tx, {
    activity: 'WebhookUpdated',
    object: id,
    details: { columns: changed.map(([column]) => (column === 'sealed_url' ? 'url' : column)) },
  })
  return await read(tx, id, '')
}

/**
 * Enables an endpoint: it hears of events from now on, and gets what waits for it. Throws `input.invalid`,
 * `webhook.not_found`, `access.beyond_own`, `webhook.needs_address`, `webhook.credential_ended`.
 */
export async function enableEndpoint(tx: TenantTransaction, endpointId: string): Promise<Endpoint> {
  const before = await read(tx, endpointId, 'for no key update')
  if (before.disabled_because === 'credential_ended') throw webhookError('webhook.credential_ended')
  if (before.url === null) throw webhookError('webhook.needs_address')
  await requireMayHear(tx, before.events)
  if (before.enabled) return before
  await tx.query(
    `update webhook_endpoints set enabled = true, disabled_because = null where tenant_id = $1 and id = $2`,
    [tx.tenantId, before.id],
  )
  await record(tx, { activity: 'WebhookEnabled', object: before.id })
  return { ...before, enabled: true, disabled_because: null }
}

/**
 * Disables an endpoint: it hears of no further event, and what waits for it stays for as long as it would be tried. Throws
 * `input.invalid`, `webhook.not_found`.
 */
export async function disableEndpoint(
  tx: TenantTransaction,
  endpointId: string,
  because: Extract<DisabledBecause, 'administrator' | 'receiver_gone'> = 'administrator',
): Promise<Endpoint> {
  const before = await read(tx, endpointId, 'for no key update')
  if (!before.enabled) return before
  await tx.query(
    `update webhook_endpoints set enabled = false, disabled_because = $3 where tenant_id = $1 and id = $2`,
    [tx.tenantId, before.id, because],
  )
  await record(tx, { activity: 'WebhookDisabled', object: before.id, details: { because } })
  return { ...before, enabled: false, disabled_because: because }
}

/** Deletes an endpoint with all its deliveries. Throws `input.invalid`, `webhook.not_found`. */
export async function deleteEndpoint(tx: TenantTransaction, endpointId: string): Promise<void> {
  const { id } = await read(tx, endpointId, 'for update')
  await deleteDeliveries(tx, id)
  await tx.query('delete from webhook_endpoints where tenant_id = $1 and id = $2', [tx.tenantId, id])
  await record(tx, { activity: 'WebhookDeleted', object: id })
}

/**
 * Gives an endpoint a new secret, which is returned this once. Deliveries are signed with both secrets for `overlapHours`, 0
 * to 168; default 24. Thrive's header has room for one signature: it keeps the secret before for so long.
 *
 * Throws `input.invalid`, `webhook.not_found`.
 */
export async function rotateSecret(
  tx: TenantTransaction,
  endpointId: string,
  { overlapHours = 24 }: { overlapHours?: number | undefined } = {},
): Promise<{ endpoint: Endpoint; secret: string }> {
  const hours = requireWholeNumber('overlapHours', overlapHours, { from: 0, to: 168 })
  const { id } = await read(tx, endpointId, 'for no key update')
  const secret = newWebhookSecret()
  const now = new Date()
  await tx.query(
    `update webhook_endpoints set sealed_previous_secret = case when $3::integer > 0 then sealed_secret end,
       previous_secret_until = $4, sealed_secret = $5, changed_at = $6
     where tenant_id = $1 and id = $2`,
    [
      tx.tenantId,
      id,
      hours,
      hours > 0 ? new Date(now.getTime() + hours * 3_600_000) : null,
      sealPart(tx, 'secret', id, secret),
      now,
    ],
  )
  await record(tx, { activity: 'WebhookSecretRotated', object: id, details: { overlap_hours: hours } })
  return { endpoint: await read(tx, id, ''), secret }
}

/** Ends the secret before at once, when all receivers have the new one. Throws `input.invalid`, `webhook.not_found`. */
export async function endPreviousSecret(tx: TenantTransaction, endpointId: string): Promise<Endpoint> {
  const before = await read(tx, endpointId, 'for no key update')
  if (before.previous_secret_until === null) return before
  await tx.query(
    `update webhook_endpoints set sealed_previous_secret = null, previous_secret_until = null, changed_at = $3
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, before.id, new Date()],
  )
  await record(tx, { activity: 'WebhookSecretEnded', object: before.id })
  return await read(tx, before.id, '')
}

/** Forgets the secrets before whose time is over. */
export async function forgetPreviousSecrets(tx: TenantTransaction, now: Date): Promise<void> {
  await tx.query(
    `update webhook_endpoints set sealed_previous_secret = null, previous_secret_until = null
     where tenant_id = $1 and previous_secret_until <= $2`,
    [tx.tenantId, now],
  )
}

async function requireMayHear(tx: TenantTransaction, events: readonly EventKind[]): Promise<void> {
  await requireOwn(
    tx,
    events.map((kind) => eventKinds[kind].needs),
  )
}

/** One creation at a time counts the endpoints of a tenant. */
async function requireRoom(tx: TenantTransaction): Promise<void> {
  tx.send(`select pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))`, [tx.tenantId])
  const { rows } = await tx.query<{ count: number }>(
    'select count(*)::int as count from webhook_endpoints where tenant_id = $1',
    [tx.tenantId],
  )
  if ((rows[0]?.count ?? 0) >= mostEndpoints) throw webhookError('webhook.too_many', { most: mostEndpoints })
}

function requireKinds(given: readonly string[] | undefined): EventKind[] {
  const isKind = (kind: string): kind is EventKind => Object.hasOwn(eventKinds, kind)
  const kinds = [...new Set(given ?? [])]
  if (kinds.length === 0 || !kinds.every(isKind)) {
    throw inputError('input.invalid', {
      field: 'events',
      expected: `one or more of ${eventKindNames.join(', ')} are expected`,
    })
  }
  return eventKindNames.filter((kind) => kinds.includes(kind))
}

/** What can be refused at once; the address that is connected to is checked at each delivery. */
function requireUrl(given: string | undefined, settings: WebhookSettings): string {
  const text = requireLine('url', given, 2000)
  const url = URL.parse(text)
  const invalid = (expected: string) => inputError('input.invalid', { field: 'url', expected })
  if (url === null || !['https:', 'http:'].includes(url.protocol)) {
    throw invalid('a URL that begins with https:// is expected')
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('a URL without user name and password is expected; deliveries are signed instead')
  }
  if (url.hash !== '') throw invalid('a URL without a fragment ("#") is expected')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':')
  if (
    (url.protocol === 'http:' && !settings.webhookPlainHttp) ||
    (isAddress && !mayConnectTo(host, settings.webhookNetworks))
  ) {
    throw webhookError('webhook.address_not_allowed')
  }
  return url.href
}
