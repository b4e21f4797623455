import type { Operation } from '../../datamap/plan.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { erasureError } from '../errors.ts'
import type { Verdict } from '../proof/certificate.ts'
import { countsByStage, type RequestState, stateOfRequest, stateSets } from '../states.ts'

export type ErasureSummary = {
  id: string
  operation: Operation
  state: RequestState
  initiatedFrom: string
  createdAt: Date
  /** When it must have ended, by the setting of the tenant. */
  dueAt: Date
  /** It is past `dueAt`, and not all of its people are done or dropped. */
  overdue: boolean
  finishedAt: Date | null
  /** There is a certificate. */
  certified: boolean
  /** What its statements come to; null where there is none, and while people of it are tried again. */
  verdict: Verdict | null
  /**
   * `gone`: whose rows are erased and committed, whatever became of them since. `erased`: those of them who are not
   * verified yet. Of the people `waiting`, some wait for an approval, for the end of the cooling-off period, or for the
   * release of a legal hold; a worker may take the others.
   */
  subjects: {
    total: number
    gone: number
    waiting: number
    awaiting_approval: number
    scheduled: number
    held: number
    erased: number
    done: number
    failed: number
    cancelled: number
    /** Not erased, because their rows were not those of the plan any more. */
    plan_changed: number
    rejected: number
  }
  /** When the cooling-off period ends; null if there is none, or if the request still waits for an approval. */
  runAt: Date | null
}

/** SQL: whether a request `r` of the tenant $1 is overdue. People who failed still wait for a retry. */
export const isOverdue = `(r.due_at < now() and (r.finished_at is null or r.id in (
      select p.request_id from erasure_subjects p where p.tenant_id = $1 and p.state in ${stateSets.pending}
    )))`

/** Selects the requests of the tenant $1 as {@link SummaryRow}; a caller adds conditions and the sorting. */
export const selectSummaries = `
  select r.id, r.operation, r.initiated_from, r.created_at, r.due_at, r.finished_at, r.map_version, r.reason,
    r.requested_by, r.requested_by_credential, r.about, r.trials_reached, r.run_at, s.*,
    exists (select from erasure_certificates c where c.tenant_id = r.tenant_id and c.request_id = r.id) as certified,
    ${stateOfRequest} as state,
    ${isOverdue} as overdue
  from erasure_requests r
  cross join lateral (
    select ${countsByStage('x')}
    from erasure_subjects x where x.tenant_id = r.tenant_id and x.request_id = r.id
  ) s
  where r.tenant_id = $1`

/** A request as {@link selectSummaries} gives it. */
export type SummaryRow = {
  id: string
  operation: Operation
  initiated_from: string
  created_at: Date
  due_at: Date
  overdue: boolean
  finished_at: Date | null
  map_version: string
  reason: string | null
  requested_by: string | null
  requested_by_credential: string | null
  about: 'users' | 'contacts'
  trials_reached: number | null
  run_at: Date | null
  certified: boolean
  state: RequestState
} & ErasureSummary['subjects']

/** How far a request is, by one query. Throws `erasure.not_found`. */
export async function erasureProgress(tx: TenantTransaction, request: string): Promise<ErasureSummary> {
  return summaryOf(await readSummary(tx, request))
}

/** The row of one request. Throws `input.invalid`, `erasure.not_found`. */
export async function readSummary(tx: TenantTransaction, request: string): Promise<SummaryRow> {
  if (!isUuid(request)) throw inputError('input.invalid', { field: 'request', expected: 'a UUID' })
  const { rows } = await tx.query<SummaryRow>(
    `${selectSummaries} and r.id = $2`,
    [tx.tenantId, request],
    'erasure_summary',
  )
  const row = rows[0]
  if (row === undefined) throw erasureError('erasure.not_found', { request })
  return row
}

/** A row as a summary. */
export function summaryOf(row: SummaryRow): ErasureSummary {
  const { total, gone, waiting, awaiting_approval, scheduled, held, erased, done, failed } = row
  const { cancelled, rejected, plan_changed } = row
  return {
    id: row.id,
    operation: row.operation,
    state: row.state,
    initiatedFrom: row.initiated_from,
    createdAt: row.created_at,
    dueAt: row.due_at,
    overdue: row.overdue,
    finishedAt: row.finished_at,
    certified: row.certified,
    verdict: verdictOf(row),
    subjects: {
      total,
      gone,
      waiting,
      awaiting_approval,
      scheduled,
      held,
      erased,
      done,
      failed,
      cancelled,
      rejected,
      plan_changed,
    },
    runAt: row.run_at,
  }
}

/**
 * The same as the statements say: an ended request has people who failed where something was found. People on hold are
 * in no statement.
 */
function verdictOf({ certified, finished_at, waiting, held, erased, failed }: SummaryRow): Verdict | null {
  if (!certified || waiting > held || erased > 0) return null
  if (failed > 0) return 'found'
  return finished_at === null ? 'search_outstanding' : 'clean'
}
