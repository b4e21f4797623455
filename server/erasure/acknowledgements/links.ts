import { hkdfSync } from 'node:crypto'
import { formatLinkToken } from '../../access/link-token.ts'
import { hashSecret, newSecret } from '../../access/secrets.ts'
import { record } from '../../audit/record.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { showExternalSystem } from '../../tenancy/external-systems.ts'
import { erasureError } from '../errors.ts'
import { acknowledgementError } from './errors.ts'

/** Days that a link is valid: by default, and at most. */
export const linkDays = { usual: 30, most: 365 }

/** The kinds of receivers that acknowledge: a system of the register, or the endpoint of a webhook. */
export type ReceiverKind = 'external_system' | 'webhook'

export type NewLink = {
  id: string
  /** Shown once: Lethe stores a hash of the secret in it. */
  url: string
  expires_at: Date
}

/**
 * Makes a link by which the owner of an external system acknowledges that the people of an erasure request are erased
 * there. It works once, without a sign-in, for `days` days ({@link linkDays}). `publicUrl`: the address of the server, to
 * which the link leads; never taken from a request.
 *
 * Throws `input.invalid`, `erasure.not_found`, `external_system.not_found`, `acknowledgement.nothing_erased`,
 * `acknowledgement.no_public_url`.
 */
export async function createAcknowledgementLink(
  tx: TenantTransaction,
  options: { request: string; systemId: string; days?: number | undefined; publicUrl: string | undefined },
): Promise<NewLink> {
  const { publicUrl } = options
  const request = requireUuid('request', options.request)
  const days = requireWholeNumber('days', options.days ?? linkDays.usual, { from: 1, to: linkDays.most })
  await requireErased(tx, request)
  const { id: system } = await showExternalSystem(tx, options.systemId)
  if (publicUrl === undefined) throw acknowledgementError('acknowledgement.no_public_url')
  const secret = newSecret()
  const expiresAt = after(days)
  const { rows } = await tx.query<{ id: string }>(
    `insert into acknowledgement_links (tenant_id, request_id, receiver_kind, receiver_id, token_hash, expires_at)
     values ($1, $2, 'external_system', $3, $4, $5) returning id`,
    [tx.tenantId, request, system, hashSecret(secret), expiresAt],
  )
  const id = rows[0]?.id ?? ''
  await record(tx, { activity: 'AcknowledgementRequested', object: request, details: { system, link: id } })
  return { id, url: urlOf(tx, publicUrl, secret), expires_at: expiresAt }
}

/**
 * The link of a webhook's endpoint for an erasure request, the same in each delivery: its secret follows from the master
 * key. A later delivery makes it valid for longer. Undefined where the server does not know its public address.
 */
export async function webhookLink(
  tx: TenantTransaction,
  options: { request: string; endpoint: string; publicUrl: string | undefined },
): Promise<NewLink | undefined> {
  const { request, endpoint, publicUrl } = options
  if (publicUrl === undefined) return undefined
  const info = `lethe acknowledgement ${tx.tenantId} ${request} ${endpoint}`
  const secret = Buffer.from(hkdfSync('sha256', tx.masterKey, '', info, 32)).toString('base64url')
  const expiresAt = after(linkDays.usual)
  const { rows } = await tx.query<{ id: string }>(
    `insert into acknowledgement_links as l (tenant_id, request_id, receiver_kind, receiver_id, token_hash, expires_at)
     values ($1, $2, 'webhook', $3, $4, $5)
     on conflict (tenant_id, request_id, receiver_id) where receiver_kind = 'webhook'
       do update set expires_at = excluded.expires_at
     returning id`,
    [tx.tenantId, request, endpoint, hashSecret(secret), expiresAt],
    'webhook_acknowledgement_link',
  )
  return { id: rows[0]?.id ?? '', url: urlOf(tx, publicUrl, secret), expires_at: expiresAt }
}

/** Withdraws a link that was not used yet. Throws `input.invalid`, `acknowledgement.link_not_found`. */
export async function withdrawAcknowledgementLink(
  tx: TenantTransaction,
  options: { request: string; link: string },
): Promise<void> {
  const request = requireUuid('request', options.request)
  const link = requireUuid('link', options.link)
  const { rowCount } = await tx.query(
    `delete from acknowledgement_links
     where tenant_id = $1 and request_id = $2 and id = $3 and acknowledged_at is null`,
    [tx.tenantId, request, link],
  )
  if (rowCount === 0) throw acknowledgementError('acknowledgement.link_not_found', { request, link })
  await record(tx, { activity: 'AcknowledgementWithdrawn', object: request, details: { link } })
}

/** Deletes links that expired unused a day ago, in all tenants. */
export async function cleanAcknowledgementLinks(database: Database): Promise<void> {
  for (const id of await tenantIds(database)) {
    await inTenant(database, id, (tx) =>
      tx.query(
        `delete from acknowledgement_links
         where tenant_id = $1 and acknowledged_at is null and expires_at < now() - interval '1 day'`,
        [id],
      ),
    )
  }
}

/** Throws `erasure.not_found`, `acknowledgement.nothing_erased`. */
async function requireErased(tx: TenantTransaction, request: string): Promise<void> {
  const { rows } = await tx.query<{ erased: boolean }>(
    `select exists (
       select from erasure_subjects s
       where s.tenant_id = $1 and s.request_id = $2 and s.erased_at is not null
     ) as erased
     from erasure_requests r where r.tenant_id = $1 and r.id = $2`,
    [tx.tenantId, request],
  )
  const [found] = rows
  if (found === undefined) throw erasureError('erasure.not_found', { request })
  if (!found.erased) throw acknowledgementError('acknowledgement.nothing_erased', { request })
}

function urlOf(tx: TenantTransaction, publicUrl: string, secret: string): string {
  return `${publicUrl}/acknowledge/${formatLinkToken({ tenant: tx.tenantId, secret })}`
}

function after(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}
