import { addAbortSignal, type Readable } from 'node:stream'
import { record } from '../../audit/record.ts'
import { markAllSeen } from '../../people/accounts/mark-seen.ts'
import { isLostToConcurrency } from '../../platform/database/failures.ts'
import { codeOf, type Database } from '../../platform/database/pool.ts'
import { sqlstate } from '../../platform/database/sqlstates.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { CsvReader } from '../csv-reader.ts'
import { importError } from '../errors.ts'
import { decodeUtf8 } from '../fields.ts'
import { prepareForMany } from '../import-chunks.ts'
import { addToRun, finishRun, startRun } from '../import-run.ts'
import { findRows } from './find-rows.ts'
import { decideRoles, findKnownBefore, findManagers, findPurged } from './judge-rows.ts'
import { countOutcomes, type OutcomeOfRow, reportOutcomes, type UserCounts } from './outcomes.ts'
import { stageUsers } from './stage-users.ts'
import { columnOf, readUserColumns, type UserColumns } from './user-columns.ts'
import { ChangedMeanwhile, writeRows } from './write-rows.ts'

export type ImportUsersOptions = {
  /** The bytes of the CSV file, read once. */
  source: Readable
  /** Names the file in errors. */
  file: string
  /** What happens to rows of people who were purged: left out (the default), or created anew as learners. */
  purged?: 'skip' | 'create' | undefined
  /** Applies the roles of the file; otherwise new users are learners and roles stay as they are. */
  withRoles?: boolean | undefined
  /** Judges every row as an import would, and writes none. */
  dryRun?: boolean | undefined
  /** Id of the user who imports. */
  startedBy?: string | undefined
  /** Stops the import, which then has changed nothing. */
  signal?: AbortSignal | undefined
  /** How far the reading is, in rows. */
  onRead?: ((rows: number) => void) | undefined
  /** What became of each row, in the order of the file, once all of them are written and before that is committed. */
  onOutcome?: ((outcome: OutcomeOfRow) => void | Promise<void>) | undefined
}

/** `run` is the id of the run (import_runs), null for a dry run. */
export type ImportUsersResult = { run: string | null; counts: UserCounts }

/**
 * Imports users from a CSV file (docs/csv.md has its columns and rules): creates who is not there, changes what is
 * different, and leaves deleted and purged people as they are. Bad rows are rejected with the reason and the others go
 * in, all of them or, where the import fails as a whole, none. Importing the same file again changes nothing.
 *
 * Throws `input.file_unreadable`, `input.invalid` for a head that is none, `import.disturbed` where others keep changing
 * the same users meanwhile, `access.beyond_own` for roles that may do more than who acts, and `master_key.wrong`.
 */
export async function importUsers(
  database: Database,
  tenantId: string,
  options: ImportUsersOptions,
): Promise<ImportUsersResult> {
  const { source, signal } = options
  // A pipe that nobody writes to any more would keep the import waiting.
  const reader = new CsvReader(signal === undefined ? source : addAbortSignal(signal, source), options.file)
  try {
    const columns = readUserColumns(await readHead(reader))
    let begun = false
    return await inTenant(database, tenantId, (tx) => {
      // What the source had is read: another try would find no rows and call that a success.
      if (begun) throw importError('import.disturbed')
      begun = true
      return importRows(tx, reader, columns, options)
    })
  } catch (error) {
    if (error instanceof DryRun) return error.result
    signal?.throwIfAborted()
    throw error
  } finally {
    await reader.close()
  }
}

async function readHead(reader: CsvReader): Promise<string[]> {
  const names = await reader.readHead((name) => columnOf(name) !== undefined)
  return names.map((name) => {
    const decoded = decodeUtf8(name)
    if (decoded !== undefined) return decoded
    throw inputError('input.invalid', { field: 'The header of the file', expected: 'it is not UTF-8' })
  })
}

/** Carries the result of a dry run past the rollback. */
class DryRun extends Error {
  readonly result: ImportUsersResult

  constructor(result: ImportUsersResult) {
    super('A dry run is rolled back')
    this.result = result
  }
}

async function importRows(
  tx: TenantTransaction,
  reader: CsvReader,
  columns: UserColumns,
  options: ImportUsersOptions,
): Promise<ImportUsersResult> {
  const { withRoles = false, onOutcome } = options
  await prepareForMany(tx)
  const run = await startRun(tx, { format: 'users', startedBy: options.startedBy })
  let read = 0
  await stageUsers(tx, reader, columns, {
    signal: options.signal,
    onRead(rows) {
      read += rows
      options.onRead?.(read)
    },
  })
  await repeatDisturbed(tx, async () => {
    await findRows(tx, columns, { purged: options.purged ?? 'skip' })
    await findKnownBefore(tx)
    await findPurged(tx, { purged: options.purged ?? 'skip' })
    await findManagers(tx, columns)
    await decideRoles(tx, columns, { withRoles })
    options.signal?.throwIfAborted()
    await writeRows(tx, columns, { dryRun: options.dryRun === true })
    options.signal?.throwIfAborted()
  })
  // Deleted people stand in files too, which tells them from their namesakes.
  if (options.dryRun !== true)
    await markAllSeen(tx, `select user_id from user_rows where not is_new and (fault is null or fault = 'deleted')`)
  const counts = await countOutcomes(tx, columns)
  if (onOutcome !== undefined) await reportOutcomes(tx, columns, { withRoles, onOutcome })
  options.signal?.throwIfAborted()
  if (options.dryRun === true) throw new DryRun({ run: null, counts })
  await addToRun(tx, run, {
    read: counts.read,
    written: counts.created + counts.updated,
    unchanged: counts.unchanged,
    rejected: counts.rejected,
    skipped: counts.skipped + counts.conflict,
  })
  await finishRun(tx, run)
  await record(tx, {
    activity: 'UsersImported',
    object: run,
    details: { ...counts, skippedFor: { ...counts.skippedFor } },
  })
  return { run, counts }
}

/** Somebody else took a ref, purged a manager or waited for us in a circle: judged again, the rows get their answer. */
function isDisturbed(error: unknown): boolean {
  const code = codeOf(error)
  return code === sqlstate.foreignKeyViolation || code === sqlstate.uniqueViolation || isLostToConcurrency(error)
}

const tries = 5

/**
 * Repeats the work from where the file is staged. A new transaction could not: the source may be a pipe, which is read
 * once only.
 */
async function repeatDisturbed(tx: TenantTransaction, work: () => Promise<void>): Promise<void> {
  await tx.query('savepoint staged')
  for (let attempt = 1; ; attempt++) {
    try {
      await work()
      await tx.query('release savepoint staged')
      return
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile) && !isDisturbed(error)) throw error
      if (attempt === tries) throw importError('import.disturbed', undefined, error)
      await tx.query('rollback to savepoint staged')
    }
    await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt * Math.random()))
  }
}
