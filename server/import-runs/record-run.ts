import { doneBy } from '../people/accounts/require-people.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../platform/database/transaction.ts'
import { importRunError } from './errors.ts'

/** What became of the lines of a file, or of a part of it. `read` is the sum of the others. */
export type LineCounts = { read: number; written: number; unchanged: number; rejected: number; skipped: number }

/**
 * Records that an import has begun, by the user who is named, else by who acts; returns the run's id.
 *
 * Throws `input.invalid`, `user.acting_erased`.
 */
export async function startRun(
  tx: TenantTransaction,
  run: {
    format: string
    startedBy?: string | undefined
    /** The name of the file, without its folder and its extension. */
    fileName?: string | undefined
    /** The connector that pulls the file. */
    connectorId?: string | undefined
  },
): Promise<string> {
  const by = await doneBy(tx, 'startedBy', run.startedBy)
  const { rows } = await tx.query<{ id: string }>(
    `insert into import_runs (tenant_id, format, started_by, started_by_credential, file_name, connector_id)
     values ($1, $2, $3, $4, $5, $6) returning id`,
    [tx.tenantId, run.format, by.userId, by.credentialId, run.fileName ?? null, run.connectorId ?? null],
  )
  const id = rows[0]?.id
  if (id === undefined) throw new Error('The import run was not recorded')
  return id
}

/** Adds to the run's counts, in the transaction that writes the lines, so that the counts hold after a crash too. */
export async function addToRun(tx: TenantTransaction, run: string, counts: LineCounts): Promise<void> {
  await tx.query(
    `update import_runs
     set rows_read = rows_read + $3, rows_written = rows_written + $4, rows_rejected = rows_rejected + $5
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, run, counts.read, counts.written, counts.rejected],
  )
}

/** Records that the import is complete. */
export async function finishRun(tx: TenantTransaction, run: string): Promise<void> {
  await tx.query('update import_runs set finished_at = clock_timestamp() where tenant_id = $1 and id = $2', [
    tx.tenantId,
    run,
  ])
}

/**
 * Records that the import failed as a whole, with the code of the error. What a data set brought in before stays. Keeps
 * the end that the run has already.
 */
export async function failRun(tx: TenantTransaction, run: string, code: string): Promise<void> {
  await tx.query(
    `update import_runs set finished_at = clock_timestamp(), error_code = $3
     where tenant_id = $1 and id = $2 and finished_at is null`,
    [tx.tenantId, run, code],
  )
}

/**
 * Shows other processes that a run is alive, until the transaction ends. A run without it that has not ended was killed;
 * see {@link endKilledRuns}.
 */
export async function showAlive(tx: TenantTransaction, run: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(${lockOfRun})`, [run])
}

const lockOfRun = `hashtextextended('import run ' || $1, 0)`

/** Marks the runs of a connector that have not ended as killed. Its runs come one after the other, so none is alive. */
export async function endRunsOfConnector(tx: TenantTransaction, connectorId: string): Promise<void> {
  await tx.query(
    `update import_runs set finished_at = clock_timestamp(), error_code = $3
     where tenant_id = $1 and connector_id = $2 and finished_at is null`,
    [tx.tenantId, connectorId, importRunError('import_run.interrupted').code],
  )
}

/** Marks the runs of all tenants that were killed as failed. A run gets a minute to begin. */
export async function endKilledRuns(database: Database): Promise<void> {
  const unfinished = await outsideTenants<{ tenant_id: string; run_id: string }>(
    database,
    'select tenant_id, run_id from unfinished_imports()',
  )
  for (const { tenant_id: tenant, run_id: run } of unfinished) {
    await inTenant(database, tenant, (tx) => endIfKilled(tx, run))
  }
}

/** Marks a run as failed if the process that ran it is gone. */
export async function endIfKilled(tx: TenantTransaction, run: string): Promise<void> {
  const { rows } = await tx.query<{ free: boolean }>(`select pg_try_advisory_xact_lock(${lockOfRun}) as free`, [run])
  if (rows[0]?.free === true) await failRun(tx, run, importRunError('import_run.interrupted').code)
}
