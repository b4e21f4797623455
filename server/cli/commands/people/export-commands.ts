import type { Command } from 'commander'
import { deleteExport, listExports } from '../../../exports/kept-exports.ts'
import { writeNewFile } from '../../../exports/new-file.ts'
import { openExport } from '../../../exports/open-export.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe export list|fetch|delete` */
export function addExportCommands(program: Command): void {
  const group = program
    .command('export')
    .description('kept exports about people, until they expire')
    .addHelpText(
      'after',
      helpText({
        notes: '"lethe user export --keep" makes a kept export.',
        examples: ['lethe export list', 'lethe export fetch EXPORT --out export-1.zip', 'lethe export delete EXPORT'],
      }),
    )

  group
    .command('list')
    .description('list kept exports, newest first')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--before <export>', 'only exports that are older than this one')
    .addHelpText('after', helpText({ examples: ['lethe export list', 'lethe export list --limit 10 --json'] }))
    .action(async (options: { limit: string; before?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { exports } = await run((tx) =>
          listExports(tx, {
            limit: Number(options.limit),
            ...(options.before !== undefined && { before: options.before }),
          }),
        )
        output.result({ exports }, () =>
          formatTable(exports, [
            { title: 'export', value: ({ id }) => id },
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'state', value: ({ state }) => state },
            { title: 'rows', value: ({ rows_written }) => rows_written, right: true },
            { title: 'bytes', value: ({ size }) => size, right: true },
            { title: 'requested', value: ({ created_at }) => created_at },
            { title: 'expires', value: ({ expires_at }) => expires_at },
            { title: 'error', value: ({ error_code }) => error_code },
          ]),
        )
      })
    })

  group
    .command('fetch')
    .argument('<export>', 'the id of the export')
    .requiredOption('--out <file>', 'the ZIP archive to write; it must not exist yet')
    .description('write a kept export to a file')
    .addHelpText(
      'after',
      helpText({
        notes: 'The file contains personal data: hand it over and delete it.',
        exitCodes: { 3: 'there is no such export, or it has expired or was withdrawn', 5: 'it is not ready yet' },
        examples: [
          'lethe export fetch EXPORT --out export-1.zip',
          'lethe export fetch EXPORT --out ~/exports/A-17.zip --json',
        ],
      }),
    )
    .action(async (exportId: string, options: { out: string }, command: Command) => {
      await withTenant(command, async ({ application, tenant, output }) => {
        const opened = await openExport(application.database, tenant.id, exportId)
        await writeNewFile(options.out, (take) => take(opened.content))
        output.result(
          { export: { id: opened.id, size: opened.size, file: options.out } },
          () => `${counted(opened.size, 'byte')} written to ${options.out}.`,
        )
      })
    })

  group
    .command('delete')
    .argument('<export>', 'the id of the export')
    .description('delete a kept export before it expires')
    .addHelpText('after', helpText({ examples: ['lethe export delete EXPORT', 'lethe export delete EXPORT --json'] }))
    .action(async (exportId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => deleteExport(tx, exportId))
        output.result({ deleted: exportId }, () => `Export ${exportId} is deleted.`)
      })
    })
}
