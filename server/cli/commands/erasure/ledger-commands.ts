import { once } from 'node:events'
import type { Command } from 'commander'
import { exportLedger } from '../../../erasure/ledger/export-ledger.ts'
import { planReplay, type Replay, type ReplayPlan, replayLedger } from '../../../erasure/ledger/replay-ledger.ts'
import { findTenant } from '../../../tenancy/tenants.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { formatCandidates, mostNamed, peopleLabel } from '../../named-people.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { startOwnWorkers } from '../../own-workers.ts'
import { type ApplicationSession, chosenTenants, withApplication } from '../../session.ts'
import { type Watch, watchRequests } from '../../stopped-requests.ts'

/** `lethe ledger export|replay` */
export function addLedgerCommands(program: Command): void {
  const group = program
    .command('ledger')
    .description('the ledger of erased people, to erase them again after you restore a backup')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe ledger export > ledger.jsonl', 'lethe ledger replay ledger.jsonl'] }),
    )
  group
    .command('export')
    .description('print the ledger of all tenants, or of --tenant, with internal ids and keyed hashes')
    .addHelpText(
      'after',
      helpText({
        notes: `
The output has one JSON document per line; the last one has the digest of the others. Store the file apart from the
backups, and export it again after every erasure: a replay repeats only the erasures that its file lists.`,
        examples: ['lethe ledger export > ledger.jsonl', 'lethe ledger export --tenant Acme > acme.jsonl'],
      }),
    )
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, async (session) => {
        const exported = await exportLedger(session.application.database, await chosenTenants(session), print)
        session.output.note(
          `Exported ${counted(exported.entries, 'entry', 'entries')} and ${counted(exported.tombstones, 'tombstone')} of ${counted(exported.tenants, 'tenant')}.`,
        )
      })
    })
  group
    .command('replay')
    .argument('<file>', 'a file that "lethe ledger export" printed')
    .option('--yes', 'do not ask for confirmation')
    .description('purge the people again that a restored backup brought back, and restore missing entries')
    .addHelpText(
      'after',
      helpText({
        notes: `
The command deletes and purges all people of the ledger that exist again, with one new erasure request for each old one.
It also restores entries and tombstones that the backup lacks. A second replay changes nothing. The command refuses a
damaged file, or one with another master key, before it changes anything.`,
        exitCodes: {
          0: 'no person of the ledger exists any more',
          1: 'a person still exists, or you declined',
          10: 'only people still exist that a legal hold covers; the message names the holds',
        },
        examples: [
          'pg_restore --dbname "$DATABASE_OWNER_URL" backup.dump && lethe ledger replay ledger.jsonl',
          'lethe ledger replay ledger.jsonl --tenant Acme --yes --json',
        ],
      }),
    )
    .action(async (file: string, options: { yes?: boolean }, command: Command) => {
      await withApplication(command, (session) => replay(session, file, options.yes === true))
    })
}

async function replay(session: ApplicationSession, file: string, yes: boolean): Promise<void> {
  const { application, config, output, signal } = session
  const tenant = config.tenant === undefined ? undefined : (await findTenant(application.database, config.tenant)).id
  const plan = await planReplay(application.database, { file, tenant, mostNamed })
  if (plan.people > 0) {
    output.note(formatPlan(plan))
    const named = `The purge of ${peopleLabel(plan.named, plan.people)}`
    await output.requireConfirmed(`The purge of ${people(plan.people)}`, { yes, number: plan.people, named })
  }
  const workers = await startOwnWorkers(application)
  const progress = output.progress('Purging again')
  session.onStop({
    sentence: () => 'Workers continue the requested erasures. Run the same command again for the rest.',
  })
  let watch: Watch | undefined
  let done: Replay
  try {
    done = await replayLedger(application.database, {
      file,
      tenant,
      signal,
      onProgress: progress.update,
      async onOrdered(requests) {
        watch = await watchRequests(session, requests)
      },
    })
  } finally {
    progress.end()
    await (watch?.stop(workers) ?? workers.stop())
  }
  output.result({ replayed: true, ...done }, () => formatReplay(done))
  if (done.left > 0 && done.left === done.held) {
    throw commandError('ledger.held', { held: done.held, holds: done.holds })
  }
  if (done.left > 0) {
    throw commandError('ledger.incomplete', {
      left: done.left,
      requests: [
        ...done.repeated.map(({ repeatedBy, state }) => ({ request: repeatedBy, state })),
        ...done.continued,
      ].flatMap(({ request, state }) => (state === 'completed' ? [] : [request])),
    })
  }
}

/** As much at a time as the reader takes. */
async function print(lines: string): Promise<void> {
  if (!process.stdout.write(lines)) await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')])
}

function formatPlan({ entries, people: number, named }: ReplayPlan): string {
  const more = number - named.length
  return [
    `${people(number)} of the ${counted(entries, 'entry', 'entries')} ${number === 1 ? 'exists' : 'exist'} again:`,
    '',
    formatCandidates(named),
    ...(more > 0 ? [`and ${people(more)} more`] : []),
  ].join('\n')
}

function formatReplay(replay: Replay): string {
  const parts = [
    formatFields({
      entries: replay.entries,
      'nothing to do': replay.nothingNeeded,
      'people purged again': replay.repeated.reduce((sum, { people }) => sum + people, 0),
      'entries restored': replay.restored.entries,
      'tombstones restored': replay.restored.tombstones,
    }),
  ]
  const requests = [
    ...replay.repeated,
    ...replay.continued.map((one) => ({ ...one, repeatedBy: 'continues', people: null })),
  ]
  if (requests.length > 0) {
    parts.push(
      formatTable(requests, [
        { title: 'request', value: ({ request }) => request },
        { title: 'repeated by', value: ({ repeatedBy }) => repeatedBy },
        { title: 'people', value: ({ people }) => people, right: true },
        { title: 'state', value: ({ state }) => state },
      ]),
    )
  }
  for (const { tenant, entries } of replay.unknownTenants) {
    parts.push(`There is no tenant ${tenant} here. Skipped its ${counted(entries, 'entry', 'entries')}.`)
  }
  for (const tenant of replay.otherHashKey) {
    parts.push(
      `The hash key of tenant ${tenant} differs from the ledger's. Its tombstones were not restored, so imports will not recognize these people.`,
    )
  }
  for (const tenant of replay.withoutAdministrator) parts.push(`Tenant ${tenant} now has no active administrator.`)
  return parts.join('\n\n')
}

function people(number: number): string {
  return counted(number, 'person', 'people')
}
