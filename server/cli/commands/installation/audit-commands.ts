import { type Command, Option } from 'commander'
import { activityNames } from '../../../audit/activities.ts'
import { type AuditFormat, auditFormats, exportAudit } from '../../../audit/export-audit.ts'
import { installationTrail } from '../../../audit/installation-trail.ts'
import { type AuditEntry, type AuditFilter, listAudit } from '../../../audit/list-audit.ts'
import { actorKinds } from '../../../audit/record.ts'
import type { ChainHead } from '../../../audit/seal-audit.ts'
import { type AuditVerification, verifyAudit } from '../../../audit/verify-audit.ts'
import { inTenant, isUuid, type TenantTransaction } from '../../../platform/database/transaction.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { type ApplicationSession, withApplication, withTenant } from '../../session.ts'

/** `lethe audit list|export|verify` */
export function addAuditCommands(program: Command): void {
  const group = program
    .command('audit')
    .description('list, export and verify the audit trail')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe audit list',
          'lethe audit export > audit.jsonl',
          'lethe audit verify',
          'lethe audit list --installation',
        ],
      }),
    )

  addFilterOptions(group.command('list'))
    .description('list the audit trail, newest first')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the previous page')
    .addHelpText(
      'after',
      helpText({
        notes: '--json shows values about people. An erasure makes the values of its people unreadable.',
        examples: [
          'lethe audit list',
          'lethe audit list --subject USER --json',
          'lethe audit list --activity ErasureOrdered --from 2026-03-01 --until 2026-04-01',
          'lethe audit list --actor command_line --limit 1000',
        ],
      }),
    )
    .action(async (options: FilterOptions & { limit?: string; after?: string }, command: Command) => {
      const page = {
        ...(options.limit !== undefined && { limit: Number(options.limit) }),
        ...(options.after !== undefined && { after: options.after }),
      }
      await withTrail(command, options, async ({ trail, application, output }) => {
        const list = (tx: TenantTransaction) => listAudit(tx, filterOf(options), page)
        const { entries, next } = await inTenant(application.database, trail, list)
        output.result({ entries, next }, () => {
          const table = formatEntries(entries)
          return next === null ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })

  addFilterOptions(group.command('export'))
    .description('print the audit trail, newest first, as CSV or with one JSON document per line')
    .addOption(new Option('--format <format>', 'the output format').choices(auditFormats).default('jsonl'))
    .addHelpText(
      'after',
      helpText({
        notes: 'In CSV, an apostrophe precedes a cell that a spreadsheet would run as a formula.',
        examples: [
          'lethe audit export > audit.jsonl',
          'lethe audit export --format csv --from 2026-01-01 > audit.csv',
          'lethe audit export --subject USER > trail.jsonl',
        ],
      }),
    )
    .action(async (options: FilterOptions & { format: AuditFormat }, command: Command) => {
      await withTrail(command, options, async ({ trail, application, output }) => {
        const read = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(application.database, trail, work)
        const count = await exportAudit(read, filterOf(options), options.format, output.write)
        output.note(`Exported ${counted(count, 'entry', 'entries')}.`)
      })
    })

  addTrailOption(group.command('verify'))
    .description('verify the whole trail against its hash chain and the signed checkpoints')
    .option(
      '--noted <sequence:hash>',
      'an earlier head of the chain, as printed by this command or stated in an erasure certificate',
    )
    .addHelpText(
      'after',
      helpText({
        notes: `
Names what was altered, removed or inserted since it was sealed. Entries are sealed within seconds where workers run
("lethe serve"). A person who can write to the database could remove the end of the trail with its checkpoints: note
the head elsewhere, and give it the next time.`,
        exitCodes: { 0: 'unchanged since it was sealed', 1: 'changed' },
        examples: ['lethe audit verify', 'lethe audit verify --json', 'lethe audit verify --noted SEQUENCE:HASH'],
      }),
    )
    .action(async (options: TrailOptions & { noted?: string }, command: Command) => {
      const noted = options.noted === undefined ? undefined : readHead(options.noted)
      await withTrail(command, options, async ({ trail, application, output }) => {
        const verified = await verifyAudit(application.database, trail, noted === undefined ? {} : { noted })
        output.result({ verified: verified.problems.length === 0, ...verified }, () => formatVerification(verified))
        if (verified.problems.length > 0) throw commandError('audit.altered', { problems: verified.problems.length })
      })
    })
}

type TrailOptions = { installation?: boolean }

function addTrailOption(command: Command): Command {
  return command.option('--installation', 'use the system trail: operators, their sign-ins, and signing keys')
}

/** Runs a command on the trail of the tenant that is meant, or of the installation; `trail` is its id. */
async function withTrail(
  command: Command,
  { installation }: TrailOptions,
  work: (session: ApplicationSession & { trail: string }) => Promise<void>,
): Promise<void> {
  if (installation === true) {
    await withApplication(command, (session) => work({ ...session, trail: installationTrail }))
  } else {
    await withTenant(command, (session) => work({ ...session, trail: session.tenant.id }))
  }
}

type FilterOptions = TrailOptions & {
  from?: string
  until?: string
  activity?: string
  actor?: string
  object?: string
  subject?: string
}

function addFilterOptions(command: Command): Command {
  return addTrailOption(command)
    .option('--from <time>', 'only from this day (UTC) or time')
    .option('--until <time>', 'only before this day (UTC) or time')
    .addOption(new Option('--activity <name>', 'only this activity').choices(activityNames))
    .option(
      '--actor <who>',
      `only actions of this actor: the id of a user, a key or an operator, or ${actorKinds.join(', ')}`,
    )
    .option('--object <what>', 'only actions on this object: an id, or a kind such as course')
    .option('--subject <id>', 'only actions about this user, also if erased')
}

function filterOf({ from, until, activity, actor, object, subject }: FilterOptions): AuditFilter {
  return {
    ...(from !== undefined && { from: new Date(from) }),
    ...(until !== undefined && { until: new Date(until) }),
    ...(activity !== undefined && { activity }),
    ...(actor !== undefined && { actor: isUuid(actor) ? { id: actor } : { kind: actor } }),
    ...(object !== undefined && { object: isUuid(object) ? { id: object } : { kind: object } }),
    ...(subject !== undefined && { subject }),
  }
}

function readHead(text: string): ChainHead {
  const [, sequence, hash] = /^(\d{1,15}):([A-Za-z0-9_-]{43})$/.exec(text.trim()) ?? []
  if (sequence === undefined || hash === undefined) {
    throw inputError('input.invalid', {
      field: 'noted',
      expected: 'the place and the hash of an entry are expected, as PLACE:HASH',
    })
  }
  return { sequence: Number(sequence), hash }
}

function formatEntries(entries: readonly AuditEntry[]): string {
  return formatTable(entries, [
    { title: 'at', value: ({ at }) => at.replace(/\.\d+Z$/, 'Z') },
    { title: 'actor', value: ({ actor }) => (actor.id === null ? actor.kind : `${actor.kind} ${actor.id}`) },
    ...(entries.some(({ actor }) => actor.system_account !== null)
      ? [{ title: 'run by', value: ({ actor }: AuditEntry) => actor.system_account }]
      : []),
    { title: 'activity', value: ({ title }) => title },
    { title: 'object', value: ({ object }) => (object.id === null ? object.kind : `${object.kind} ${object.id}`) },
    { title: 'subject', value: ({ subject, object }) => (subject === object.id ? null : subject) },
    { title: 'values', value: ({ values, erased }) => (erased ? 'erased' : values === null ? null : 'yes') },
    ...(entries.some(({ reason }) => reason !== null)
      ? [{ title: 'reason', value: ({ reason }: AuditEntry) => reason }]
      : []),
  ])
}

function formatVerification({ sealed, unsealed, checkpoints, head, problems }: AuditVerification): string {
  const parts = [
    formatFields({
      'sealed entries': sealed,
      'not sealed yet': unsealed,
      checkpoints,
      head: head.hash === null ? null : `${head.sequence}:${head.hash}`,
      problems: problems.length,
    }),
  ]
  if (problems.length > 0) {
    parts.push(
      formatTable(problems, [
        { title: 'problem', value: ({ problem }) => problem.replace('_', ' ') },
        { title: 'from', value: ({ from }) => String(from) },
        { title: 'to', value: ({ to }) => String(to) },
        { title: 'at', value: ({ at }) => at },
      ]),
    )
  }
  return parts.join('\n\n')
}
