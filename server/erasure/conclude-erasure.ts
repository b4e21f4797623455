import type { Application } from '../application.ts'
import { record } from '../audit/record.ts'
import type { Operation } from '../datamap/compile.ts'
import { type Left, scrub } from '../datamap/erase.ts'
import type { Identifier } from '../datamap/identifiers.ts'
import { type Effect, sumEffects } from '../datamap/locate.ts'
import { mentionEffects } from '../datamap/mentions.ts'
import { notify } from '../notify/notify.ts'
import { findOtherHolders } from '../people/holders.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'
import { type CertificateClaims, sign, subjectDigest } from './certificate.ts'
import { findSubjects } from './find-subjects.ts'
import { identifierHashKey, openWith } from './keys.ts'
import { openIdentifiers } from './sealed-identifiers.ts'
import { activeSigningKey } from './signing-keys.ts'
import { readSubjectLines } from './subject-lines.ts'

/** More than one batch: the search for mentions reads whole tables, whatever the number of people. */
const verifiedAtATime = 10_000

/**
 * Ends what the batches began, once none is left to erase: scrubs mentions and verifies that none is left, signs the
 * certificate, tells people, and orders the search of the whole database. Safe to call at any time and by several jobs
 * at once: the request's row is locked, and whoever comes second finds the work done. Answers `waiting` while people wait
 * to be erased.
 */
export async function concludeErasure(
  app: Application,
  tenant: string,
  request: string,
): Promise<'concluded' | 'waiting'> {
  for (;;) {
    const outcome = await inTenant(app.database, tenant, async (tx) => {
      const [state, erased] = await Promise.all([lockRequest(tx, request), readErased(tx, request)])
      if (state === undefined || state.concluded) return 'concluded'
      if (state.queued > 0) return 'waiting'
      const { effects, residue } = await scrubErased(app, tx, request, state, erased)
      recordScrubbed(tx, request, effects)
      recordVerified(
        tx,
        request,
        erased.map(({ user_id }) => user_id),
      )
      recordResidue(tx, request, residue)
      if (state.running > erased.length) return 'more'
      // Nobody's identifiers were opened here: perhaps because the master key is wrong, and then nobody is done.
      if (erased.length === 0 && (await readFacts(tx, request)).done === 0) await finishWithoutCertificate(tx, request)
      else await certify(app, tx, request)
      return 'concluded'
    })
    if (outcome !== 'more') return outcome
  }
}

/** Ends a request in the transaction that erased and verified all of its people. */
export async function conclude(app: Application, tx: TenantTransaction, request: string): Promise<void> {
  // The commit that holds the certificate is waited for, whatever the transaction began as.
  tx.send('set local synchronous_commit = on')
  // Whoever retries or cancels the request waits for its row.
  tx.send(
    'select from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
    'lock_request',
  )
  await certify(app, tx, request)
}

async function lockRequest(tx: TenantTransaction, request: string) {
  // Sent together, but a statement of its own: one that waits for the lock sees what was there before it waited.
  const lock = tx.query(
    'select from erasure_requests where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, request],
    'lock_request',
  )
  const progress = tx.query<{
    operation: Operation
    sealed_key: Buffer | null
    concluded: boolean
    queued: number
    running: number
  }>(
    `select r.operation, r.sealed_key,
       r.finished_at is not null
         or exists (select from erasure_steps t where t.tenant_id = $1 and t.request_id = $2 and t.step = 'certify' and t.state = 'done')
         as concluded,
       count(*) filter (where s.state = 'queued')::int as queued,
       count(*) filter (where s.state = 'running')::int as running
     from erasure_requests r
     left join erasure_subjects s on s.tenant_id = $1 and s.request_id = $2 and s.state in ('queued', 'running')
     where r.tenant_id = $1 and r.id = $2
     group by r.operation, r.sealed_key, r.finished_at`,
    [tx.tenantId, request],
    'read_progress',
  )
  const [, { rows }] = await Promise.all([lock, progress])
  const row = rows[0]
  if (row === undefined) return undefined
  return {
    operation: row.operation,
    sealedKey: row.sealed_key,
    concluded: row.concluded,
    queued: row.queued,
    running: row.running,
  }
}

type ErasedSubject = { user_id: string; sealed_identifiers: Buffer | null }

/** The next people whose rows are erased and who are not verified yet. */
async function readErased(tx: TenantTransaction, request: string): Promise<ErasedSubject[]> {
  const { rows } = await tx.query<ErasedSubject>(
    `select user_id, sealed_identifiers from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state = 'running' order by user_id limit $3`,
    [tx.tenantId, request, verifiedAtATime],
    'subjects_to_verify',
  )
  return rows
}

/** Scrubs the mentions of these people, and tells what is left of those; nobody should stand in that answer. */
async function scrubErased(
  app: Application,
  tx: TenantTransaction,
  request: string,
  { operation, sealedKey }: { operation: Operation; sealedKey: Buffer | null },
  erased: ErasedSubject[],
): Promise<{ effects: Effect[]; residue: Map<string, Effect[]> }> {
  if (erased.length === 0) return { effects: [], residue: new Map() }
  if (sealedKey === null) throw new Error('the request has erased people but no key')
  const requestKey = openWith(app.masterKey, sealedKey, 'request key')
  const identifiers = new Map<string, Identifier[]>()
  for (const { user_id, sealed_identifiers } of erased) {
    if (sealed_identifiers === null) throw new Error('an erased person has no sealed identifiers')
    identifiers.set(user_id, openIdentifiers(requestKey, sealed_identifiers))
  }
  const people = [...identifiers.keys()]
  const all = [...identifiers.values()].flat()
  const values = all.map(({ value }) => value)
  const shared = await findOtherHolders(tx, values, people)
  const { effects, left } = await scrub(tx, {
    operation,
    people,
    identifiers: all.filter(({ value }) => !shared.has(value)),
    shared: Promise.resolve(new Set()),
    findAlsoErased: (owners) => findSubjects(tx, request, owners),
  })
  return { effects, residue: residueOf({ located: [], mentions: left }, identifiers) }
}

/** Adds to the receipt what was scrubbed after the people were erased. */
function recordScrubbed(tx: TenantTransaction, request: string, effects: Effect[]): void {
  if (effects.length === 0) return
  tx.send(
    `with receipt as (
       insert into erasure_receipts (tenant_id, request_id, table_name, effect, row_count)
       select $1, $2, given.* from unnest($3::text[], $4::text[], $5::bigint[]) as given
       on conflict (tenant_id, request_id, table_name, effect)
       do update set row_count = erasure_receipts.row_count + excluded.row_count
     )
     update erasure_steps set removed = removed + $6 where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [
      tx.tenantId,
      request,
      effects.map(({ table }) => table),
      effects.map(({ effect }) => effect),
      effects.map(({ rows }) => rows),
      effects.reduce((sum, { rows }) => sum + rows, 0),
    ],
    'record_scrubbed',
  )
}

/** Nothing was found of these people, or {@link recordResidue} says next what was. */
function recordVerified(tx: TenantTransaction, request: string, people: string[]): void {
  if (people.length === 0) return
  tx.send(
    `with done as (
       update erasure_subjects set state = 'done', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and user_id = any($3)
     ), erase as (
       update erasure_steps set state = 'done', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and step = 'erase' and state <> 'done'
     )
     update erasure_steps set state = 'running', started_at = now()
     where tenant_id = $1 and request_id = $2 and step = 'verify' and state <> 'running'`,
    [tx.tenantId, request, people],
    'record_verified',
  )
}

/** Who left something behind fails, with the names of the tables. */
export function recordResidue(tx: TenantTransaction, request: string, residue: Map<string, Effect[]>): void {
  if (residue.size === 0) return
  const reasons = [...residue.values()].map(
    (effects) => `left in ${effects.map(({ table, effect }) => `${table} (${effect})`).join(', ')}`,
  )
  tx.send(
    `with failed as (
       update erasure_subjects s
       set state = 'failed', finished_at = null, error_code = 'erasure.residue', error_reason = given.reason
       from unnest($3::uuid[], $4::text[]) as given (user_id, reason)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     )
     update erasure_steps set failed = failed + $5 where tenant_id = $1 and request_id = $2 and step = 'verify'`,
    [tx.tenantId, request, [...residue.keys()], reasons, residue.size],
    'record_residue',
  )
}

/** Whose what is left is. Somebody else's row that mentions an identifier is the person's whose identifier it is. */
export function residueOf(left: Left, identifiers: Map<string, Identifier[]>): Map<string, Effect[]> {
  const residue = new Map<string, Effect[]>()
  const add = (person: string, effect: Effect) => residue.set(person, [...(residue.get(person) ?? []), effect])
  for (const { person, table, effect, rows } of left.located) add(person, { table, effect, rows })
  for (const mention of left.mentions) {
    const mentioned = new Set(mention.identifiers.map(({ value }) => value))
    for (const [person, theirs] of identifiers) {
      if (!theirs.some(({ value }) => mentioned.has(value))) continue
      for (const effect of mentionEffects([mention])) add(person, effect)
    }
  }
  return residue
}

async function certify(app: Application, tx: TenantTransaction, request: string): Promise<void> {
  const [facts, digest, key] = await Promise.all([
    readFacts(tx, request),
    digestSubjects(app, tx, request),
    activeSigningKey(tx, app.masterKey),
  ])
  if (facts.done === 0) {
    await finishWithoutCertificate(tx, request)
    return
  }
  const claims: CertificateClaims = {
    type: 'lethe.erasure_certificate',
    version: 1,
    tenant: tx.tenantId,
    request,
    operation: facts.operation,
    initiated_from: facts.initiated_from,
    requested_at: facts.created_at.toISOString(),
    started_at: (facts.started_at ?? facts.created_at).toISOString(),
    certified_at: facts.now.toISOString(),
    data_map: facts.map_version,
    subjects: { total: facts.total, done: facts.done, failed: facts.failed, digest },
    effects: sumEffects(facts.effects),
    shared_identifiers: facts.shared,
    verification: { method: 'data_map', rows_left: 0, mentions_left: 0 },
  }
  const jws = await sign(key, claims)
  tx.send(
    `with certificate as (
         insert into erasure_certificates (tenant_id, request_id, number, kid, jws)
         select $1, $2, count(*), $3, $4 from erasure_certificates where tenant_id = $1 and request_id = $2
       )
       update erasure_steps
       set state = case when step = 'search' then 'queued' when failed > 0 then 'failed' else 'done' end,
         started_at = case when step <> 'search' then coalesce(started_at, now()) end,
         finished_at = case when step <> 'search' then clock_timestamp() end
       where tenant_id = $1 and request_id = $2 and step in ('erase', 'verify', 'certify', 'notify', 'search')
       returning pg_notify('lethe_erasure', request_id::text)`,
    [tx.tenantId, request, key.kid, jws],
    'record_certificate',
  )
  enqueue(tx, 'search', { tenant: tx.tenantId, request })
  await record(tx, {
    activity: 'ErasureCertified',
    object: request,
    details: { operation: facts.operation, done: facts.done, failed: facts.failed },
  })
  await tell(tx, request, facts)
}

/** The digest of the list of those who are done. Who was certified before and failed since is not in that list. */
async function digestSubjects(app: Application, tx: TenantTransaction, request: string): Promise<string> {
  const hashKey = await identifierHashKey(tx, app.masterKey)
  const uncertified = tx.query(
    `update erasure_subjects set finished_at = null
     where tenant_id = $1 and request_id = $2 and state = 'failed' and finished_at is not null`,
    [tx.tenantId, request],
    'uncertify_failed',
  )
  const digest = subjectDigest()
  const read = async () => {
    for await (const line of readSubjectLines(tx, request, hashKey)) digest.add(line)
  }
  await Promise.all([uncertified, read()])
  return digest.hex()
}

async function readFacts(tx: TenantTransaction, request: string) {
  const { rows } = await tx.query<{
    operation: Operation
    initiated_from: string
    requested_by: string | null
    map_version: string
    created_at: Date
    started_at: Date | null
    total: number
    done: number
    failed: number
    shared: number
    effects: Effect[]
    now: Date
  }>(
    `select r.operation, r.initiated_from, r.requested_by, r.map_version, r.created_at, r.started_at, now() as now,
       s.total, s.done, s.failed,
       (select shared from erasure_steps where tenant_id = $1 and request_id = $2 and step = 'erase')::int as shared,
       coalesce((
         select jsonb_agg(jsonb_build_object('table', table_name, 'effect', effect, 'rows', row_count) order by table_name, effect)
         from erasure_receipts where tenant_id = $1 and request_id = $2
       ), '[]') as effects
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

async function finishWithoutCertificate(tx: TenantTransaction, request: string): Promise<void> {
  tx.send(
    `with steps as (
       update erasure_steps set state = 'failed', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and step in ('erase', 'verify') and failed > 0
     )
     update erasure_requests set finished_at = clock_timestamp() where tenant_id = $1 and id = $2
     returning pg_notify('lethe_erasure', id::text)`,
    [tx.tenantId, request],
  )
  await record(tx, { activity: 'ErasureFailed', object: request })
}

/** Tells the initiator that it is done. Names nobody. */
async function tell(
  tx: TenantTransaction,
  request: string,
  facts: { operation: Operation; requested_by: string | null; done: number; failed: number },
): Promise<void> {
  if (facts.requested_by !== null) {
    const [act, done] = facts.operation === 'purge' ? ['A purge', 'purged'] : ['An anonymization', 'anonymized']
    await notify(tx, [facts.requested_by], {
      kind: 'erasure_done',
      subject: facts.failed === 0 ? `${act} is done` : `${act} is done in part`,
      body: `Request ${request}: ${facts.done} ${done}, ${facts.failed} failed. The certificate is ready.`,
      data: { request },
    })
  }
}
