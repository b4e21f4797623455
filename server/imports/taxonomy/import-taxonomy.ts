import type { Database } from '../../platform/database/pool.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireSource } from '../data-source.ts'
import { type FolderImportOptions, type FolderImportResult, runFolderImport } from '../folder-import.ts'
import { emptyCounts, importChunks, type Outcome } from '../import-chunks.ts'
import { type FileShape, findFiles, TableReader } from '../table-file.ts'

/** Lines that one transaction writes, unless said otherwise. */
const linesPerChunk = 10_000

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
  options: FolderImportOptions,
): Promise<FolderImportResult> {
  const source = requireSource(options.source ?? format)
  const found = await findFiles(
    options.folder,
    files.map(({ shape }) => shape),
  )
  for (const file of found) await (await TableReader.open(file)).close()
  const counts = found.map(({ file }) => emptyCounts(file))
  return await runFolderImport(database, tenantId, { format, counts, linesPerChunk }, options, async (run) => {
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
  })
}
