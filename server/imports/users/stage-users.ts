import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { KeptFile } from '../../import-runs/kept-file.ts'
import { keepStagedPieces } from '../../import-runs/log-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { CsvReader, CsvRecord } from '../csv-reader.ts'
import { missing } from '../fields.ts'
import { identifiersInRow, type RejectedIdentifier } from './named-erased.ts'
import { readUserRow, stagedColumns } from './read-user-row.ts'
import type { UserColumns } from './user-columns.ts'

/**
 * Copies the rows of the file into the temporary table staged_users, bad ones with their reason, as they are read. So
 * the whole file waits in the database, and none of it in the process. The table lives as long as the transaction. A
 * connection does one thing at a time, so the sealed pieces of the file come with the rows.
 */
export async function stageUsers(
  tx: TenantTransaction,
  reader: CsvReader,
  columns: UserColumns,
  options: {
    signal?: AbortSignal | undefined
    /** The run that keeps the file; undefined for a dry run. */
    kept: { run: string; file: KeptFile } | undefined
    /** Is given the identifiers in a row that is rejected by its reading. */
    onRejected: (identifiers: RejectedIdentifier) => void
    onRead: (rows: number) => void
  },
): Promise<void> {
  await tx.query(
    `create temporary table staged_users (
       line integer not null,
       rejection text,
       found_by text,
       id uuid,
       kind text,
       login_name text,
       login_key text generated always as (lethe_login_key(login_name)) stored,
       directory_object_id uuid,
       ref text,
       ref_key text generated always as (lethe_identifier_key(ref)) stored,
       email text,
       email_key text generated always as (lethe_identifier_key(email)) stored,
       email_verified boolean,
       external_identity_id text,
       external_identity_key text generated always as (lethe_identifier_key(external_identity_id)) stored,
       first_name text,
       last_name text,
       display_name text,
       title text,
       job_title text,
       department text,
       office text,
       city text,
       country text,
       locale text,
       time_zone text,
       roles text[],
       products text[],
       manager_id uuid,
       manager_ref text,
       manager_ref_key text generated always as (lethe_identifier_key(manager_ref)) stored,
       manager_email text,
       manager_email_key text generated always as (lethe_identifier_key(manager_email)) stored,
       custom_fields jsonb,
       -- Of somebody who was purged and is named by the id of then.
       returned boolean not null default false,
       returned_after uuid,
       -- A sealed piece of the file, in a row of its own with a line below zero.
       chunk bytea
     ) on commit drop`,
  )
  const { signal, kept } = options
  await tx.copy((client) =>
    pipeline(
      Readable.from(linesOf(reader, columns, options)),
      client.query(copyFrom(`copy staged_users (${stagedColumns.join(', ')}, chunk) from stdin`)),
      signal ? { signal } : {},
    ),
  )
  if (kept !== undefined) await keepStagedPieces(tx, kept.run)
  await tx.query('create unique index on staged_users (line)')
  // Of no other column: PostgreSQL would write a sample of its values into its own tables, where they outlive a dry run.
  await tx.query('analyze staged_users (line, found_by)')
}

type Reading = Pick<Parameters<typeof stageUsers>[3], 'kept' | 'onRejected' | 'onRead'>

async function* linesOf(reader: CsvReader, columns: UserColumns, reading: Reading): AsyncGenerator<Buffer> {
  for (;;) {
    const records = await reader.read()
    const rows = (records ?? []).flatMap((record) => readRecord(columns, record, reading))
    reading.onRead(rows.length)
    const lines = [...rows, ...piecesOf(reading.kept)]
    if (lines.length > 0) yield Buffer.from(lines.join(''))
    if (records === undefined) return
  }
}

/** The line of a record; none for one without anything in it. */
function readRecord(columns: UserColumns, record: CsvRecord, { kept, onRejected }: Reading): string[] {
  const row = readUserRow(columns, record)
  if (row === undefined) return []
  if (kept !== undefined) {
    const identifiers = identifiersInRow(columns, record.cells ?? [])
    for (const { kind, value } of identifiers) kept.file.addIdentifier(kind, value)
    if (row.isRejected) for (const identifier of identifiers) onRejected(identifier)
  }
  return [`${row.line}\t${missing}\n`]
}

/** The lines of the sealed pieces of the file that are complete. */
function piecesOf(kept: Reading['kept']): string[] {
  const empty = stagedColumns.slice(1).map(() => missing)
  return (kept?.file.take() ?? []).map(
    ({ position, content }) => `${[-1 - position, ...empty, `\\\\x${content.toString('hex')}`].join('\t')}\n`,
  )
}
