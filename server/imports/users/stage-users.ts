import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { CsvReader } from '../csv-reader.ts'
import { readUserRow, stagedColumns } from './read-user-row.ts'
import type { UserColumns } from './user-columns.ts'

/**
 * Copies the rows of the file into the temporary table staged_users, bad ones with their reason, as they are read. So
 * the whole file waits in the database, and none of it in the process. The table lives as long as the transaction.
 */
export async function stageUsers(
  tx: TenantTransaction,
  reader: CsvReader,
  columns: UserColumns,
  options: { signal?: AbortSignal | undefined; onRead: (rows: number) => void },
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
       returned boolean not null default false
     ) on commit drop`,
  )
  const { signal } = options
  await tx.copy((client) =>
    pipeline(
      Readable.from(linesOf(reader, columns, options.onRead)),
      client.query(copyFrom(`copy staged_users (${stagedColumns.join(', ')}) from stdin`)),
      signal ? { signal } : {},
    ),
  )
  await tx.query('create unique index on staged_users (line)')
  // Of no other column: PostgreSQL would write a sample of its values into its own tables, where they outlive a dry run.
  await tx.query('analyze staged_users (line, found_by)')
}

async function* linesOf(
  reader: CsvReader,
  columns: UserColumns,
  onRead: (rows: number) => void,
): AsyncGenerator<Buffer> {
  for (;;) {
    const records = await reader.read()
    if (records === undefined) return
    let rows = 0
    let lines = ''
    for (const record of records) {
      const line = readUserRow(columns, record)
      if (line === undefined) continue
      lines += line
      rows++
    }
    onRead(rows)
    if (lines !== '') yield Buffer.from(lines)
  }
}
