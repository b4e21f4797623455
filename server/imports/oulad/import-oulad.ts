import { record } from '../../audit/record.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { emptyCounts, type FileCounts, type ImportProgress, type RejectedLine, sumOf } from '../import-chunks.ts'
import { readMark } from '../import-mark.ts'
import { finishRun, requireSource, startRun } from '../import-run.ts'
import { type FoundFile, findFiles, TableReader } from '../table-file.ts'
import { importAssessments, importAttempts } from './assessments.ts'
import { ouladFiles } from './files.ts'
import { importLearners } from './learners.ts'
import { importModules } from './modules.ts'
import type { OuladRun } from './oulad-run.ts'
import { importPresentations } from './presentations.ts'
import { importRecordActions } from './record-actions.ts'

export type ImportOuladOptions = {
  /** Folder with the seven files of the data set, each as .csv or .csv.gz. */
  folder: string
  /** Name of the source, "oulad" unless said otherwise. Another name imports the data as another set of learners. */
  source?: string | undefined
  /** Id of the user who imports. */
  startedBy?: string | undefined
  /** Lines that one transaction writes; 100,000 unless said otherwise. */
  linesPerChunk?: number | undefined
  /** Stops the import after the transaction that is running; the next import goes on from there. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: ImportProgress) => void) | undefined
  onRejected?: ((rejected: RejectedLine) => void) | undefined
}

/** The tables that an import fills, each after those that it refers to. */
export const importedTables = [
  'catalogs',
  'courses',
  'sessions',
  'modules',
  'assessments',
  'users',
  'product_accounts',
  'enrollments',
  'assessment_attempts',
  'record_actions',
] as const

/** What became of the lines of each file, and the id of the run (import_runs). */
export type ImportOuladResult = { files: FileCounts[]; run: string }

/**
 * Imports the Open University Learning Analytics Dataset into the tenant, or goes on with an import that was
 * interrupted; running it again changes nothing. A bad line is reported and the others go in. Lines of people who are
 * deleted or purged are skipped and counted.
 *
 * Throws before anything is written: `input.file_unreadable` for a missing or unreadable file, `input.invalid` for a
 * wrong header or source, `import.changed_file` where the actions imported earlier have changed in the file. Throws
 * `import.overtaken` where another import of the same source runs at the same time. What was imported until then stays.
 */
export async function importOulad(
  database: Database,
  tenantId: string,
  options: ImportOuladOptions,
): Promise<ImportOuladResult> {
  const source = requireSource(options.source ?? 'oulad')
  const found = await findOuladFiles(options.folder)
  const mark = await inTenant(database, tenantId, (tx) => readMark(tx, source, found.studentVle.shape.name))
  const actions = await TableReader.open(found.studentVle)
  try {
    if (mark !== undefined) await actions.skipTo(mark)
    const run: OuladRun = {
      database,
      tenantId,
      source,
      run: await inTenant(database, tenantId, (tx) => startRun(tx, { format: 'oulad', startedBy: options.startedBy })),
      linesPerChunk: options.linesPerChunk ?? 100_000,
      signal: options.signal,
      onProgress: options.onProgress,
      onRejected: options.onRejected,
    }
    const counts = mapValues(found, ({ file }) => emptyCounts(file))
    counts.studentVle.read = counts.studentVle.unchanged = mark?.lines ?? 0

    const reading = async (
      name: OuladFile,
      importFile: (run: OuladRun, reader: TableReader, counts: FileCounts) => Promise<void>,
    ) => {
      const reader = await TableReader.open(found[name])
      try {
        await importFile(run, reader, counts[name])
      } finally {
        await reader.close()
      }
    }
    const recordRun = (tx: TenantTransaction, outcome: 'complete' | 'stopped') =>
      record(tx, {
        activity: 'DataSetImported',
        object: run.run,
        details: { outcome, ...sumOf(Object.values(counts)) },
      })
    try {
      await reading('courses', importPresentations)
      await importLearners(
        run,
        { info: found.studentInfo, registration: found.studentRegistration },
        { info: counts.studentInfo, registration: counts.studentRegistration },
      )
      await reading('assessments', importAssessments)
      await reading('studentAssessment', importAttempts)
      await reading('vle', importModules)
      await importRecordActions(run, actions, counts.studentVle)
    } catch (error) {
      // What was imported until then stays, so it is recorded, unless that fails too: then the first error says why.
      await Promise.allSettled([inTenant(database, tenantId, (tx) => recordRun(tx, 'stopped'))])
      throw error
    }
    await inTenant(database, tenantId, async (tx) => {
      await finishRun(tx, run.run)
      await recordRun(tx, 'complete')
    })
    return { files: Object.values(counts), run: run.run }
  } finally {
    await actions.close()
  }
}

type OuladFile = keyof typeof ouladFiles

/** Finds all files and checks their headers, so that nothing is written where one is missing or is something else. */
async function findOuladFiles(folder: string): Promise<Record<OuladFile, FoundFile>> {
  const names = Object.keys(ouladFiles) as OuladFile[]
  const found = await findFiles(
    folder,
    names.map((name) => ouladFiles[name]),
  )
  for (const file of found) await (await TableReader.open(file)).close()
  return Object.fromEntries(names.map((name, i) => [name, found[i]])) as Record<OuladFile, FoundFile>
}

function mapValues<Key extends string, From, To>(record: Record<Key, From>, to: (value: From) => To): Record<Key, To> {
  return Object.fromEntries(Object.entries<From>(record).map(([key, value]) => [key, to(value)])) as Record<Key, To>
}
