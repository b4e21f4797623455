import { type Command, Option } from 'commander'
import type pg from 'pg'
import type { Application } from '../../../application.ts'
import { type BackupKind, backupKinds, declareBackups } from '../../../erasure/disk/declare-backups.ts'
import { concludeOnDisk, type LogState, passLog } from '../../../erasure/disk/pass-log.ts'
import {
  asOwner,
  planRewrite,
  type RewriteOptions,
  type RewritePlan,
  type RewriteResult,
  rewriteDatabase,
} from '../../../erasure/disk/rewrite-database.ts'
import { databaseError } from '../../../platform/database/errors.ts'
import { requireTime } from '../../../platform/validation/require-time.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable, type Output } from '../../output.ts'
import { withApplication } from '../../session.ts'

/** `lethe db rewrite` */
export function addRewrite(group: Command): void {
  group
    .command('rewrite')
    .description('rewrite the tables that ended erasures touched, so that the erasures reach a higher level on disk')
    .addOption(
      new Option('--level <level>', '3: vacuum and new statistics, without blocking requests; 4: rewrite')
        .choices(['3', '4'])
        .default('4'),
    )
    .option('--all', 'rewrite every table that an erasure may have touched, even if no erasure waits for it')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      helpText({
        notes: `
The command runs as the owner of the tables (DATABASE_OWNER_URL), who must also own the database. It rewrites one table
at a time. Meanwhile no request can use that table, and the disk needs space for a second copy of it. Before it asks, it
estimates the time for each table. If you stop it, run it again: it continues with the remaining tables.

Then the command moves the write-ahead log forward. For this it needs a superuser, or a member of pg_monitor and
pg_checkpoint that may execute pg_switch_wal(). docs/disk.md explains the levels.`,
        exitCodes: {
          0: 'done, or there was nothing to do; the output shows what level 5 waits for',
          1: 'you declined',
          6: 'a table was in use all the time, or a transaction may still read its dead rows',
        },
        examples: ['lethe db rewrite', 'lethe db rewrite --level 3', 'lethe db rewrite --all --yes --json'],
      }),
    )
    .action(async (given: { level: '3' | '4'; all?: boolean; yes?: boolean }, command: Command) => {
      await withApplication(command, async ({ application, output, signal }) => {
        const level = given.level === '3' ? 3 : 4
        const options: RewriteOptions = { level, all: given.all, lockTimeout: 10_000, tries: 30, signal }
        await asOwner(application, async (owner) => {
          const plan = await planRewrite(application, owner, options)
          if (level === 4 && plan.tables.length > 0) await confirm(output, plan, given.yes === true)
          const said =
            plan.tables.length > 0
              ? await rewriteWithProgress(application, owner, { plan, options, output })
              : { tables: [], held: [], stale: [], busy: [], foreign: [], reached: { 3: 0, 4: 0 } }
          const log = level === 4 ? await passLog(owner, { onSegment: () => undefined, signal }) : undefined
          const concluded = await concludeOnDisk(application.database)
          output.result(
            { rewrite: { ...said, reached: { ...said.reached, 5: concluded.log }, log: log ?? null } },
            () => formatResult(said, concluded.log, log),
          )
          requireComplete(said, owner.user ?? 'the owner')
        })
      })
    })
}

async function confirm(output: Output, plan: RewritePlan, yes: boolean): Promise<void> {
  if (!yes) output.say(formatPlan(plan))
  await output.requireConfirmed(`The rewriting of ${counted(plan.tables.length, 'table')}`, {
    yes,
    warning: 'locks each of them meanwhile',
  })
}

async function rewriteWithProgress(
  application: Application,
  owner: pg.Client,
  { plan, options, output }: { plan: RewritePlan; options: RewriteOptions; output: Output },
): Promise<RewriteResult> {
  const progress = output.progress(options.level === 4 ? 'Rewriting' : 'Cleaning')
  const total = plan.tables.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  try {
    return await rewriteDatabase(application, owner, {
      ...options,
      onTable({ size }) {
        progress.update(Math.round(done / 2 ** 20), Math.round(total / 2 ** 20))
        done += size
      },
    })
  } finally {
    progress.end()
  }
}

function requireComplete({ held, busy, foreign }: RewriteResult, login: string): void {
  if (held.length > 0) throw commandError('database.dead_rows_held', { tables: held })
  if (busy[0] !== undefined) throw databaseError('database.table_busy', { table: busy[0] })
  if (foreign[0] !== undefined) throw databaseError('database.not_owner', { table: foreign[0], login })
}

/** `lethe db backups` */
export function addBackups(group: Command): void {
  group
    .command('backups')
    .description('declare the age of your oldest backup; erasure requests that no backup holds get a signed addendum')
    .requiredOption('--oldest <time>', 'when that backup was started, such as 2026-03-01 or 2026-03-01T02:00:00Z')
    .addOption(
      new Option('--kind <kind>', 'dump: pg_dump; files: a copy of the files or of the log, such as pg_basebackup')
        .choices(backupKinds)
        .default('files'),
    )
    .addHelpText(
      'after',
      helpText({
        notes: `
A dump made after a request has ended does not contain its people. A copy of the files contains them until the request
is at level 5. If you keep both kinds, declare the files. Lethe cannot check this: the addendum states that you declared it.`,
        examples: [
          'lethe db backups --oldest 2026-03-01',
          'lethe db backups --oldest 2026-03-01T02:00:00Z --kind dump',
        ],
      }),
    )
    .action(async ({ oldest, kind }: { oldest: string; kind: BackupKind }, command: Command) => {
      const time = requireTime('--oldest', new Date(oldest))
      await withApplication(command, async ({ application, output }) => {
        const { requests } = await declareBackups(application.database, { kind, oldest: time })
        output.result(
          { backups: { kind, oldest: time.toISOString(), requests } },
          () => `No backup holds the people of ${counted(requests, 'more erasure request')}.`,
        )
      })
    })
}

function formatPlan({ requests, tables, free }: RewritePlan): string {
  const largest = tables.reduce((most, { size }) => Math.max(most, size), 0)
  return [
    `${counted(requests, 'request')} ${requests === 1 ? 'waits' : 'wait'} for these tables. No request can use a table while it is rewritten.`,
    formatTable(tables, [
      { title: 'table', value: ({ table }) => table },
      { title: 'MiB', value: ({ size }) => toMebibytes(size), right: true },
      { title: 'locked for about', value: ({ seconds }) => `${Math.max(1, Math.round(seconds))} s`, right: true },
    ]),
    `The disk needs ${toMebibytes(largest)} MiB of space${free === undefined ? '' : `; ${toMebibytes(free)} MiB are free`}.`,
  ].join('\n\n')
}

function formatResult(
  { tables, held, stale, busy, foreign, reached }: RewriteResult,
  passed: number,
  log: LogState | undefined,
) {
  const parts = [
    formatFields({
      tables: tables.length,
      MiB: toMebibytes(tables.reduce((sum, { sizeBefore }) => sum + sizeBefore, 0)),
      'MiB afterwards': toMebibytes(tables.reduce((sum, { sizeAfter }) => sum + sizeAfter, 0)),
      'longest lock in seconds': tables.reduce((most, { seconds }) => Math.max(most, seconds), 0),
      'requests at level 3': reached[3],
      'requests at level 4': reached[4],
      'requests at level 5': passed,
      'dead rows still in use': held,
      'statistics left': stale,
      'in use all the time': busy,
      'owned by others': foreign,
    }),
  ]
  if (log !== undefined && !log.passed) parts.push(logSentence(log))
  return parts.join('\n\n')
}

/** What level 5 waits for, and the way out. */
function logSentence({ segments, keepers, mayMove }: LogState): string {
  if (segments === undefined) {
    return 'Level 5 waits for the write-ahead log, which this login may not read: grant it pg_monitor.'
  }
  const names = keepers.map(({ what, name }) =>
    what === 'slot'
      ? `the replication slot ${name}`
      : what === 'archive'
        ? 'the archiver (archive_mode)'
        : `${what} = ${name}`,
  )
  return [
    `Level 5 waits for ${counted(segments, 'segment')} of the write-ahead log.`,
    ...(names.length > 0 ? [`${names.join(', ')} may keep them.`] : []),
    ...(mayMove
      ? []
      : [
          'PostgreSQL removes them as it writes the log; then run "lethe db rewrite" again. With a login that is a member of pg_checkpoint and may execute pg_switch_wal(), the command moves the log forward itself.',
        ]),
  ].join(' ')
}

function toMebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20)
}
