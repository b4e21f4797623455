import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { LoggedRow } from './list-runs.ts'

/** What became of a row, for the log. `id` is that of the user that the row names. */
export type WrittenRow = Omit<LoggedRow, 'user_id'> & { id: string | null }

/** Writes what became of some rows into the log of the run. The users are locked; of a user who is erased, no id stays. */
export async function logRows(tx: TenantTransaction, run: string, rows: readonly WrittenRow[]): Promise<void> {
  await tx.query(
    `insert into import_run_rows (tenant_id, run_id, line, outcome, user_id, reason, changed)
     select $1, $2, given.line, given.outcome, u.id, given.reason,
       coalesce(string_to_array(nullif(given.changed, ''), ' '), '{}')
     from unnest($3::integer[], $4::text[], $5::uuid[], $6::text[], $7::text[])
       as given (line, outcome, user_id, reason, changed)
     left join users u on u.tenant_id = $1 and u.id = given.user_id and u.state <> 'anonymized'
     on conflict do nothing`,
    [
      tx.tenantId,
      run,
      rows.map(({ line }) => line),
      rows.map(({ outcome }) => outcome),
      rows.map(({ id }) => id),
      rows.map(({ reason }) => reason),
      rows.map(({ changed }) => changed.join(' ')),
    ],
  )
}

/**
 * Takes the sealed pieces of the file into the run. They are in the temporary table staged_users, each in a row of its own
 * with a line below zero: -1 for the first piece, then -2.
 */
export async function keepStagedPieces(tx: TenantTransaction, run: string): Promise<void> {
  await tx.query(
    `insert into import_run_chunks (tenant_id, run_id, position, content)
     select $1, $2, -1 - line, chunk from staged_users where line < 0
     on conflict do nothing`,
    [tx.tenantId, run],
  )
  await tx.query('delete from staged_users where line < 0')
}
