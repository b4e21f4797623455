import { doneBy } from '../people/accounts/require-people.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'

/** What became of the lines of a file, or of a part of it. `read` is the sum of the others. */
export type LineCounts = { read: number; written: number; unchanged: number; rejected: number; skipped: number }

/**
 * Records that an import has begun, by the user who is named, else by who acts; returns the run's id.
 *
 * Throws `input.invalid`, `user.acting_erased`.
 */
export async function startRun(
  tx: TenantTransaction,
  run: { format: string; startedBy?: string | undefined },
): Promise<string> {
  const by = await doneBy(tx, 'startedBy', run.startedBy)
  const { rows } = await tx.query<{ id: string }>(
    'insert into import_runs (tenant_id, format, started_by, started_by_credential) values ($1, $2, $3, $4) returning id',
    [tx.tenantId, run.format, by.userId, by.credentialId],
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

/** The name of a source, which stands in the keys of what is imported from it. Throws `input.invalid`. */
export function requireSource(source: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(source)) {
    throw inputError('input.invalid', {
      field: 'source',
      expected: 'it must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter or digit',
    })
  }
  return source
}
