import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { cutPage, readPaging } from '../platform/validation/page.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { type GoneBecause, importRunError } from './errors.ts'

/** What can become of a row of a file of users. */
export const rowOutcomes = ['created', 'updated', 'unchanged', 'skipped', 'conflict', 'rejected'] as const
export type RowOutcome = (typeof rowOutcomes)[number]

/** Numbers of rows. `read` is the sum of the outcomes, `skipped` that of skippedFor. */
export type UserCounts = { read: number } & Record<RowOutcome, number> & {
    skippedFor: { deleted: number; purged: number; anonymized: number }
    /** Rows of the first three outcomes whose roles were not applied. */
    rolesNotApplied: number
  }

export const fileStates = ['kept', 'gone', 'none'] as const

/** A run of an import, without its rows and the content of its file. */
export type ListedRun = {
  id: string
  /** `users`, or the name of a data set. */
  format: string
  /** Who imported; null on the command line without --as, and where that user is erased. */
  started_by: string | null
  started_by_credential: string | null
  started_at: Date
  finished_at: Date | null
  state: 'running' | 'finished' | 'failed'
  /** Why the run failed as a whole. */
  error_code: string | null
  rows_read: number
  rows_written: number
  rows_rejected: number
  /** The connector that pulled the file; it may be deleted by now. */
  connector_id: string | null
  /** Rows by outcome; null while it runs, where it failed, and for a data set. */
  counts: UserCounts | null
  file_name: string | null
  /** `gone`: the content is destroyed for the reason in `file_gone_because`. `none`: no file was kept. */
  file: (typeof fileStates)[number]
  file_size: number
  file_expires_at: Date | null
  file_gone_because: GoneBecause | null
  file_gone_at: Date | null
}

const columns = `id, format, started_by, started_by_credential, started_at, finished_at,
  case when finished_at is null then 'running' when error_code is null then 'finished' else 'failed' end as state,
  error_code, rows_read, rows_written, rows_rejected, connector_id, counts, file_name,
  case when file_gone_because is not null or file_expires_at <= now() then 'gone'
    when sealed_key is null then 'none' else 'kept' end as file,
  file_size, file_expires_at,
  case when file_expires_at <= now() then coalesce(file_gone_because, 'expired') else file_gone_because end as file_gone_because,
  file_gone_at`

/** A page of the runs of the tenant, newest first, of one connector or all; `before` is the end of the page before. Throws `input.invalid`. */
export async function listRuns(
  tx: TenantTransaction,
  options: { connectorId?: string; limit?: number; before?: string } = {},
): Promise<{ runs: ListedRun[]; next: string | undefined }> {
  const before = options.before === undefined ? null : requireUuid('before', options.before)
  const { limit } = readPaging({ limit: options.limit })
  const { rows } = await tx.query<ListedRun>(
    `select ${columns} from import_runs where tenant_id = $1 and ($2::uuid is null or id < $2)
       and ($4::uuid is null or connector_id = $4)
     order by id desc limit $3`,
    [tx.tenantId, before, limit + 1, options.connectorId ?? null],
  )
  const { page, next } = cutPage(rows, limit)
  return { runs: page, next }
}

/** One run. Throws `input.invalid`, `import_run.not_found`. */
export async function showRun(tx: TenantTransaction, runId: string): Promise<ListedRun> {
  const id = requireUuid('run id', runId)
  const { rows } = await tx.query<ListedRun>(`select ${columns} from import_runs where tenant_id = $1 and id = $2`, [
    tx.tenantId,
    id,
  ])
  const [run] = rows
  if (run === undefined) throw importRunError('import_run.not_found', { id })
  return run
}

/** What became of a row. `line`: where it begins in the file; the header is line 1. */
export type LoggedRow = {
  line: number
  outcome: RowOutcome
  /** The user of the row; null where it names none, and where the user is erased. */
  user_id: string | null
  reason: string | null
  /** The names of the fields that were changed. */
  changed: string[]
}

/**
 * A page of the rows of a run, in the order of the file: at most `limit` (50, up to 1000) behind the line `after`, of one
 * outcome or all. Throws `input.invalid`, `import_run.not_found`.
 */
export async function listRunRows(
  tx: TenantTransaction,
  runId: string,
  options: { outcome?: string; limit?: number; after?: number } = {},
): Promise<{ rows: LoggedRow[]; next: number | undefined }> {
  const { id } = await showRun(tx, runId)
  const limit = requireWholeNumber('limit', options.limit ?? 50, { from: 1, to: 1000 })
  const after = requireWholeNumber('after', options.after ?? 0, { from: 0, to: 2 ** 31 - 1 })
  if (options.outcome !== undefined && !rowOutcomes.some((one) => one === options.outcome)) {
    throw inputError('input.invalid', { field: 'outcome', expected: `one of ${rowOutcomes.join(', ')} is expected` })
  }
  const { rows } = await tx.query<LoggedRow>(
    `select line, outcome, user_id, reason, changed from import_run_rows
     where tenant_id = $1 and run_id = $2 and line > $3 and ($4::text is null or outcome = $4)
     order by line limit $5`,
    [tx.tenantId, id, after, options.outcome ?? null, limit + 1],
  )
  const page = rows.slice(0, limit)
  return { rows: page, next: rows.length > limit ? page.at(-1)?.line : undefined }
}
