import { record } from '../../audit/record.ts'
import { foldVersion } from '../../identifiers/fold.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { sign } from '../../keyring/jws.ts'
import { activeSigningKey, type SigningKey } from '../../keyring/signing-keys.ts'
import { notify } from '../../notify/notify.ts'
import { type Effect, sumEffects } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { ClaimedOrder } from '../engine/claim-subjects.ts'
import { announcementOf } from '../requests/progress-events.ts'
import { type CertificateClaims, placeAfter, subjectDigest } from './certificate.ts'
import { readSubjectLines } from './subject-list.ts'

/** Whoever certifies, retries or cancels a request waits for its row. Sent at once; fails with the transaction. */
export function lockRequest(tx: TenantTransaction, request: string): void {
  tx.send(
    'select from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
    'lock_request',
  )
}

/** What a certificate says of a request, and the key that signs it. `digest`: of the lines of those who are done. */
export type ForCertificate = { facts: Facts; digest: string; key: SigningKey }

export type Facts = Omit<ClaimedOrder, 'sealedKey'> & {
  total: number
  done: number
  failed: number
  /** Identifiers left alone because somebody else holds them too. */
  shared: number
  effects: Effect[]
  /** The newest statement about the request; null where there is none yet. */
  previous: { number: number; jws: string } | null
}

/** Reads what a certificate says, after the caller has locked the request. */
export async function readForCertificate(tx: TenantTransaction, request: string): Promise<ForCertificate> {
  const [facts, digest, key] = await Promise.all([
    readFacts(tx, request),
    digestSubjects(tx, request),
    activeSigningKey(tx),
  ])
  return { facts, digest, key }
}

/**
 * Signs what was done for a request whose people are all verified or failed, and notifies the user who requested it. The search of the
 * whole database is requested once this is committed. Where nobody is done there is nothing to certify, and the request ends.
 */
export async function certify(
  tx: TenantTransaction,
  request: string,
  { facts, digest, key }: ForCertificate,
): Promise<void> {
  if (facts.done === 0) {
    await endWithoutCertificate(tx, request)
    return
  }
  const claims: CertificateClaims = {
    type: 'lethe.erasure_certificate',
    version: 2,
    ...placeAfter(facts.previous),
    outstanding: ['search', 'disk', 'backups'],
    disk: { level: 1, reached_at: facts.now.toISOString() },
    tenant: tx.tenantId,
    request,
    operation: facts.operation,
    initiated_from: facts.initiatedFrom,
    requested_at: facts.createdAt.toISOString(),
    started_at: facts.startedAt.toISOString(),
    certified_at: facts.now.toISOString(),
    data_map: facts.mapVersion,
    fold_version: foldVersion,
    subjects: { total: facts.total, done: facts.done, failed: facts.failed, digest },
    effects: sumEffects(facts.effects),
    shared_identifiers: facts.shared,
    verification: { method: 'data_map', rows_left: 0, mentions_left: 0 },
  }
  const jws = sign(key, claims)
  tx.send(
    `with certificate as (
         insert into erasure_certificates (tenant_id, request_id, number, kid, jws)
         values ($1, $2, $6, $3, $4)
       )
       update erasure_steps
       set state = case when step = 'search' then 'queued' when failed > 0 then 'failed' else 'done' end,
         started_at = case when step <> 'search' then coalesce(started_at, now()) end,
         finished_at = case when step <> 'search' then clock_timestamp() end
       where tenant_id = $1 and request_id = $2 and step in ('erase', 'verify', 'certify', 'notify', 'search')
       returning pg_notify('lethe', $5)`,
    [tx.tenantId, request, key.kid, jws, announcementOfCertified(tx.tenantId, request, facts), claims.number],
    'record_certificate',
  )
  await record(tx, {
    activity: 'ErasureCertified',
    object: request,
    details: { operation: facts.operation, done: facts.done, failed: facts.failed },
  })
  await tell(tx, request, facts)
}

/** Announces a request that has its certificate and is searched for next: how far it is, where that is known here. */
function announcementOfCertified(tenant: string, request: string, facts: Facts): string {
  const { operation, initiatedFrom, createdAt, total, done, failed } = facts
  // Of who failed, some are gone and some are not.
  if (done < total) return request
  const subjects = { total, gone: total, waiting: 0, erased: 0, done, failed, cancelled: 0 }
  const order = { id: request, operation, initiatedFrom, createdAt, finishedAt: null }
  const verdict = failed > 0 ? 'found' : 'search_outstanding'
  return announcementOf({ tenant, progress: { ...order, state: 'running', certified: true, verdict, subjects } })
}

/** The digest of the list of those who are done. Who was certified before and failed since is not in that list. */
async function digestSubjects(tx: TenantTransaction, request: string): Promise<string> {
  const hashKey = await identifierHashKey(tx)
  tx.send(
    `update erasure_subjects set finished_at = null
     where tenant_id = $1 and request_id = $2 and state = 'failed' and finished_at is not null`,
    [tx.tenantId, request],
    'uncertify_failed',
  )
  const digest = subjectDigest()
  for await (const line of readSubjectLines(tx, request, hashKey)) digest.add(line)
  return digest.hex()
}

async function readFacts(tx: TenantTransaction, request: string): Promise<Facts> {
  const { rows } = await tx.query<Facts>(
    `select r.operation, r.initiated_from as "initiatedFrom", r.requested_by as "requestedBy",
       r.requested_by_credential as "requestedByCredential", r.map_version as "mapVersion",
       r.created_at as "createdAt", coalesce(r.started_at, r.created_at) as "startedAt", now(),
       s.total, s.done, s.failed,
       (select shared from erasure_steps where tenant_id = $1 and request_id = $2 and step = 'erase')::int as shared,
       coalesce((
         select jsonb_agg(jsonb_build_object('table', table_name, 'effect', effect, 'rows', row_count) order by table_name, effect)
         from erasure_receipts where tenant_id = $1 and request_id = $2
       ), '[]') as effects,
       (
         select jsonb_build_object('number', number, 'jws', jws)
         from erasure_certificates where tenant_id = $1 and request_id = $2 order by number desc limit 1
       ) as previous
     from erasure_requests r, lateral (
       select count(*)::int as total, count(*) filter (where state = 'done')::int as done,
         count(*) filter (where state = 'failed')::int as failed
       from erasure_subjects where tenant_id = $1 and request_id = $2
     ) s
     where r.tenant_id = $1 and r.id = $2`,
    [tx.tenantId, request],
    'read_for_certificate',
  )
  const facts = rows[0]
  if (facts === undefined) throw new Error('the request is locked and is not there')
  return facts
}

/** Ends a request of which nobody is done. */
export async function endWithoutCertificate(tx: TenantTransaction, request: string): Promise<void> {
  tx.send(
    `with steps as (
       update erasure_steps set state = 'failed', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and step in ('erase', 'verify') and failed > 0
     )
     update erasure_requests set finished_at = clock_timestamp() where tenant_id = $1 and id = $2
     returning pg_notify('lethe', id::text)`,
    [tx.tenantId, request],
  )
  await record(tx, { activity: 'ErasureFailed', object: request })
}

/** Notifies the initiator. The message names no person. */
async function tell(tx: TenantTransaction, request: string, facts: Facts): Promise<void> {
  if (facts.requestedBy !== null) {
    const [act, done] = facts.operation === 'purge' ? ['A purge', 'purged'] : ['An anonymization', 'anonymized']
    await notify(tx, [facts.requestedBy], {
      kind: 'erasure_done',
      subject: facts.failed === 0 ? `${act} is certified` : `${act} is partially certified`,
      body: `Erasure request ${request}: ${facts.done} ${done}, ${facts.failed} failed. The certificate is signed. Lethe now searches the whole database.`,
      data: { request },
    })
  }
}
