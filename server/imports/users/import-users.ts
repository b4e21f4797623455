import { addAbortSignal, type Readable } from 'node:stream'
import { record } from '../../audit/record.ts'
import { wordHasher } from '../../audit/words.ts'
import { recordReappearances } from '../../directory/reappearances.ts'
import { importRunError } from '../../import-runs/errors.ts'
import { finishUsersRun } from '../../import-runs/finish-users-run.ts'
import { KeptFile } from '../../import-runs/kept-file.ts'
import type { UserCounts } from '../../import-runs/list-runs.ts'
import { logRows } from '../../import-runs/log-rows.ts'
import { addToRun, failRun, showAlive, startRun } from '../../import-runs/record-run.ts'
import { markAllSeen } from '../../people/accounts/mark-seen.ts'
import { doneBy } from '../../people/accounts/require-people.ts'
import { isLostToConcurrency } from '../../platform/database/failures.ts'
import { codeOf, type Database } from '../../platform/database/pool.ts'
import { sqlstate } from '../../platform/database/sqlstates.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { isLetheError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { readTenantSettings } from '../../tenancy/read-tenant-settings.ts'
import type { ReturningRows } from '../../tenancy/update-tenant.ts'
import { CsvReader } from '../csv-reader.ts'
import { importError } from '../errors.ts'
import { fetchPages } from '../fetch-pages.ts'
import { decodeUtf8 } from '../fields.ts'
import { prepareForMany } from '../import-chunks.ts'
import { findRows } from './find-rows.ts'
import { decideRoles, findKnownBefore, findManagers, findPurged } from './judge-rows.ts'
import { namesErased, type RejectedIdentifier } from './named-erased.ts'
import { countOutcomes, lockNamed, type OutcomeOfRow, reportOutcomes } from './outcomes.ts'
import { stageUsers } from './stage-users.ts'
import { columnOf, readUserColumns, type UserColumns } from './user-columns.ts'
import { ChangedMeanwhile, writeRows } from './write-rows.ts'

export type ImportUsersOptions = {
  /** The bytes of the CSV file, read once. */
  source: Readable
  /** Names the file in errors. */
  file: string
  /** What happens to rows of people who were purged: left out, or created anew as learners. Default: the tenant's setting. */
  purged?: ReturningRows | undefined
  /** Applies the roles of the file; otherwise new users are learners and roles stay as they are. */
  withRoles?: boolean | undefined
  /** Judges every row as an import would, and writes none. */
  dryRun?: boolean | undefined
  /** For a run of a connector, which has begun already. */
  connector?: ConnectorRun | undefined
  /** Id of the user who imports. */
  startedBy?: string | undefined
  /** Stops the import, which then has changed nothing. */
  signal?: AbortSignal | undefined
  /** How far the reading is, in rows. */
  onRead?: ((rows: number) => void) | undefined
  /** What became of each row, in the order of the file, once all of them are written and before that is committed. */
  onOutcome?: ((outcome: OutcomeOfRow) => void | Promise<void>) | undefined
}

/** What a connector adds to an import. Its log leaves out unchanged rows, because its feed comes again and again. */
export type ConnectorRun = {
  /** The id of the run (import_runs). */
  run: string
  /** Decides about a feed with so many good rows, before anything is written: it throws to stop the run. */
  accept: (tx: TenantTransaction, goodRows: number) => Promise<void>
  /** Is called in the transaction when everything is written. */
  accepted: (tx: TenantTransaction, goodRows: number) => Promise<void>
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
  // The reader reports it, also where the file could not be opened before anything is read.
  options.source.once('error', () => undefined)
  if (options.dryRun === true) return await importFile(database, tenantId, options, undefined)
  // Committed first: an erasure tells a run that is there about people that its file may contain.
  const kept = await inTenant(database, tenantId, async (tx) => ({
    run:
      options.connector?.run ??
      (await startRun(tx, { format: 'users', startedBy: options.startedBy, fileName: fileNameOf(options.file) })),
    file: new KeptFile(await wordHasher(tx)),
  }))
  try {
    return await importFile(database, tenantId, options, kept)
  } catch (error) {
    const code = codeOfFailure(error, options.signal)
    await inTenant(database, tenantId, (tx) => failRun(tx, kept.run, code))
    throw error
  }
}

function codeOfFailure(error: unknown, signal: AbortSignal | undefined): string {
  if (signal?.aborted) return importRunError('import_run.stopped').code
  return isLetheError(error) ? error.code : (codeOf(error) ?? 'internal.unexpected')
}

/** The run of an import that is no dry run, and its file. */
type KeptRun = { run: string; file: KeptFile }

/**
 * A name without line breaks and without the extension of a table: "ann@example.org.csv" reads like a longer address, which
 * no erasure of the shorter one takes out. Other endings stay, because they may belong to an address.
 */
function fileNameOf(file: string): string {
  return file
    .replace(/(?<=.)\.(csv|tsv|tab|txt|xlsx?|ods)$/i, '')
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
    .slice(0, 255)
}

async function importFile(
  database: Database,
  tenantId: string,
  options: ImportUsersOptions,
  kept: KeptRun | undefined,
): Promise<ImportUsersResult> {
  const { source, signal } = options
  // A pipe that nobody writes to any more would keep the import waiting.
  const bytes = signal === undefined ? source : addAbortSignal(signal, source)
  const reader = new CsvReader(kept === undefined ? bytes : keeping(bytes, kept.file), options.file)
  try {
    const columns = readUserColumns(await readHead(reader))
    let begun = false
    return await inTenant(database, tenantId, (tx) => {
      // What the source had is read: another try would find no rows and call that a success.
      if (begun) throw importError('import.disturbed')
      begun = true
      return importRows(tx, reader, columns, options, kept)
    })
  } catch (error) {
    if (error instanceof DryRun) return error.result
    signal?.throwIfAborted()
    throw error
  } finally {
    await reader.close()
  }
}

/** Passes the bytes on, and gives them to the file that is kept. */
async function* keeping(source: AsyncIterable<Buffer>, file: KeptFile): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    const piece = Buffer.from(bytes)
    file.add(piece)
    yield piece
  }
  file.end()
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
  kept: KeptRun | undefined,
): Promise<ImportUsersResult> {
  const { withRoles = false, onOutcome } = options
  await prepareForMany(tx)
  if (kept === undefined) await doneBy(tx, 'startedBy', options.startedBy)
  else await showAlive(tx, kept.run)
  const rejected: RejectedIdentifier[] = []
  let read = 0
  await stageUsers(tx, reader, columns, {
    signal: options.signal,
    kept,
    onRejected: (identifiers) => rejected.push(identifiers),
    onRead(rows) {
      read += rows
      options.onRead?.(read)
    },
  })
  const goodRows = options.connector === undefined ? 0 : await countGood(tx)
  await options.connector?.accept(tx, goodRows)
  const purged = options.purged ?? (await readTenantSettings(tx)).returning_rows
  await repeatDisturbed(tx, async () => {
    await findRows(tx, columns, { purged })
    await findKnownBefore(tx)
    await findPurged(tx, { purged })
    await findManagers(tx, columns)
    await decideRoles(tx, columns, { withRoles })
    options.signal?.throwIfAborted()
    await writeRows(tx, columns, { dryRun: kept === undefined })
    if (kept !== undefined) await lockNamed(tx)
    options.signal?.throwIfAborted()
  })
  // Deleted people stand in files too, which tells them from their namesakes.
  if (kept !== undefined)
    await markAllSeen(tx, `select user_id from user_rows where not is_new and (fault is null or fault = 'deleted')`)
  const counts = await countOutcomes(tx, columns)
  await reportOutcomes(tx, columns, {
    withRoles,
    async onPage(outcomes) {
      const logged =
        options.connector === undefined ? outcomes : outcomes.filter(({ outcome }) => outcome !== 'unchanged')
      if (kept !== undefined) await logRows(tx, kept.run, logged)
      if (onOutcome !== undefined) for (const outcome of outcomes) await onOutcome(outcome)
    },
  })
  options.signal?.throwIfAborted()
  if (kept === undefined) throw new DryRun({ run: null, counts })
  const { run, file } = kept
  await addToRun(tx, run, {
    read: counts.read,
    written: counts.created + counts.updated,
    unchanged: counts.unchanged,
    rejected: counts.rejected,
    skipped: counts.skipped + counts.conflict,
  })
  await recordReturned(tx, run)
  await options.connector?.accepted(tx, goodRows)
  await finishUsersRun(tx, run, { counts, file, namesErased: await namesErased(tx, rejected) })
  await record(tx, {
    activity: 'UsersImported',
    object: run,
    details: { ...counts, skippedFor: { ...counts.skippedFor } },
  })
  return { run, counts }
}

const returnedAtATime = 5000

/** Marks the new users who had been purged, and records each of them. */
async function recordReturned(tx: TenantTransaction, run: string): Promise<void> {
  const query = {
    text: `select user_id as id, returned_after as request_id from user_rows
           where is_new and returned and fault is null and returned_after is not null`,
    values: [],
  }
  await fetchPages<{ id: string; request_id: string }>(tx, query, returnedAtATime, (people) =>
    recordReappearances(tx, { importRunId: run }, people),
  )
}

/** Rows that could be read. */
async function countGood(tx: TenantTransaction): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    'select count(*) as count from staged_users where rejection is null',
  )
  return rows[0]?.count ?? 0
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
