import { decodeJwt } from 'jose'
import { sign } from '../../keyring/jws.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../../platform/database/transaction.ts'
import {
  type Acknowledgement,
  type AddendumClaims,
  type Claims,
  type DiskLevel,
  hashOf,
  type OnDisk,
  type Outstanding,
  placeAfter,
} from '../proof/certificate.ts'
import { readNewestStatements } from '../proof/newest-statements.ts'
import type { ReceiverKind } from './links.ts'

/**
 * The job after an acknowledgement: adds it to the certificate as a signed addendum. Until the request has ended, it does
 * nothing: the end of the search signs what came before.
 *
 * Throws `master_key.wrong`.
 */
export async function signAcknowledgements(database: Database, tenant: string, request: string): Promise<void> {
  await inTenant(database, tenant, (tx) => signUnsigned(tx, request))
}

/**
 * Signs what ended requests of the tenant have been acknowledged and is in no addendum yet. Acknowledgements that arrive
 * before the end of a request wait for this.
 */
export async function signWaiting(database: Database, tenant: string): Promise<void> {
  const { rows } = await inTenant(database, tenant, (tx) =>
    tx.query<{ id: string }>(
      `select r.id from erasure_requests r
       where r.tenant_id = $1 and r.finished_at is not null and r.id in (
         select l.request_id from acknowledgement_links l
         where l.tenant_id = $1 and l.acknowledged_at is not null and l.statement is null
       ) order by r.id`,
      [tenant],
    ),
  )
  for (const { id } of rows) await signAcknowledgements(database, tenant, id)
}

/** The hourly job: usually each acknowledgement is signed at once. A job that was lost leaves it to this one. */
export async function signAllWaiting(database: Database): Promise<void> {
  for (const tenant of await tenantIds(database)) await signWaiting(database, tenant)
}

type Ended = { cleared: boolean; level: DiskLevel; levelAt: Date; past: boolean }

async function signUnsigned(tx: TenantTransaction, request: string): Promise<void> {
  // A statement of its own: what follows sees what was signed while this waited for the request.
  const { rows: ended } = await tx.query<Ended>(
    `select sealed_key is null as cleared, coalesce(disk_level, 2) as level,
       coalesce(disk_level_at, finished_at) as "levelAt", backups_past_at is not null as past
     from erasure_requests where tenant_id = $1 and id = $2 and finished_at is not null for update`,
    [tx.tenantId, request],
  )
  const [state] = ended
  if (state === undefined) return
  const newest = await readNewestStatements(tx, request)
  if (newest === undefined) return
  const { rows: unsigned } = await tx.query<{ id: string; kind: ReceiverKind; receiver: string; at: Date }>(
    `select id, receiver_kind as kind, receiver_id as receiver, acknowledged_at as at from acknowledgement_links
     where tenant_id = $1 and request_id = $2 and acknowledged_at is not null and statement is null
     order by acknowledged_at, id`,
    [tx.tenantId, request],
  )
  if (unsigned.length === 0) return
  const { last, certificate } = newest
  const before = decodeJwt(last.jws) as Claims
  const claims: AddendumClaims = {
    type: 'lethe.erasure_addendum',
    version: 2,
    ...placeAfter(last),
    ...(before.version === 2 ? { outstanding: before.outstanding, disk: before.disk } : placeOnDisk(state)),
    tenant: tx.tenantId,
    request,
    certificate: hashOf(certificate.jws),
    added_at: new Date().toISOString(),
    acknowledgements: firstOfEach(unsigned),
  }
  const key = await activeSigningKey(tx)
  await tx.query(
    `with addendum as (
       insert into erasure_certificates (tenant_id, request_id, number, kid, jws) values ($1, $2, $3, $4, $5)
     )
     update acknowledgement_links set statement = $3 where tenant_id = $1 and id = any ($6)`,
    [tx.tenantId, request, claims.number, key.kid, sign(key, claims), unsigned.map(({ id }) => id)],
  )
}

/** What a certificate of version 1 did not say, which this addendum follows. */
function placeOnDisk({ cleared, level, levelAt, past }: Ended): { outstanding: Outstanding[]; disk: OnDisk } {
  if (!cleared) {
    return { outstanding: ['search', 'disk', 'backups'], disk: { level: 1, reached_at: levelAt.toISOString() } }
  }
  return {
    outstanding: [...(level < 5 ? (['disk'] as const) : []), ...(past ? [] : (['backups'] as const))],
    disk: { level, reached_at: levelAt.toISOString() },
  }
}

/** One of each receiver, the earliest: two links of one receiver may have been used at the same moment. */
function firstOfEach(links: { kind: ReceiverKind; receiver: string; at: Date }[]): Acknowledgement[] {
  const first = new Map<string, Acknowledgement>()
  for (const { kind, receiver, at } of links) {
    if (!first.has(receiver)) first.set(receiver, { receiver: kind, id: receiver, acknowledged_at: at.toISOString() })
  }
  return [...first.values()]
}
