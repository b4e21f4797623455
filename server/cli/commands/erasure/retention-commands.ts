import type { Command } from 'commander'
import { type PolicyPreview, previewPolicy } from '../../../erasure/retention/affected-people.ts'
import { listRetentionRuns, type RetentionRun } from '../../../erasure/retention/list-runs.ts'
import {
  createPolicy,
  deletePolicy,
  disablePolicy,
  enablePolicy,
  listPolicies,
  type PolicyFields,
  type RetentionPolicy,
  showPolicy,
  updatePolicy,
} from '../../../erasure/retention/policies.ts'
import { runPolicy } from '../../../erasure/retention/run-policy.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

type Given = { name?: string; days?: string; excludeGroup?: string[] | boolean; at?: string }
type Page = { limit: string; after?: string }

/** `lethe retention list|show|create|update|preview|enable|disable|run|runs|delete` */
export function addRetentionCommands(program: Command): void {
  const group = program
    .command('retention')
    .description('policies that purge users so many days after they were deleted')
    .addHelpText(
      'after',
      helpText({
        notes: `
A run makes one erasure request, which obeys legal holds, approvals and the cooling-off period. docs/retention.md has the rules.`,
        examples: [
          'lethe retention create --name Leavers --days 90',
          'lethe retention preview POLICY',
          'lethe retention enable POLICY',
        ],
      }),
    )
  addList(group)
  addShow(group)
  addCreate(group)
  addUpdate(group)
  addPreview(group)
  addConfirmed(group)
  addPlain(group)
  addRuns(group)
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the retention policies')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <policy>', 'continue after the policy with this id')
    .addHelpText('after', helpText({ examples: ['lethe retention list', 'lethe retention list --json'] }))
    .action(async (options: Page, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { policies, next } = await run((tx) => listPolicies(tx, pageOf(options)))
        const empty = 'There is no retention policy. "lethe retention create" makes one.'
        output.result({ policies, next: next ?? null }, () =>
          policies.length === 0 ? empty : `${formatPolicies(policies)}${more(next)}`,
        )
      })
    })
}

function formatPolicies(policies: readonly RetentionPolicy[]): string {
  return formatTable(policies, [
    { title: 'policy', value: ({ id }) => id },
    { title: 'name', value: ({ name }) => name },
    { title: 'days', value: ({ days }) => days, right: true },
    { title: 'at (UTC)', value: ({ daily_at }) => daily_at },
    { title: 'state', value: ({ enabled }) => (enabled ? 'enabled' : 'disabled') },
    { title: 'last run', value: ({ last_run_at }) => last_run_at },
  ])
}

function formatPolicy({ excluded_group_ids, enabled, ...fields }: RetentionPolicy): string {
  const state = enabled ? 'enabled' : 'disabled'
  return formatFields({ ...fields, state, excluded_group_ids: excluded_group_ids.join(', ') || null })
}

function addShow(group: Command): void {
  group
    .command('show')
    .argument('<policy>', 'the id of the retention policy')
    .description('show a retention policy')
    .addHelpText('after', helpText({ examples: ['lethe retention show POLICY', 'lethe retention show POLICY --json'] }))
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const policy = await run((tx) => showPolicy(tx, id))
        output.result({ policy }, () => formatPolicy(policy))
      })
    })
}

function fieldsOf({ name, days, excludeGroup, at }: Given): PolicyFields {
  // The command line gives true where neither form of an option with a "no" was used.
  const excludedGroupIds = excludeGroup === true ? undefined : excludeGroup === false ? [] : excludeGroup
  return {
    name,
    days: days === undefined ? undefined : Number(days),
    excludedGroupIds,
    dailyAt: at,
  }
}

function addCreate(group: Command): void {
  group
    .command('create')
    .requiredOption('--name <name>', 'a name for the list of policies')
    .requiredOption('--days <number>', 'days of 24 hours between the delete and the purge, 0 to 36500')
    .option('--exclude-group <id...>', 'the directory groups whose members it leaves out')
    .option('--at <time>', 'the time of day after which workers run it, HH:MM in UTC', '03:00')
    .description('create a retention policy, which is disabled until it is enabled')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such group' },
        examples: [
          'lethe retention create --name Leavers --days 90',
          'lethe retention create --name Leavers --days 30 --exclude-group GROUP --at 22:30 --json',
        ],
      }),
    )
    .action(async (options: Given & { name: string; days: string }, command: Command) => {
      const { name, days } = options
      await withTenant(command, async ({ run, output }) => {
        const policy = await run((tx) => createPolicy(tx, { ...fieldsOf(options), name, days: Number(days) }))
        output.result(
          { policy },
          () =>
            `Retention policy ${policy.id} is created and disabled. "lethe retention enable ${policy.id}" shows how many people it would purge, and enables it.`,
        )
      })
    })
}

function addUpdate(group: Command): void {
  group
    .command('update')
    .argument('<policy>', 'the id of the retention policy')
    .option('--name <name>', 'a name for the list of policies')
    .option('--days <number>', 'days of 24 hours between the delete and the purge, 0 to 36500')
    .option('--exclude-group <id...>', 'the directory groups whose members it leaves out, instead of those before')
    .option('--no-exclude-group', 'leave out no group')
    .option('--at <time>', 'the time of day after which workers run it, HH:MM in UTC')
    .description('change a retention policy')
    .addHelpText(
      'after',
      helpText({
        notes: 'A change of the days or of the excluded groups disables the policy.',
        exitCodes: { 3: 'there is no such policy or group' },
        examples: ['lethe retention update POLICY --days 60', 'lethe retention update POLICY --at 01:00 --json'],
      }),
    )
    .action(async (id: string, options: Given, command: Command) => {
      const fields = fieldsOf(options)
      await withTenant(command, async ({ run, output }) => {
        const policy = await run((tx) => updatePolicy(tx, id, fields))
        output.result({ policy }, () => formatPolicy(policy))
      })
    })
}

function addPreview(group: Command): void {
  group
    .command('preview')
    .argument('<policy>', 'the id of the retention policy')
    .option('--limit <number>', 'the most people to list, up to 1000', '50')
    .option('--after <user>', 'continue the people after the user with this id')
    .description('show the people that a run of a retention policy would purge now; nothing changes')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe retention preview POLICY', 'lethe retention preview POLICY --limit 1000 --json'] }),
    )
    .action(async (id: string, options: Page, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const preview = await run(async (tx) => previewPolicy(tx, await showPolicy(tx, id), pageOf(options)))
        const { next } = preview
        output.result({ preview: { ...preview, next: next ?? null } }, () => {
          const table = formatTable(preview.subjects, [
            { title: 'user', value: (one) => one.id },
            { title: 'name', value: ({ display_name }) => display_name },
            { title: 'login name', value: ({ login_name }) => login_name },
            { title: 'deleted', value: ({ deleted_at }) => deleted_at },
            { title: 'on hold', value: ({ held }) => (held ? 'yes' : null) },
          ])
          const people = preview.subjects.length === 0 ? '' : `\n\n${table}`
          return `${inWords(preview)}${people}${more(next)}`
        })
      })
    })
}

function inWords({ people, held, excluded, pending }: PolicyPreview): string {
  const lines = [
    `A run now would affect ${counted(people, 'person', 'people')}.`,
    ...(held > 0 ? [`Of them, ${counted(held, 'person', 'people')} wait for the release of a legal hold.`] : []),
    ...(excluded > 0 ? [`It leaves out ${counted(excluded, 'person', 'people')} in excluded groups.`] : []),
    ...(pending > 0 ? [`It leaves out ${counted(pending, 'person', 'people')} with a pending erasure.`] : []),
  ]
  return lines.join('\n')
}

function addConfirmed(group: Command): void {
  const acts = [
    {
      name: 'enable',
      does: 'enable a retention policy, after a look at the number of people',
      notes: `
Workers ("lethe serve") run the policy every day after its time. If that time has passed today, the first run comes within the hour.`,
      confirmed: 'Enabling the policy',
    },
    {
      name: 'run',
      does: 'run a retention policy now',
      notes: 'It makes one erasure request. "lethe erasure follow" shows the progress.',
      confirmed: 'The run of the policy',
    },
  ] as const
  for (const { name, does, notes, confirmed } of acts) {
    group
      .command(name)
      .argument('<policy>', 'the id of the retention policy')
      .option('--expect <number>', 'do nothing unless a run would affect exactly so many people')
      .option('--yes', 'do not ask for confirmation')
      .description(does)
      .addHelpText(
        'after',
        helpText({
          notes,
          exitCodes: { 1: 'you declined', 5: 'it would affect another number of people' },
          examples: [`lethe retention ${name} POLICY`, `lethe retention ${name} POLICY --expect 312 --yes --json`],
        }),
      )
      .action(async (id: string, options: { expect?: string; yes?: boolean }, command: Command) => {
        await withTenant(command, async ({ run, output }) => {
          const preview = await run(async (tx) => previewPolicy(tx, await showPolicy(tx, id), { limit: 1 }))
          if (options.yes !== true) output.note(inWords(preview))
          await output.requireConfirmed(confirmed, { yes: options.yes === true, number: preview.people })
          const expectedPeople = options.expect === undefined ? preview.people : Number(options.expect)
          if (name === 'enable') {
            const policy = await run((tx) => enablePolicy(tx, id, { expectedPeople }))
            output.result({ policy }, () => `Retention policy ${policy.id} is enabled.`)
          } else {
            const report = await run((tx) => runPolicy(tx, id, { expectedPeople }))
            output.result({ run: report }, () => reportInWords(report))
          }
        })
      })
  }
}

function reportInWords({ request_id, requested }: RetentionRun): string {
  return request_id === null
    ? 'The policy found no person to purge, and made no erasure request.'
    : `Made erasure request ${request_id} for ${counted(requested, 'person', 'people')}.`
}

function addPlain(group: Command): void {
  group
    .command('disable')
    .argument('<policy>', 'the id of the retention policy')
    .description('disable a retention policy; erasure requests that it made go on')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe retention disable POLICY', 'lethe retention disable POLICY --json'] }),
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const policy = await run((tx) => disablePolicy(tx, id))
        output.result({ policy }, () => `Retention policy ${policy.id} is disabled.`)
      })
    })
  group
    .command('delete')
    .argument('<policy>', 'the id of the retention policy')
    .description('delete a retention policy; the reports of its runs stay')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe retention delete POLICY', 'lethe retention delete POLICY --json'] }),
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => deletePolicy(tx, id))
        output.result({ deleted: id }, () => `Retention policy ${id} is deleted.`)
      })
    })
}

function addRuns(group: Command): void {
  group
    .command('runs')
    .argument('[policy]', 'the id of a retention policy, which may be deleted; default: all policies')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <run>', 'continue after the run with this id')
    .description('list the reports of runs, newest first')
    .addHelpText('after', helpText({ examples: ['lethe retention runs', 'lethe retention runs POLICY --json'] }))
    .action(async (policyId: string | undefined, options: Page, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { runs, next } = await run((tx) => listRetentionRuns(tx, { ...pageOf(options), policyId }))
        output.result({ runs, next: next ?? null }, () => {
          const table = formatTable(runs, [
            { title: 'started', value: ({ started_at }) => started_at },
            { title: 'policy', value: ({ policy_id }) => policy_id },
            { title: 'found', value: ({ found }) => found, right: true },
            { title: 'excluded', value: ({ excluded }) => excluded, right: true },
            { title: 'pending', value: ({ pending }) => pending, right: true },
            { title: 'requested', value: ({ requested }) => requested, right: true },
            { title: 'on hold', value: ({ held }) => held, right: true },
            { title: 'request', value: ({ request_id }) => request_id },
          ])
          return `${table}${more(next)}`
        })
      })
    })
}

function pageOf({ limit, after }: Page): { limit: number; after: string | undefined } {
  return { limit: Number(limit), after }
}

function more(next: string | undefined): string {
  return next === undefined ? '' : `\nThere are more. Repeat the command with --after ${next}`
}
