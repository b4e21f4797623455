import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Command, Option } from 'commander'
import { useServer } from '../../../application.ts'
import { writeNewFile } from '../../../exports/new-file.ts'
import {
  type ListedRun,
  listRunRows,
  listRuns,
  rowOutcomes,
  showRun,
  type UserCounts,
} from '../../../import-runs/list-runs.ts'
import { openFile } from '../../../import-runs/open-file.ts'
import { forgetSource } from '../../../imports/forget-source.ts'
import type { FileCounts, ImportProgress, RejectedLine } from '../../../imports/import-chunks.ts'
import { importedTables, importOulad } from '../../../imports/oulad/import-oulad.ts'
import { importEsco } from '../../../imports/taxonomy/import-esco.ts'
import { importOnet } from '../../../imports/taxonomy/import-onet.ts'
import { type ImportUsersResult, importUsers } from '../../../imports/users/import-users.ts'
import { csvLine } from '../../../platform/csv/csv-line.ts'
import { codeOf } from '../../../platform/database/pool.ts'
import { vacuumTables } from '../../../platform/database/vacuum.ts'
import { type ReturningRows, returningRows } from '../../../tenancy/update-tenant.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatTable, type Progress } from '../../output.ts'
import { type TenantSession, withTenant } from '../../session.ts'

/** A document holds no more rejected lines than this; every one of them is printed on stderr. */
const mostListed = 1000

/** `lethe import users|oulad|onet|esco|list|show|rows|fetch|forget` */
export function addImportCommands(program: Command): void {
  const group = program
    .command('import')
    .description('import users, learning records and skills, and read the log of imports')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe import users people.csv --dry-run', 'lethe import oulad ~/downloads/oulad'] }),
    )
  addUsers(group)
  addOulad(group)
  for (const taxonomy of taxonomies) addTaxonomy(group, taxonomy)
  addLog(group)
  addFetch(group)
  addForget(group)
}

type UsersOptions = { dryRun?: boolean; outcomes?: string; purged?: ReturningRows; withRoles?: boolean }

function addUsers(group: Command): void {
  group
    .command('users')
    .argument('<file>', 'a CSV file in UTF-8, or "-" for standard input')
    .option('--dry-run', 'report what would happen; change nothing')
    .option('--outcomes <file>', 'write a CSV file with line, outcome, id, reason and changed fields of each row')
    .option(
      '--with-roles',
      'apply the roles in the file; otherwise new users are learners and other users keep their roles',
    )
    .addOption(
      new Option(
        '--purged <what>',
        'what to do with rows of purged people: skip them, or create new users; default: the setting of the tenant',
      ).choices(returningRows),
    )
    .description('create and update users from a CSV file')
    .addHelpText(
      'after',
      helpText({
        notes: `
The head names the columns; docs/csv.md lists them, and "lethe user list --csv" writes them all. A row names its user by
the first of id, directory_object_id, ref, login_name and email that is not empty. Columns that are not there leave
their fields alone; an empty cell clears its field. Users that a file does not name stay as they are.

Bad rows are rejected with line and reason, and the others go in. Deleted users stay deleted. Running it again changes
nothing.`,
        exitCodes: { 1: 'rows were rejected; all others were imported' },
        examples: [
          'lethe import users people.csv --dry-run',
          'lethe import users people.csv --outcomes outcomes.csv',
          'lethe import users people.csv --with-roles --purged create',
          'lethe user list --csv | lethe import users -',
        ],
      }),
    )
    .action(async (file: string, options: UsersOptions, command: Command) => {
      await withTenant(command, (session) => importFile(session, file, options))
    })
}

async function importFile(session: TenantSession, file: string, options: UsersOptions): Promise<void> {
  const { application, tenant, output, signal } = session
  const rejected: { line: number; reason: string }[] = []
  const outcomes = options.outcomes === undefined ? undefined : await openOutcomes(options.outcomes)
  const progress = output.progress('rows read')
  let result: ImportUsersResult
  try {
    result = await importUsers(application.database, tenant.id, {
      source: file === '-' ? process.stdin : createReadStream(file),
      file: file === '-' ? 'standard input' : path.basename(file),
      purged: options.purged,
      withRoles: options.withRoles,
      dryRun: options.dryRun,
      signal,
      onRead: (rows) => progress.update(rows),
      async onOutcome({ line, outcome, id, reason, changed }) {
        await outcomes?.write([String(line), outcome, id ?? '', reason ?? '', changed.join(';')])
        if (outcome !== 'rejected' || reason === null) return
        if (rejected.length < mostListed) rejected.push({ line, reason })
        output.note(`Line ${line}: ${reason}.`)
      },
    })
    await outcomes?.finish()
  } catch (error) {
    await outcomes?.discard()
    throw error
  } finally {
    progress.end()
  }
  const { counts, run } = result
  for (const sentence of remarksOn(counts)) output.note(sentence)
  if (options.dryRun) output.note('This was a dry run: nothing was changed.')
  const { skippedFor, rolesNotApplied, ...rows } = counts
  output.result(
    {
      dry_run: options.dryRun === true,
      run,
      ...rows,
      skipped_for: skippedFor,
      roles_not_applied: rolesNotApplied,
      rejected_rows: rejected,
    },
    () =>
      formatTable(
        [rows],
        ['read' as const, ...rowOutcomes].map((name) => ({ title: name, value: (row) => row[name], right: true })),
      ),
  )
  if (counts.rejected > 0) {
    const { read, rejected: count } = counts
    throw commandError('import.rejected_rows', { rejected: count, read, dryRun: options.dryRun === true })
  }
}

function remarksOn({ skippedFor, conflict, rolesNotApplied }: UserCounts): string[] {
  const { deleted, purged, anonymized } = skippedFor
  return [
    ...(deleted > 0
      ? [`Skipped ${counted(deleted, 'row')} of deleted users; "lethe user restore" restores them.`]
      : []),
    ...(purged > 0 ? [`Skipped ${counted(purged, 'row')} of purged people; --purged create makes new accounts.`] : []),
    ...(anonymized > 0 ? [`Skipped ${counted(anonymized, 'row')} of anonymized users.`] : []),
    ...(conflict > 0 ? [`Left ${counted(conflict, 'row')} alone because an erasure of the user is pending.`] : []),
    ...(rolesNotApplied > 0
      ? [`The roles of ${counted(rolesNotApplied, 'row')} were not applied; --outcomes gives the reason for each.`]
      : []),
  ]
}

/** The file appears under its name when the import is done, so that a failed one leaves no outcomes behind. */
async function openOutcomes(name: string) {
  const draft = `${name}.part`
  const failed = (error: unknown) =>
    commandError('output.file_unwritable', { file: name, reason: codeOf(error) ?? String(error) }, error)
  const attempt = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw failed(error)
    }
  }
  const handle = await attempt(open(draft, 'w'))
  let lines = csvLine(['line', 'outcome', 'id', 'reason', 'changed'])
  const flush = async () => {
    await attempt(handle.writeFile(lines))
    lines = ''
  }
  return {
    async write(cells: string[]) {
      lines += csvLine(cells)
      if (lines.length > 64 * 1024) await flush()
    },
    async finish() {
      await flush()
      await attempt(handle.close())
      await attempt(rename(draft, name))
    },
    async discard() {
      await handle.close()
      await rm(draft, { force: true })
    },
  }
}

function addOulad(group: Command): void {
  group
    .command('oulad')
    .argument('<folder>', 'the folder with the seven files of the data set, each as .csv or .csv.gz')
    .option('--source <name>', 'the name of the set of learners; another name imports another set', 'oulad')
    .description('import the Open University Learning Analytics Dataset, or continue a stopped import')
    .addHelpText(
      'after',
      helpText({
        notes: `
Bad lines are reported with file, line and reason, and the others go in. Running it again changes nothing. Learners who
are deleted or purged stay so; their lines are skipped.`,
        exitCodes: { 0: 'imported, even if lines were rejected; "rejected" has their number' },
        examples: [
          'lethe import oulad ~/downloads/oulad',
          'lethe import oulad ~/downloads/oulad --source second-copy --tenant Acme',
        ],
      }),
    )
    .action(async (folder: string, options: { source: string }, command: Command) => {
      await withTenant(command, (session) => importAndVacuum(session, folder, options.source))
    })
}

const taxonomies = [
  {
    name: 'onet',
    of: 'O*NET',
    holds: '"Content Model Reference.txt" and "Level Scale Anchors.txt"',
    notes: 'Each skill gets its own scale from 0 to 7, with the examples that O*NET gives for 2, 4 and 6.',
    work: importOnet,
  },
  {
    name: 'esco',
    of: 'ESCO',
    holds: '"skills_en.csv"',
    notes: 'ESCO has no levels, so the skills use the default scale. The command creates that scale if there is none.',
    work: importEsco,
  },
] as const

function addTaxonomy(group: Command, { name, of, holds, notes, work }: (typeof taxonomies)[number]): void {
  group
    .command(name)
    .argument('<folder>', `the folder with ${holds}, plain or compressed (.gz)`)
    .option('--source <name>', 'the name of the set of skills; another name imports another set', name)
    .description(`import the skills of ${of}, for all catalogs`)
    .addHelpText(
      'after',
      helpText({
        notes: `${notes}\nThe command reports each bad line with file, line and reason, and imports the others. Running it again changes nothing.`,
        exitCodes: { 0: 'imported, even if lines were rejected; "rejected" has their number' },
        examples: [`lethe import ${name} ~/downloads/${name}`],
      }),
    )
    .action(async (folder: string, options: { source: string }, command: Command) => {
      await withTenant(command, async (session) => {
        const { application, tenant, output, signal } = session
        const reporting = reportTo(session)
        const { files, run } = await work(application.database, tenant.id, {
          folder,
          source: options.source,
          signal,
          ...reporting.handlers,
        })
        reporting.end()
        output.result({ run, files, rejected: reporting.rejected }, () => formatFiles(files))
      })
    })
}

/** Shows how far each file is, and the lines that are rejected; lets Ctrl-C say what stays. */
function reportTo({ output, onStop }: TenantSession) {
  let place = 'No line was read yet.'
  onStop({
    sentence: () => `${place} The lines imported so far stay. To continue, run the same command again.`,
  })
  const rejected: RejectedLine[] = []
  let shown: { file: string; progress: Progress } | undefined
  return {
    rejected,
    handlers: {
      onProgress({ file, rows, bytes, totalBytes }: ImportProgress) {
        place = `${file} was read up to ${counted(rows, 'line')}.`
        if (shown?.file !== file) shown = { file, progress: output.progress(`${file}, bytes read`) }
        shown.progress.update(bytes, totalBytes)
      },
      onRejected(line: RejectedLine) {
        if (rejected.length < mostListed) rejected.push(line)
        output.note(`${line.file}, line ${line.line}: ${line.reason}.`)
      },
    },
    end: () => shown?.progress.end(),
  }
}

function formatFiles(files: readonly FileCounts[]): string {
  return formatTable(files, [
    { title: 'file', value: ({ file }) => file },
    { title: 'read', value: ({ read }) => read, right: true },
    { title: 'written', value: ({ written }) => written, right: true },
    { title: 'unchanged', value: ({ unchanged }) => unchanged, right: true },
    { title: 'rejected', value: ({ rejected: count }) => count, right: true },
    { title: 'skipped', value: ({ skipped }) => skipped, right: true },
  ])
}

async function importAndVacuum(session: TenantSession, folder: string, source: string): Promise<void> {
  const { application, tenant, output, signal } = session
  const { rejected, handlers, end } = reportTo(session)
  const { files, run: runId } = await importOulad(application.database, tenant.id, {
    folder,
    source,
    signal,
    ...handlers,
  })
  end()
  for (const { file, skippedFor } of files) {
    for (const [state, lines] of Object.entries(skippedFor)) {
      if (lines > 0) output.note(`${file}: skipped ${counted(lines, 'line')} of learners who are ${state}.`)
    }
  }
  await vacuum(session)
  output.result({ run: runId, files, rejected }, () => formatFiles(files))
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

function addLog(group: Command): void {
  group
    .command('list')
    .description('list the imports, newest first')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--before <run>', 'only runs that are older than this one')
    .addHelpText('after', helpText({ examples: ['lethe import list', 'lethe import list --limit 10 --json'] }))
    .action(async (options: { limit: string; before?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { runs } = await run((tx) =>
          listRuns(tx, {
            limit: Number(options.limit),
            ...(options.before !== undefined && { before: options.before }),
          }),
        )
        output.result({ imports: runs }, () => formatRuns(runs))
      })
    })

  group
    .command('show')
    .argument('<run>', 'the id of the import')
    .description('show an import: when, by which user, the counts, and whether its file is kept')
    .addHelpText('after', helpText({ examples: ['lethe import show RUN', 'lethe import show RUN --json'] }))
    .action(async (runId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const shown = await run((tx) => showRun(tx, runId))
        output.result({ import: shown }, () =>
          formatTable(
            Object.entries({ ...shown, counts: undefined, ...shown.counts, skippedFor: undefined }).filter(
              ([, value]) => value !== undefined && value !== null,
            ),
            [
              { title: 'field', value: ([name]) => name },
              { title: 'value', value: ([, value]) => value as string | number | Date },
            ],
          ),
        )
      })
    })

  group
    .command('rows')
    .argument('<run>', 'the id of the import')
    .option('--outcome <outcome>', `only rows of this outcome: ${rowOutcomes.join(', ')}`)
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <line>', 'only rows behind this line')
    .description('list what became of each row of an imported file')
    .addHelpText(
      'after',
      helpText({
        notes: 'The log names the changed fields of a row, never their values.',
        examples: [
          'lethe import rows RUN --outcome rejected',
          'lethe import rows RUN --limit 1000 --after 1001 --json',
        ],
      }),
    )
    .action(async (runId: string, options: { outcome?: string; limit: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { rows, next } = await run((tx) =>
          listRunRows(tx, runId, {
            limit: Number(options.limit),
            ...(options.outcome !== undefined && { outcome: options.outcome }),
            ...(options.after !== undefined && { after: Number(options.after) }),
          }),
        )
        if (next !== undefined) output.note(`There are more rows; --after ${next} lists the next ones.`)
        output.result({ rows, next: next ?? null }, () =>
          formatTable(rows, [
            { title: 'line', value: ({ line }) => line, right: true },
            { title: 'outcome', value: ({ outcome }) => outcome },
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'changed', value: ({ changed }) => changed.join(', ') },
            { title: 'reason', value: ({ reason }) => reason },
          ]),
        )
      })
    })
}

function formatRuns(runs: readonly ListedRun[]): string {
  return formatTable(runs, [
    { title: 'import', value: ({ id }) => id },
    { title: 'format', value: ({ format }) => format },
    { title: 'state', value: ({ state }) => state },
    { title: 'started', value: ({ started_at }) => started_at },
    { title: 'read', value: ({ rows_read }) => rows_read, right: true },
    { title: 'written', value: ({ rows_written }) => rows_written, right: true },
    { title: 'rejected', value: ({ rows_rejected }) => rows_rejected, right: true },
    { title: 'file', value: ({ file, file_gone_because }) => file_gone_because ?? file },
    { title: 'error', value: ({ error_code }) => error_code },
  ])
}

function addFetch(group: Command): void {
  group
    .command('fetch')
    .argument('<run>', 'the id of the import')
    .requiredOption('--out <file>', 'the file to write; it must not exist yet')
    .description('write the imported file to a file')
    .addHelpText(
      'after',
      helpText({
        notes:
          'The file contains personal data. Lethe keeps it for 90 days, and destroys it if a person in it is erased.',
        exitCodes: { 3: 'there is no such import, or its file is destroyed' },
        examples: [
          'lethe import fetch RUN --out import-1.csv',
          'lethe import fetch RUN --out ~/imports/people.csv --json',
        ],
      }),
    )
    .action(async (runId: string, options: { out: string }, command: Command) => {
      await withTenant(command, async ({ application, tenant, output }) => {
        const opened = await openFile(application.database, tenant.id, runId)
        await writeNewFile(options.out, (take) => take(opened.content))
        output.result(
          { import: { id: opened.id, size: opened.size, file: options.out } },
          () => `${counted(opened.size, 'byte')} written to ${options.out}.`,
        )
      })
    })
}

function addForget(group: Command): void {
  group
    .command('forget')
    .argument('<source>', 'the name of the data set, as --source named it')
    .description('forget the progress of a data set with its name; the imported data stays')
    .addHelpText(
      'after',
      helpText({
        notes: 'Another import under this name begins at the first line, and imports what is already there once more.',
        examples: ['lethe import forget oulad'],
      }),
    )
    .action(async (source: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { files } = await run((tx) => forgetSource(tx, source))
        output.result({ files }, () => `Forgot the progress of ${counted(files, 'file')}.`)
      })
    })
}
