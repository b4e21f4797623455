import type { Command } from 'commander'
import { useServer } from '../application.ts'
import { hashIdentifier, identifierHashKey } from '../erasure/keys.ts'
import type { RejectedLine } from '../imports/import-chunks.ts'
import { importedTables, importOulad } from '../imports/oulad/import-oulad.ts'
import { vacuumTables } from '../platform/database/vacuum.ts'
import { counted, formatTable, type Progress } from './output.ts'
import { type TenantSession, withTenant } from './session.ts'

/** A document holds no more rejected lines than this; every one of them is printed on stderr. */
const mostListed = 1000

/** `lethe import oulad` */
export function addImportCommands(program: Command): void {
  program
    .command('import')
    .description('bring in learners and their records')
    .command('oulad')
    .argument('<folder>', 'holds the seven files of the data set, each as .csv or .csv.gz')
    .option('--source <name>', 'another name imports the data as another set of learners', 'oulad')
    .description('import the Open University Learning Analytics Dataset, or go on with an import that was stopped')
    .addHelpText(
      'after',
      `
Bad lines are reported with file, line and reason, and the others go in. Running it again changes nothing. Learners who
are deleted or purged stay so; their lines are skipped.

Example:
  lethe import oulad ~/downloads/oulad`,
    )
    .action(async (folder: string, options: { source: string }, command: Command) => {
      await withTenant(command, (session) => importAndVacuum(session, folder, options.source))
    })
}

async function importAndVacuum(session: TenantSession, folder: string, source: string): Promise<void> {
  const { application, tenant, output, run, signal } = session
  const key = await run((tx) => identifierHashKey(tx, application.masterKey))
  const rejected: RejectedLine[] = []
  let shown: { file: string; progress: Progress } | undefined
  const { files, run: runId } = await importOulad(application.database, tenant.id, {
    folder,
    source,
    signal,
    tombstoneHash: (kind, value) => hashIdentifier(key, { kind, value }),
    onProgress({ file, bytes, totalBytes }) {
      if (shown?.file !== file) shown = { file, progress: output.progress(`${file}, bytes read`) }
      shown.progress.update(bytes, totalBytes)
    },
    onRejected(line) {
      if (rejected.length < mostListed) rejected.push(line)
      output.note(`${line.file}, line ${line.line}: ${line.reason}.`)
    },
  })
  shown?.progress.end()
  for (const { file, skippedFor } of files) {
    for (const [state, lines] of Object.entries(skippedFor)) {
      if (lines > 0) output.note(`${file}: skipped ${counted(lines, 'line')} of learners who are ${state}.`)
    }
  }
  await vacuum(session)
  output.result({ run: runId, files, rejected }, () =>
    formatTable(files, [
      { title: 'file', value: ({ file }) => file },
      { title: 'read', value: ({ read }) => read, right: true },
      { title: 'written', value: ({ written }) => written, right: true },
      { title: 'unchanged', value: ({ unchanged }) => unchanged, right: true },
      { title: 'rejected', value: ({ rejected: count }) => count, right: true },
      { title: 'skipped', value: ({ skipped }) => skipped, right: true },
    ]),
  )
}

/** Only the tables' owner may vacuum them, and Lethe is that with the embedded server only. */
async function vacuum({ config, output }: TenantSession): Promise<void> {
  const server = await useServer(config)
  try {
    if (server.embedded && server.ownerUrl !== undefined) {
      output.note('Vacuuming the tables.')
      await vacuumTables(server.ownerUrl, importedTables)
    } else {
      output.note('The server vacuums the tables by itself in a few minutes (autovacuum).')
    }
  } finally {
    await server.release()
  }
}
