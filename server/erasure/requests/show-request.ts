import { subjectStatesIn } from '../../people/lifecycle/erasure-states.ts'
import { type Effect, sumEffects } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { listReceivers, type Receiver } from '../acknowledgements/list-receivers.ts'
import type { PlanChange } from '../plans/plan-parts.ts'
import { type Step, stateSets, steps as stepsInOrder } from '../states.ts'
import { type ErasureSummary, readSummary, summaryOf } from './request-progress.ts'

export type ErasureDetails = ErasureSummary & {
  /** Why, as the requester gave it. */
  reason: string | null
  /** The user who requested it; else the API key, OAuth client or operator. Both null: the command line, or the system. */
  requestedBy: string | null
  requestedByCredential: string | null
  dataMap: string
  /** Of users, or of contacts: addresses of people who are no users. */
  about: 'users' | 'contacts'
  /** In how many trial tenants the same people were erased; null while that is not known, or if there is no trial. */
  trialsReached: number | null
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
  /** The first people whose rows are not those of the plan, with the numbers of rows in the plan and now. */
  planChanged: { userId: string; changes: PlanChange[] }[]
  /** Who can acknowledge it, and who has; see {@link listReceivers}. */
  receivers: Receiver[]
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
    .where('state', 'in', subjectStatesIn('failed'))
    .orderBy('user_id')
    .limit(100)
    .execute()
  const { rows: planChanged } = await tx.query<ErasureDetails['planChanged'][number]>(
    `select user_id as "userId", coalesce(plan_changes, '[]') as changes from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.planChanged} order by user_id limit 100`,
    [tx.tenantId, request],
    'people_of_changed_plan',
  )
  const place = ({ step }: { step: string }) => stepsInOrder.indexOf(step as Step)
  return {
    ...summaryOf(row),
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedByCredential: row.requested_by_credential,
    dataMap: row.map_version,
    about: row.about,
    trialsReached: row.trials_reached,
    steps: steps.sort((one, other) => place(one) - place(other)),
    receipt: sumEffects(receipt),
    failures: failures.map(({ userId, code, reason }) => ({ userId, code: code ?? '', reason: reason ?? '' })),
    planChanged,
    receivers: await listReceivers(tx, row.id),
  }
}
