import type { Command } from 'commander'
import { waitForErasure } from '../../../erasure/requests/wait-for-erasure.ts'
import { type PeopleSearch, searchPeople } from '../../../erasure/search/search-people.ts'
import { type Finding, followUp, readReasons, type Sweep, settleFindings, sweep } from '../../../erasure/sweep/sweep.ts'
import { chooseTenant } from '../../../tenancy/tenants.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { startOwnWorkers } from '../../own-workers.ts'
import { type ApplicationSession, chosenTenants, withApplication } from '../../session.ts'
import { watchRequests } from '../../stopped-requests.ts'
import { addSubjectOptions, readSubjects, type SubjectOptions } from '../../subject-options.ts'

type SweepOptions = SubjectOptions & { fix?: boolean; yes?: boolean }

/** `lethe sweep` */
export function addSweepCommand(program: Command): void {
  addSubjectOptions(program.command('sweep'), { many: true })
    .description('search every text in the database for purged people, or for the named people')
    .option('--fix', 'erase the findings that the data map covers, verify and certify it')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      helpText({
        notes: `
Without a person, the command searches for all people that were ever purged, by keyed hashes and internal ids, in the
tenant of --tenant or in all. It keeps each place as an open finding until the data is gone. It cannot find names;
docs/sweep.md lists what it can find.

With a person, the command lists the places that contain identifiers of this person, who may be no user any more.`,
        exitCodes: {
          0: 'no finding is open; with a person: searched, whatever the result',
          1: 'a finding is open, or a table could not be read',
        },
        examples: [
          'lethe sweep',
          'lethe sweep --fix --yes --json',
          'lethe sweep --email ann@example.org',
          'lethe sweep --file leavers.csv',
        ],
      }),
    )
    .action(async ({ fix, yes, ...subject }: SweepOptions, command: Command) => {
      const known = Object.values(subject).some((value) => value !== undefined)
      if (known && fix) {
        throw commandError('input.usage', {
          reason: '--fix works only without a named person: it fixes what a sweep for purged people found.',
        })
      }
      await withApplication(command, (session) =>
        known ? sweepForPeople(session, subject) : sweepForPurged(session, { fix: fix === true, yes: yes === true }),
      )
    })
}

async function sweepForPeople({ application, config, output }: ApplicationSession, options: SubjectOptions) {
  const selectors = await readSubjects(options)
  const tenant = await chooseTenant(application.database, config.tenant)
  const search = await searchPeople(application.database, tenant.id, selectors)
  output.result({ search }, () => formatSearch(search, selectors.length))
  if (search.unreadable.length > 0) {
    throw commandError('sweep.open_findings', { findings: 0, unreadable: search.unreadable })
  }
}

async function sweepForPurged(session: ApplicationSession, { fix, yes }: { fix: boolean; yes: boolean }) {
  const { application, output } = session
  const tenants = await chosenTenants(session)
  const swept = await sweep(application.database, tenants)
  const { found: _, ...shown } = swept
  const fixable = swept.findings.filter(({ id, remedy }) => remedy !== 'replay' && swept.found.has(id))
  let settled: Awaited<ReturnType<typeof settleFindings>> | undefined
  if (fix && fixable.length > 0) {
    output.note(formatFindings(swept.findings))
    const number = fixable.length
    if (await output.confirm(`The scrubbing of ${counted(number, 'finding')}`, { yes, number })) {
      await fixFindings(session, swept)
      settled = await settleFindings(application.database, tenants, swept.found)
    }
  }
  const open = settled?.findings ?? swept.findings
  const reasons = settled?.reasons ?? (await readReasons(application.database, tenants, swept.found))
  const { unreadable } = swept
  output.result({ sweep: { ...shown, findings: open, fixed: swept.findings.length - open.length, reasons } }, () =>
    formatSweep(swept, open, reasons),
  )
  if (open.length > 0 || unreadable.length > 0) {
    throw commandError('sweep.open_findings', { findings: open.length, unreadable })
  }
}

async function fixFindings(session: ApplicationSession, swept: Sweep): Promise<void> {
  const { application, output, signal } = session
  const requests = await followUp(application.database, swept)
  const watch = await watchRequests(session, requests)
  const workers = await startOwnWorkers(application)
  try {
    for (const { tenant, request } of requests) {
      output.note(`Erasure request ${request} erases the findings.`)
      await waitForErasure(application.database, tenant, request, {
        until: 'ended',
        signal,
        onProgress: watch.seen,
      })
    }
  } finally {
    await watch.stop(workers)
  }
}

function formatSweep(swept: Sweep, open: Finding[], reasons: string[]): string {
  const parts = [
    formatFields({
      tables: swept.tables,
      columns: swept.columns,
      bytes: swept.bytes,
      'compared with': `${counted(swept.tombstones, 'tombstone')} and ${counted(swept.entries, 'entry', 'entries')} of the ledger`,
      resolved: swept.resolved + swept.findings.length - open.length,
      'open findings': open.length,
    }),
  ]
  if (open.length > 0) parts.push(formatFindings(open))
  if (reasons.length > 0) parts.push(`Why they are open: ${reasons.join('; ')}.`)
  return parts.join('\n\n')
}

function formatFindings(findings: Finding[]): string {
  return formatTable(findings, [
    { title: 'purged user', value: ({ user }) => user },
    { title: 'kind', value: ({ kind }) => kind },
    { title: 'table', value: ({ table }) => table },
    { title: 'column', value: ({ column }) => column },
    { title: 'rows', value: ({ rows }) => rows, right: true },
    { title: 'remedy', value: ({ remedy }) => (remedy === 'replay' ? 'lethe ledger replay' : remedy) },
    { title: 'request', value: ({ request }) => request },
  ])
}

function formatSearch(search: PeopleSearch, people: number): string {
  const parts = [
    formatFields({
      people,
      'are users': search.users,
      tables: search.tables,
      columns: search.columns,
      bytes: search.bytes,
    }),
    formatTable(search.places, [
      ...(people === 1 ? [] : [{ title: 'row', value: ({ subject }: { subject: number }) => subject, right: true }]),
      { title: 'kind', value: ({ kind }) => kind },
      { title: 'table', value: ({ table }) => table },
      { title: 'column', value: ({ column }) => column },
      { title: 'rows', value: ({ rows }) => rows, right: true },
    ]),
  ]
  if (search.shortIdentifiers > 0) {
    parts.push(
      `${counted(search.shortIdentifiers, 'identifier looks', 'identifiers look')} like ordinary text, so ${search.shortIdentifiers === 1 ? 'it was' : 'they were'} compared with whole values only.`,
    )
  }
  return parts.join('\n\n')
}
