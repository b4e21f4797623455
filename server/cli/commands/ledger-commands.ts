import { once } from 'node:events'
import type { Command } from 'commander'
import { exportLedger } from '../../erasure/ledger/export-ledger.ts'
import { planReplay, type Replay, type ReplayPlan, replayLedger } from '../../erasure/ledger/replay-ledger.ts'
import { LetheError } from '../../platform/errors.ts'
import { openLog } from '../../platform/log.ts'
import { findTenant } from '../../tenancy/tenants.ts'
import { startWorkers } from '../../workers.ts'
import { helpText } from '../help-text.ts'
import { formatCandidates, mostNamed, peopleLabel } from '../named-people.ts'
import { counted, formatFields, formatTable } from '../output.ts'
import { type ApplicationSession, chosenTenants, withApplication } from '../session.ts'
import { type Watch, watchRequests } from '../stopped-requests.ts'

/** `lethe ledger export|replay` */
export function addLedgerCommands(program: Command): void {
  const group = program
    .command('ledger')
    .description('who was erased, to repeat it after a restored backup')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe ledger export > ledger.jsonl', 'lethe ledger replay ledger.jsonl'] }),
    )
  group
    .command('export')
    .description('print who was erased in all tenants, or in that of --tenant, by internal ids and keyed hashes')
    .addHelpText(
      'after',
      helpText({
        notes: `
One JSON document a line; the last one has the digest of the others. Keep the file apart from the backups, and export
again after every erasure: what a ledger does not name, its replay cannot repeat.`,
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
    .argument('<file>', 'what "lethe ledger export" printed')
    .option('--yes', 'do not ask')
    .description('purge again the people whom a restored backup brought back, and put back what the ledger had')
    .addHelpText(
      'after',
      helpText({
        notes: `
Everybody in the ledger who is there again is deleted and purged, one request for each that is repeated. Entries and
tombstones that the backup lacks are put back. A second replay changes nothing. A file that is damaged, or written under
another master key, is refused before anything is done.`,
        exitCodes: {
          0: 'none of the people of the ledger is there any more',
          1: 'a person is still there, or the answer was no',
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
  const workers = await startWorkers(application, openLog('fatal'))
  const progress = output.progress('Purging again')
  session.onStop({ sentence: () => 'What was requested goes on. Run the same command again for the rest.' })
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
  if (done.left > 0) {
    throw new LetheError('ledger.incomplete', {
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
    `${people(number)} of the ${counted(entries, 'entry', 'entries')} ${number === 1 ? 'is' : 'are'} there again:`,
    '',
    formatCandidates(named),
    ...(more > 0 ? [`and ${people(more)} more`] : []),
  ].join('\n')
}

function formatReplay(replay: Replay): string {
  const parts = [
    formatFields({
      entries: replay.entries,
      'needed nothing': replay.nothingNeeded,
      'people purged again': replay.repeated.reduce((sum, { people }) => sum + people, 0),
      'entries put back': replay.restored.entries,
      'tombstones put back': replay.restored.tombstones,
    }),
  ]
  const requests = [
    ...replay.repeated,
    ...replay.continued.map((one) => ({ ...one, repeatedBy: 'goes on itself', people: null })),
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
    parts.push(`There is no tenant ${tenant} here; its ${counted(entries, 'entry', 'entries')} were passed over.`)
  }
  for (const tenant of replay.otherHashKey) {
    parts.push(
      `Tenant ${tenant} has another key for keyed hashes than the ledger; its tombstones were not put back, and imports will not recognise those people.`,
    )
  }
  for (const tenant of replay.withoutAdministrator) parts.push(`Tenant ${tenant} has no active administrator now.`)
  return parts.join('\n\n')
}

function people(number: number): string {
  return counted(number, 'person', 'people')
}
