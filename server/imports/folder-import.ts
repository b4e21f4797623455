import { record } from '../audit/record.ts'
import { finishRun, startRun } from '../import-runs/record-run.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { type FileCounts, type ImportProgress, type ImportRun, type RejectedLine, sumOf } from './import-chunks.ts'

export type FolderImportOptions = {
  /** Folder with the files of the data set, each plain or compressed (.gz). */
  folder: string
  /** Name of the source, that of the data set unless said otherwise. Another name imports it as another data set. */
  source?: string | undefined
  /** Id of the user who imports. */
  startedBy?: string | undefined
  /** Lines that one transaction writes; each data set has its own default. */
  linesPerChunk?: number | undefined
  /** Stops the import after the transaction that is running. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: ImportProgress) => void) | undefined
  onRejected?: ((rejected: RejectedLine) => void) | undefined
}

/** What became of the lines of each file, and the id of the run (import_runs). */
export type FolderImportResult = { files: FileCounts[]; run: string }

/**
 * Makes a run of the work, whose parts commit by themselves, and records what came of it, also where it stops. The work adds
 * to the counts of the files.
 */
export async function runFolderImport(
  database: Database,
  tenantId: string,
  dataSet: { format: string; counts: FileCounts[]; linesPerChunk: number },
  options: FolderImportOptions,
  work: (run: ImportRun) => Promise<void>,
): Promise<FolderImportResult> {
  const { format, counts } = dataSet
  const run: ImportRun = {
    database,
    tenantId,
    run: await inTenant(database, tenantId, (tx) => startRun(tx, { format, startedBy: options.startedBy })),
    linesPerChunk: options.linesPerChunk ?? dataSet.linesPerChunk,
    signal: options.signal,
    onProgress: options.onProgress,
    onRejected: options.onRejected,
  }
  const recordRun = (tx: TenantTransaction, outcome: 'complete' | 'stopped') =>
    record(tx, { activity: 'DataSetImported', object: run.run, details: { outcome, ...sumOf(counts) } })
  try {
    await work(run)
  } catch (error) {
    // What was imported until then stays, so it is recorded, unless that fails too: then the first error says why.
    await Promise.allSettled([inTenant(database, tenantId, (tx) => recordRun(tx, 'stopped'))])
    throw error
  }
  await inTenant(database, tenantId, async (tx) => {
    await finishRun(tx, run.run)
    await recordRun(tx, 'complete')
  })
  return { files: counts, run: run.run }
}
