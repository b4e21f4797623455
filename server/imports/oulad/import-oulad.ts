import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { requireSource } from '../data-source.ts'
import { type FolderImportOptions, type FolderImportResult, runFolderImport } from '../folder-import.ts'
import { emptyCounts, type FileCounts } from '../import-chunks.ts'
import { readMark } from '../import-mark.ts'
import { type FoundFile, findFiles, TableReader } from '../table-file.ts'
import { importAssessments, importAttempts } from './assessments.ts'
import { ouladFiles } from './files.ts'
import { importLearners } from './learners.ts'
import { importModules } from './modules.ts'
import type { OuladRun } from './oulad-run.ts'
import { importPresentations } from './presentations.ts'
import { importRecordActions } from './record-actions.ts'

/** Lines that one transaction writes, unless said otherwise. */
const linesPerChunk = 100_000

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
  options: FolderImportOptions,
): Promise<FolderImportResult> {
  const source = requireSource(options.source ?? 'oulad')
  const found = await findOuladFiles(options.folder)
  const mark = await inTenant(database, tenantId, (tx) => readMark(tx, source, found.studentVle.shape.name))
  const actions = await TableReader.open(found.studentVle)
  try {
    if (mark !== undefined) await actions.skipTo(mark)
    const counts = mapValues(found, ({ file }) => emptyCounts(file))
    counts.studentVle.read = counts.studentVle.unchanged = mark?.lines ?? 0

    const dataSet = { format: 'oulad', counts: Object.values(counts), linesPerChunk }
    return await runFolderImport(database, tenantId, dataSet, options, async (ofAnySource) => {
      const run: OuladRun = { ...ofAnySource, source }
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
    })
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
