import { record } from '../../audit/record.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import {
  emptyCounts,
  type FileCounts,
  type ImportProgress,
  type ImportRun,
  importChunks,
  type Outcome,
  type RejectedLine,
  sumOf,
} from '../import-chunks.ts'
import { finishRun, requireSource, startRun } from '../import-run.ts'
import { type FileShape, findFiles, TableReader } from '../table-file.ts'

export type ImportTaxonomyOptions = {
  /** Folder with the files of the taxonomy, each plain or compressed (.gz). */
  folder: string
  /** Name of the source, that of the taxonomy unless said otherwise. Another name imports it as another set of skills. */
  source?: string | undefined
  /** Id of the user who imports. */
  startedBy?: string | undefined
  /** Lines that one transaction writes; 10,000 unless said otherwise. */
  linesPerChunk?: number | undefined
  /** Stops the import after the transaction that is running; importing again goes through all of it. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: ImportProgress) => void) | undefined
  onRejected?: ((rejected: RejectedLine) => void) | undefined
}

/** What became of the lines of each file, and the id of the run (import_runs). */
export type ImportTaxonomyResult = { files: FileCounts[]; run: string }

/** How one file of a taxonomy is written: from the staged rows, all of which begin with this in their keys. */
export type TaxonomyFile = {
  shape: FileShape
  write(tx: TenantTransaction, keyPrefix: string): Promise<Outcome>
}

/**
 * Imports the files of a taxonomy in their order. Running it again changes nothing; a bad line is reported and the others
 * go in. Throws before anything is written: `input.file_unreadable`, `input.invalid` for a wrong header or source.
 */
export async function importTaxonomy(
  database: Database,
  tenantId: string,
  format: 'onet' | 'esco',
  files: readonly TaxonomyFile[],
  options: ImportTaxonomyOptions,
): Promise<ImportTaxonomyResult> {
  const source = requireSource(options.source ?? format)
  const found = await findFiles(
    options.folder,
    files.map(({ shape }) => shape),
  )
  for (const file of found) await (await TableReader.open(file)).close()
  const run: ImportRun = {
    database,
    tenantId,
    run: await inTenant(database, tenantId, (tx) => startRun(tx, { format, startedBy: options.startedBy })),
    linesPerChunk: options.linesPerChunk ?? 10_000,
    signal: options.signal,
    onProgress: options.onProgress,
    onRejected: options.onRejected,
  }
  const counts = found.map(({ file }) => emptyCounts(file))
  const recordRun = (tx: TenantTransaction, outcome: 'complete' | 'stopped') =>
    record(tx, { activity: 'DataSetImported', object: run.run, details: { outcome, ...sumOf(counts) } })
  try {
    for (const [index, file] of found.entries()) {
      const [countsOfFile, taxonomyFile] = [counts[index], files[index]]
      if (countsOfFile === undefined || taxonomyFile === undefined) continue
      const reader = await TableReader.open(file)
      try {
        await importChunks(run, reader, countsOfFile, (tx) => taxonomyFile.write(tx, `${source}:`))
      } finally {
        await reader.close()
      }
    }
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
