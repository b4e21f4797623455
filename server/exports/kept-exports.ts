import { record } from '../audit/record.ts'
import { doneBy } from '../people/accounts/require-people.ts'
import { peopleError } from '../people/errors.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'
import { cutPage, readPaging } from '../platform/validation/page.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { exportError } from './errors.ts'

export const defaultKeepDays = 7
export const mostKeepDays = 30

/** An export that is kept, without its content. */
export type KeptExport = {
  id: string
  /** Whom it is about. */
  user_id: string
  /** Null: at the command line, or by a program; or whoever it was is purged. */
  ordered_by: string | null
  /** The API key, OAuth client or operator that requested it, if no user did. */
  ordered_by_credential: string | null
  /**
   * `failed`: workers try again by themselves. `expired`: the content is destroyed, or about to be. `withdrawn`: the
   * content is destroyed, because somebody who may stand in it was erased.
   */
  state: 'waiting' | 'running' | 'ready' | 'failed' | 'expired' | 'withdrawn'
  /** Bytes of the archive, as far as it is written. */
  size: number
  rows_written: number
  created_at: Date
  finished_at: Date | null
  expires_at: Date
  error_code: string | null
}

const columns = `id, user_id, ordered_by, ordered_by_credential,
  case when state <> 'withdrawn' and expires_at <= now() then 'expired' else state end as state, size,
  rows_written, created_at, finished_at, expires_at, error_code`

/**
 * Requests an export of everything that is held about a user, which Lethe keeps for `keepDays` days (1 to 30) from now. A
 * worker writes it, from the commit on.
 *
 * Throws `input.invalid`, `user.not_found`, also for an anonymized user, `user.acting_erased`.
 */
export async function keepExport(
  tx: TenantTransaction,
  options: { userId: string; keepDays?: number },
): Promise<KeptExport> {
  const userId = requireUuid('user id', options.userId)
  const days = requireWholeNumber('keepDays', options.keepDays ?? defaultKeepDays, { from: 1, to: mostKeepDays })
  // An erasure locks the person's row first: after it this finds nobody, before it the erasure finds the export.
  const { rowCount } = await tx.query(
    `select from users where tenant_id = $1 and id = $2 and state <> 'anonymized' for key share`,
    [tx.tenantId, userId],
  )
  if (rowCount === 0) throw peopleError('user.not_found', { selector: 'id' })
  const by = await doneBy(tx)
  const { rows } = await tx.query<KeptExport>(
    `insert into exports (tenant_id, user_id, ordered_by, expires_at, ordered_by_credential)
     values ($1, $2, $3, now() + make_interval(hours => 24 * $4::int), $5) returning ${columns}`,
    [tx.tenantId, userId, by.userId, days, by.credentialId],
  )
  const [kept] = rows
  if (kept === undefined) throw new Error('the export was just inserted and is not there')
  await record(tx, { activity: 'ExportKept', object: kept.id, subject: userId, details: { days } })
  enqueue(tx, 'export', { tenant: tx.tenantId, export: kept.id })
  return kept
}

/**
 * Kept exports, the newest first, of everybody or about one user: a page of at most `limit` (50, up to 1000) behind the
 * export `before`. `next` goes on behind the page, undefined at the end. Throws `input.invalid`.
 */
export async function listExports(
  tx: TenantTransaction,
  options: { userId?: string; limit?: number; before?: string } = {},
): Promise<{ exports: KeptExport[]; next: string | undefined }> {
  const userId = options.userId === undefined ? null : requireUuid('user id', options.userId)
  const before = options.before === undefined ? null : requireUuid('before', options.before)
  const { limit } = readPaging({ limit: options.limit })
  const { rows } = await tx.query<KeptExport>(
    `select ${columns} from exports
     where tenant_id = $1 and ($2::uuid is null or user_id = $2) and ($3::uuid is null or id < $3)
     order by id desc limit $4`,
    [tx.tenantId, userId, before, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { exports: page, next }
}

/** One of them; with a `userId`, only where it is about this user. Throws `input.invalid`, `export.not_found`. */
export async function showExport(
  tx: TenantTransaction,
  exportId: string,
  options: { userId?: string } = {},
): Promise<KeptExport> {
  const id = requireUuid('export id', exportId)
  const userId = options.userId === undefined ? undefined : requireUuid('user id', options.userId)
  const { rows } = await tx.query<KeptExport>(`select ${columns} from exports where tenant_id = $1 and id = $2`, [
    tx.tenantId,
    id,
  ])
  const [kept] = rows
  if (kept === undefined || (userId !== undefined && kept.user_id !== userId)) {
    throw exportError('export.not_found', { id })
  }
  return kept
}

/**
 * Deletes a kept export, its content and the record of it. One that is being written is given up.
 *
 * Throws `input.invalid`, `export.not_found`.
 */
export async function deleteExport(tx: TenantTransaction, exportId: string): Promise<void> {
  const id = requireUuid('export id', exportId)
  // The lock first: whoever is writing content takes it too.
  const { rows } = await tx.query<{ user_id: string }>(
    'select user_id from exports where tenant_id = $1 and id = $2 for update',
    [tx.tenantId, id],
  )
  const [kept] = rows
  if (kept === undefined) throw exportError('export.not_found', { id })
  await tx.query('delete from export_chunks where tenant_id = $1 and export_id = $2', [tx.tenantId, id])
  await tx.query('delete from exports where tenant_id = $1 and id = $2', [tx.tenantId, id])
  await record(tx, { activity: 'ExportDeleted', object: id, subject: kept.user_id })
}
