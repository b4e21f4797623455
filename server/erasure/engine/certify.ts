import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import { foldVersion } from '../../identifiers/fold.ts'
import { sign } from '../../keyring/jws.ts'
import type { SigningKey } from '../../keyring/signing-keys.ts'
import { notify } from '../../notify/notify.ts'
import { type Effect, sumEffects } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type CertificateClaims, placeAfter, subjectDigest } from '../proof/certificate.ts'
import { MerkleRoot } from '../proof/merkle-tree.ts'
import { readSubjectList } from '../proof/subject-list.ts'
import { formatProgressEvent } from '../requests/progress-events.ts'
import { stateSets, stepSets } from '../states.ts'

/** The most external systems that the notice of an ended erasure names. */
const mostSystems = 20

/** What a certificate says of a request. */
export type CertificateFacts = {
  operation: Operation
  initiatedFrom: string
  requestedBy: string | null
  mapVersion: string
  createdAt: Date
  dueAt: Date
  /** When the first of its people were erased. */
  startedAt: Date
  /** When this transaction began. */
  now: Date
  total: number
  done: number
  failed: number
  /** People that a worker may take, or who are not verified yet: the certificate comes after them. */
  unfinished: number
  /** People who wait for a decision, a date, or the release of a hold. */
  resting: number
  runAt: Date | null
  /** Identifiers left alone because other users hold them too. */
  shared: number
  effects: Effect[]
  /** External systems of the register that have not acknowledged it, oldest first; at most {@link mostSystems}. */
  externalSystems: { name: string; contact_emails: string[]; holds: string }[]
  /** The newest statement about the request; null where there is none yet. */
  previous: { number: number; jws: string } | null
}

/**
 * Reads what a certificate says from the record that the batches wrote, this transaction included. It is the only source
 * of certificates. The caller has locked the request.
 */
export async function factsFromRecord(tx: TenantTransaction, request: string): Promise<CertificateFacts> {
  const { rows } = await tx.query<CertificateFacts>(
    `select r.operation, r.initiated_from as "initiatedFrom", r.requested_by as "requestedBy",
       r.map_version as "mapVersion",
       r.created_at as "createdAt", r.due_at as "dueAt", coalesce(r.started_at, r.created_at) as "startedAt", now(),
       s.total, s.done, s.failed, s.unfinished, s.resting, r.run_at as "runAt",
       (select shared from erasure_steps where tenant_id = $1 and request_id = $2 and step = 'erase')::int as shared,
       coalesce((
         select jsonb_agg(jsonb_build_object('table', table_name, 'effect', effect, 'rows', row_count) order by table_name, effect)
         from erasure_receipts where tenant_id = $1 and request_id = $2
       ), '[]') as effects,
       coalesce((
         select jsonb_agg(jsonb_build_object('name', name, 'contact_emails', contact_emails, 'holds', holds) order by id)
         from (
           select e.id, e.name, e.contact_emails, e.holds from external_systems e
           where e.tenant_id = $1 and not exists (
             select from acknowledgement_links l
             where l.tenant_id = $1 and l.request_id = $2 and l.receiver_id = e.id
               and l.acknowledged_at >= coalesce(s.last, l.acknowledged_at)
           )
           order by e.id limit ${mostSystems}
         ) register
       ), '[]') as "externalSystems",
       (
         select jsonb_build_object('number', number, 'jws', jws)
         from erasure_certificates where tenant_id = $1 and request_id = $2 order by number desc limit 1
       ) as previous
     from erasure_requests r, lateral (
       select count(*)::int as total, count(*) filter (where state in ${stateSets.done})::int as done,
         count(*) filter (where state in ${stateSets.failed})::int as failed,
         count(*) filter (where state in ${stateSets.beingErased})::int as unfinished,
         count(*) filter (where state in ${stateSets.resting})::int as resting, max(erased_at) as last
       from erasure_subjects where tenant_id = $1 and request_id = $2
     ) s
     where r.tenant_id = $1 and r.id = $2`,
    [tx.tenantId, request],
    'facts_from_record',
  )
  const facts = rows[0]
  if (facts === undefined) throw new Error('the request is locked and is not there')
  return facts
}

/** What a certificate says of its subject list: the digest of all lines, and the root of the Merkle tree of them. */
export type ListDigest = Pick<CertificateClaims['subjects'], 'digest' | 'root'>

/** Of the subject list of the certificate that comes next: of the people who are done now. */
export async function digestOfDone(tx: TenantTransaction, request: string): Promise<ListDigest> {
  const digest = subjectDigest()
  const root = new MerkleRoot()
  for await (const line of readSubjectList(tx, request, { certified: 'next' })) {
    digest.add(line)
    root.add(line)
  }
  return { digest: digest.hex(), root: root.hex() }
}

/**
 * The last phase: signs what was done for a request whose people are all verified or failed, and tells the requester.
 * `list`: of the subject list. The search of the whole database is enqueued once this is committed.
 */
export async function certify(
  tx: TenantTransaction,
  request: string,
  { facts, list, key }: { facts: CertificateFacts; list: ListDigest; key: SigningKey },
): Promise<void> {
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
    subjects: { total: facts.total, done: facts.done, failed: facts.failed, ...list },
    effects: sumEffects(facts.effects),
    shared_identifiers: facts.shared,
    verification: { method: 'data_map', rows_left: 0, mentions_left: 0 },
  }
  const jws = sign(key, claims)
  tx.send(
    `with certificate as (
         insert into erasure_certificates (tenant_id, request_id, number, kid, jws)
         values ($1, $2, $6, $3, $4)
       ), uncertified as (
         update erasure_subjects set finished_at = null
         where tenant_id = $1 and request_id = $2 and state in ${stateSets.failed} and finished_at is not null
       )
       update erasure_steps
       set state = case when step = 'search' then 'queued' when failed > 0 then 'failed' else 'done' end,
         started_at = case when step <> 'search' then coalesce(started_at, now()) end,
         finished_at = case when step <> 'search' then clock_timestamp() end
       where tenant_id = $1 and request_id = $2 and step in ${stepSets.certified}
       returning pg_notify('lethe', $5)`,
    [tx.tenantId, request, key.kid, jws, progressEvent(tx.tenantId, request, facts), claims.number],
    'record_certificate',
  )
  await record(tx, {
    activity: 'ErasureCertified',
    object: request,
    details: { operation: facts.operation, done: facts.done, failed: facts.failed },
  })
  await notifyRequester(tx, request, facts)
}

/** The progress event of a request that has its certificate: its progress, if the facts tell it, or its id alone. */
function progressEvent(tenant: string, request: string, facts: CertificateFacts): string {
  const { operation, initiatedFrom, createdAt, dueAt, total, done, failed, runAt } = facts
  // Of people who failed, some are gone and some are not.
  if (done < total) return request
  const resting = { waiting: 0, awaiting_approval: 0, scheduled: 0, held: 0 }
  const none = { ...resting, erased: 0, cancelled: 0, rejected: 0, plan_changed: 0 }
  const subjects = { total, gone: total, done, failed, ...none }
  const dates = { createdAt, runAt, dueAt, overdue: dueAt < facts.now, finishedAt: null }
  const summary = { id: request, operation, initiatedFrom, ...dates }
  const verdict = failed > 0 ? 'found' : 'search_outstanding'
  return formatProgressEvent({ tenant, progress: { ...summary, state: 'running', certified: true, verdict, subjects } })
}

/** Tells the requester that the request is certified, and which external systems to ask. It holds no data of the people. */
async function notifyRequester(tx: TenantTransaction, request: string, facts: CertificateFacts): Promise<void> {
  if (facts.requestedBy !== null) {
    const [act, done] = facts.operation === 'purge' ? ['A purge', 'purged'] : ['An anonymization', 'anonymized']
    const held = facts.resting === 0 ? '' : `, ${facts.resting} held`
    await notify(tx, [facts.requestedBy], {
      kind: 'erasure_done',
      subject: facts.failed + facts.resting === 0 ? `${act} is certified` : `${act} is partially certified`,
      body: `Erasure request ${request}: ${facts.done} ${done}, ${facts.failed} failed${held}. The certificate is signed. Lethe now searches the whole database.${systemsToAsk(facts)}`,
      data: { request },
    })
  }
}

/** The sentence about the external systems, in the notice; empty without any. */
function systemsToAsk({ externalSystems }: CertificateFacts): string {
  if (externalSystems.length === 0) return ''
  const systems = externalSystems.map(
    ({ name, contact_emails, holds }) => `${name} (${[...contact_emails, holds].join('; ')})`,
  )
  return `\n\nThe erasure does not reach external systems. Ask these to erase the people too:\n${systems.join('\n')}`
}
