import type { JWK } from 'jose'
import type { Operation } from '../../datamap/compile.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { publicKeys } from '../../keyring/signing-keys.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import { sumEffects } from '../../personal-data/affected-rows.ts'
import type { Database } from '../../platform/database/pool.ts'
import { isUuid, outsideTenants, type TenantTransaction } from '../../platform/database/transaction.ts'
import { LetheError } from '../../platform/errors.ts'
import type { CertificateFile, Verdict } from '../proof/certificate.ts'
import { readSubjectLines } from '../proof/subject-list.ts'

/** Derived from the subjects; `completed` only when every one of them is done and the search has ended. */
export type ErasureState = 'queued' | 'running' | 'completed' | 'partial' | 'failed' | 'cancelled' | 'rejected'

export type ErasureSummary = {
  id: string
  operation: Operation
  state: ErasureState
  initiatedFrom: string
  createdAt: Date
  finishedAt: Date | null
  /** There is a certificate. */
  certified: boolean
  /** What its statements come to; null where there is none, and while people of it are tried again. */
  verdict: Verdict | null
  /**
   * `gone`: whose rows are erased and committed, whatever became of them since. `erased`: those of them who are not
   * verified yet.
   */
  subjects: {
    total: number
    gone: number
    waiting: number
    erased: number
    done: number
    failed: number
    cancelled: number
  }
}

export type ErasureDetails = ErasureSummary & {
  /** The reason that the requester gave. */
  reason: string | null
  /** The user who requested it; else the API key, OAuth client or operator. Both null: the command line, or the system. */
  requestedBy: string | null
  requestedByCredential: string | null
  dataMap: string
  steps: {
    step: string
    state: string
    removed: number
    shared: number
    failed: number
    startedAt: Date | null
    finishedAt: Date | null
  }[]
  receipt: Effect[]
  failures: { userId: string; code: string; reason: string }[]
}

const summary = `
  select r.id, r.operation, r.initiated_from, r.created_at, r.finished_at, r.map_version, r.reason,
    r.requested_by, r.requested_by_credential, s.*,
    exists (select from erasure_certificates c where c.tenant_id = r.tenant_id and c.request_id = r.id) as certified,
    case
      when r.finished_at is null and r.started_at is null then 'queued'
      when r.finished_at is null then 'running'
      when s.done = s.total then 'completed'
      when s.cancelled = s.total then 'cancelled'
      when s.rejected = s.total then 'rejected'
      when s.done = 0 and s.failed > 0 then 'failed'
      else 'partial'
    end as state
  from erasure_requests r
  cross join lateral (
    select count(*)::int as total,
      count(*) filter (where x.erased_at is not null)::int as gone,
      count(*) filter (where x.state in ('queued', 'awaiting_approval', 'scheduled', 'held'))::int as waiting,
      count(*) filter (where x.state = 'running')::int as erased,
      count(*) filter (where x.state = 'done')::int as done,
      count(*) filter (where x.state = 'failed')::int as failed,
      count(*) filter (where x.state = 'cancelled')::int as cancelled,
      count(*) filter (where x.state = 'rejected')::int as rejected
    from erasure_subjects x where x.tenant_id = r.tenant_id and x.request_id = r.id
  ) s
  where r.tenant_id = $1`

type SummaryRow = {
  id: string
  operation: Operation
  initiated_from: string
  created_at: Date
  finished_at: Date | null
  map_version: string
  reason: string | null
  requested_by: string | null
  requested_by_credential: string | null
  certified: boolean
  state: ErasureState
} & ErasureSummary['subjects']

/** The newest requests first. `before`: only requests older than this one. Throws `input.invalid`. */
export async function listErasures(
  tx: TenantTransaction,
  options: { limit?: number; before?: string } = {},
): Promise<ErasureSummary[]> {
  if (options.before !== undefined && !isUuid(options.before)) {
    throw new LetheError('input.invalid', { field: 'before', expected: 'the UUID of a request' })
  }
  const { rows } = await tx.query<SummaryRow>(
    `${summary} and ($2::uuid is null or (r.created_at, r.id) < (
       select b.created_at, b.id from erasure_requests b where b.tenant_id = $1 and b.id = $2
     )) order by r.created_at desc, r.id desc limit $3`,
    [tx.tenantId, options.before ?? null, options.limit ?? 50],
  )
  return rows.map(summaryOf)
}

/** The id of the newest request. Throws `erasure.none`. */
export async function newestErasure(tx: TenantTransaction): Promise<string> {
  const [newest] = await listErasures(tx, { limit: 1 })
  if (newest === undefined) throw new LetheError('erasure.none')
  return newest.id
}

/** One request with its steps, its receipt and the reasons of failures. Throws `erasure.not_found`. */
export async function showErasure(tx: TenantTransaction, request: string): Promise<ErasureDetails> {
  const row = await readSummary(tx, request)
  const steps = await tx.db
    .selectFrom('erasure_steps')
    .select(['step', 'state', 'removed', 'shared', 'failed', 'started_at as startedAt', 'finished_at as finishedAt'])
    .where('tenant_id', '=', tx.tenantId)
    .where('request_id', '=', request)
    .execute()
  const receipt = await tx.db
    .selectFrom('erasure_receipts')
    .select(['table_name as table', 'effect', 'row_count as rows'])
    .where('tenant_id', '=', tx.tenantId)
    .where('request_id', '=', request)
    .execute()
  const failures = await tx.db
    .selectFrom('erasure_subjects')
    .select(['user_id as userId', 'error_code as code', 'error_reason as reason'])
    .where('tenant_id', '=', tx.tenantId)
    .where('request_id', '=', request)
    .where('state', '=', 'failed')
    .orderBy('user_id')
    .limit(100)
    .execute()
  const order = ['resolve', 'erase', 'propagate', 'verify', 'certify', 'notify', 'search']
  return {
    ...summaryOf(row),
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedByCredential: row.requested_by_credential,
    dataMap: row.map_version,
    steps: steps.sort((a, b) => order.indexOf(a.step) - order.indexOf(b.step)),
    receipt: sumEffects(receipt),
    failures: failures.map(({ userId, code, reason }) => ({ userId, code: code ?? '', reason: reason ?? '' })),
  }
}

/** How far a request is, in one cheap look: for progress. Throws `erasure.not_found`. */
export async function erasureProgress(tx: TenantTransaction, request: string): Promise<ErasureSummary> {
  return summaryOf(await readSummary(tx, request))
}

/** The requests of all tenants that have not ended, the oldest first. */
export async function unfinishedErasures(database: Database): Promise<{ tenant: string; request: string }[]> {
  return await outsideTenants(
    database,
    'select tenant_id as tenant, request_id as request from unfinished_erasure_requests() order by request_id',
  )
}

/** The certificate of a request with its addenda, the list of subjects and the keys. Throws `certificate.not_found`. */
export async function readCertificate(tx: TenantTransaction, request: string): Promise<CertificateFile> {
  await readSummary(tx, request)
  const { rows } = await tx.query<{ jws: string; kid: string }>(
    'select jws, kid from erasure_certificates where tenant_id = $1 and request_id = $2 order by number',
    [tx.tenantId, request],
  )
  if (rows.length === 0) throw new LetheError('certificate.not_found', { request })
  const subjects: string[] = []
  for await (const line of readSubjectLines(tx, request, await identifierHashKey(tx))) subjects.push(line)
  const kids = new Set(rows.map(({ kid }) => kid))
  const { keys } = await publicKeys(tx)
  return {
    certificates: rows.map(({ jws }) => jws),
    subjects,
    keys: { keys: keys.filter((key: JWK) => key.kid !== undefined && kids.has(key.kid)) },
  }
}

async function readSummary(tx: TenantTransaction, request: string): Promise<SummaryRow> {
  if (!isUuid(request)) throw new LetheError('input.invalid', { field: 'request', expected: 'a UUID' })
  const { rows } = await tx.query<SummaryRow>(`${summary} and r.id = $2`, [tx.tenantId, request], 'erasure_summary')
  const row = rows[0]
  if (row === undefined) throw new LetheError('erasure.not_found', { request })
  return row
}

function summaryOf(row: SummaryRow): ErasureSummary {
  const { total, gone, waiting, erased, done, failed, cancelled } = row
  return {
    id: row.id,
    operation: row.operation,
    state: row.state,
    initiatedFrom: row.initiated_from,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    certified: row.certified,
    verdict: verdictOf(row),
    subjects: { total, gone, waiting, erased, done, failed, cancelled },
  }
}

/** The same as the statements say: an ended request has people who failed where something was found. */
function verdictOf({ certified, finished_at, waiting, erased, failed }: SummaryRow): Verdict | null {
  if (!certified || waiting > 0 || erased > 0) return null
  if (failed > 0) return 'found'
  return finished_at === null ? 'search_outstanding' : 'clean'
}
