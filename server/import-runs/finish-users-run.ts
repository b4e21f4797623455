import { holdsErased } from '../exports/withdraw-exports.ts'
import { seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { GoneBecause } from './errors.ts'
import type { KeptFile } from './kept-file.ts'

/** What files are sealed with: the key of a run's file, wrapped by the master key. */
export const fileKeyPurpose = 'import file key'

/** How long a file is kept, in days. */
export const keepDays = 90

/**
 * Ends a run of users with its counts and its file, whose chunks are there already. `namesErased`: a row of the file names
 * an erased person, so the content is destroyed at once. So it is where a person was erased who may stand in the file, while
 * the import ran. An erasure that comes later waits for this transaction, and finds the file.
 */
export async function finishUsersRun(
  tx: TenantTransaction,
  run: string,
  options: { counts: object; file: KeptFile; namesErased: boolean },
): Promise<void> {
  const { file } = options
  const { rows } = await tx.query<{ told: string[] }>(
    'select erased_words::text[] as told from import_runs where tenant_id = $1 and id = $2 for no key update',
    [tx.tenantId, run],
  )
  const words = file.words()
  const isGone = options.namesErased || holdsErased(words, rows[0]?.told ?? [])
  const because: GoneBecause | null = isGone ? 'person_erased' : null
  if (isGone) await tx.query('delete from import_run_chunks where tenant_id = $1 and run_id = $2', [tx.tenantId, run])
  await tx.query(
    `update import_runs
     set finished_at = clock_timestamp(), error_code = null, counts = $3, sealed_key = $4, words = $5, file_size = $6,
       file_expires_at = $7, file_gone_because = $8, file_gone_at = $9, erased_words = '{}'
     where tenant_id = $1 and id = $2`,
    [
      tx.tenantId,
      run,
      JSON.stringify(options.counts),
      isGone ? null : seal(tx.masterKey, file.key, fileKeyPurpose),
      isGone ? null : words,
      isGone ? 0 : file.size,
      isGone ? null : new Date(Date.now() + keepDays * 24 * 60 * 60 * 1000),
      because,
      isGone ? new Date() : null,
    ],
  )
}
