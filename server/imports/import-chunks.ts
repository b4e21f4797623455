import { addToRun, type LineCounts } from '../import-runs/record-run.ts'
import { codeOf, type Database } from '../platform/database/pool.ts'
import { sqlstate } from '../platform/database/sqlstates.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { type Chunk, copyIntoStaging, createStaging, type Rejection, type TableReader } from './table-file.ts'

/** What all files of one run share. */
export type ImportRun = {
  database: Database
  tenantId: string
  /** Id of the row of import_runs. */
  run: string
  linesPerChunk: number
  /** Stops the run before the next chunk. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: ImportProgress) => void) | undefined
  onRejected?: ((rejected: RejectedLine) => void) | undefined
}

/** How far a file is: lines read, and bytes read of all its bytes on the disk. */
export type ImportProgress = { file: string; rows: number; bytes: number; totalBytes: number }

/** A line that was not imported, its number in the file (the header is line 1), and why. Never the value itself. */
export type RejectedLine = { file: string; line: number; reason: string }

/** What became of the lines of one file; `skipped` are lines of people who are deleted or purged, and lines about other things. */
export type FileCounts = LineCounts & { file: string; skippedFor: { deleted: number; purged: number } }

/** What the writing of staged rows came to; every staged row that is not named here was there already. */
export type Outcome = {
  written: number
  rejected: Rejection[]
  deleted: number
  purged: number
  /** Rows about something that the import does not bring in. */
  besides?: number
}

/** Counts of a file that nothing was read of yet. */
export function emptyCounts(file: string): FileCounts {
  return { file, read: 0, written: 0, unchanged: 0, rejected: 0, skipped: 0, skippedFor: { deleted: 0, purged: 0 } }
}

/** Counts that result from a piece of a file: so many lines read, the rejections of reading, the outcome of writing. */
export function countsOf(
  file: string,
  lines: number,
  rejectedByReading: readonly Rejection[],
  outcome: Outcome,
): FileCounts {
  const rejected = rejectedByReading.length + outcome.rejected.length
  const skipped = outcome.deleted + outcome.purged + (outcome.besides ?? 0)
  return {
    file,
    read: lines,
    written: outcome.written,
    unchanged: lines - outcome.written - rejected - skipped,
    rejected,
    skipped,
    skippedFor: { deleted: outcome.deleted, purged: outcome.purged },
  }
}

/** Adds the counts of a piece to those of the file. */
export function addCounts(total: FileCounts, piece: FileCounts): void {
  total.read += piece.read
  total.written += piece.written
  total.unchanged += piece.unchanged
  total.rejected += piece.rejected
  total.skipped += piece.skipped
  total.skippedFor.deleted += piece.skippedFor.deleted
  total.skippedFor.purged += piece.skippedFor.purged
}

/** The counts of all files of a run together. */
export function sumOf(files: FileCounts[]): LineCounts {
  const sum: LineCounts = { read: 0, written: 0, unchanged: 0, rejected: 0, skipped: 0 }
  for (const file of files) {
    for (const name of Object.keys(sum) as (keyof LineCounts)[]) sum[name] += file[name]
  }
  return sum
}

/** Reports rejected lines in the order of the file. */
export function reportRejected(run: ImportRun, file: string, ...lists: Rejection[][]): void {
  if (run.onRejected === undefined) return
  for (const { line, reason } of lists.flat().sort((a, b) => a.line - b.line)) run.onRejected({ file, line, reason })
}

/**
 * Imports the rest of a file, a transaction for each chunk; the next chunk is read while the database writes the one
 * before. `write` finds the chunk's rows in the shape's temporary table.
 */
export async function importChunks(
  run: ImportRun,
  reader: TableReader,
  counts: FileCounts,
  write: (tx: TenantTransaction, chunk: Chunk) => Promise<Outcome>,
): Promise<void> {
  const { file, size } = reader.found
  let chunk = await reader.read(run.linesPerChunk)
  while (chunk !== undefined) {
    run.signal?.throwIfAborted()
    const current = chunk
    const [writing, reading] = await Promise.allSettled([
      writeChunk(run, reader, current, write),
      reader.read(run.linesPerChunk),
    ])
    if (writing.status === 'rejected') throw writing.reason
    addCounts(counts, writing.value.counts)
    reportRejected(run, file, current.rejected, writing.value.rejected)
    run.onProgress?.({ file, rows: counts.read, bytes: current.bytesRead, totalBytes: size })
    if (reading.status === 'rejected') throw reading.reason
    chunk = reading.value
  }
}

/** A person who is purged while a chunk is written vanishes from under it: the second try no longer finds the person. */
const tries = 5

async function writeChunk(
  run: ImportRun,
  reader: TableReader,
  chunk: Chunk,
  write: (tx: TenantTransaction, chunk: Chunk) => Promise<Outcome>,
): Promise<{ counts: FileCounts; rejected: Rejection[] }> {
  const { shape, file } = reader.found
  return await retryVanished(() =>
    inTenant(run.database, run.tenantId, async (tx) => {
      await prepareForMany(tx)
      await createStaging(tx, shape)
      await copyIntoStaging(tx, shape, chunk)
      const outcome = await write(tx, chunk)
      const counts = countsOf(file, chunk.lines, chunk.rejected, outcome)
      await addToRun(tx, run.run, counts)
      return { counts, rejected: outcome.rejected }
    }),
  )
}

/**
 * Readies a transaction for many rows: memory to sort and join a chunk, and no plan from a time when the tables were
 * small. A connection keeps the plans that check foreign keys. A plan for a table of one page may use any index of it.
 * Later, with thousands of rows, it reads all rows of the tenant for each check.
 */
export async function prepareForMany(tx: TenantTransaction): Promise<void> {
  await Promise.all([tx.query(`set local work_mem = '64MB'`), tx.query('discard plans')])
}

/** Runs a transaction again when a row that it refers to was deleted in the meantime. */
export async function retryVanished<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (codeOf(error) !== sqlstate.foreignKeyViolation || attempt === tries) throw error
    }
  }
}
