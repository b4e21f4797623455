import type { Command } from 'commander'
import type { Operation } from '../../datamap/compile.ts'
import { groupsThatBringBack, type ReturningGroup } from '../../directory/reappearances.ts'
import { cancelErasure } from '../../erasure/requests/cancel-erasure.ts'
import { type ErasurePreview, previewErasure } from '../../erasure/requests/preview-erasure.ts'
import { requestErasure } from '../../erasure/requests/request-erasure.ts'
import { retryErasure } from '../../erasure/requests/retry-erasure.ts'
import {
  type ErasureDetails,
  erasureProgress,
  listErasures,
  newestErasure,
  showErasure,
} from '../../erasure/requests/show-erasures.ts'
import { waitForErasure } from '../../erasure/requests/wait-for-erasure.ts'
import { type NamedPerson, namePeople } from '../../people/accounts/candidates.ts'
import { requireUsers, type Selector } from '../../people/accounts/find-users.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { LetheError } from '../../platform/errors.ts'
import { openLog } from '../../platform/log.ts'
import { startWorkers } from '../../workers.ts'
import { commandName } from '../command-name.ts'
import { helpText } from '../help-text.ts'
import { formatNamedPeople, mostNamed, peopleLabel } from '../named-people.ts'
import { counted, formatCount, formatFields, formatTable } from '../output.ts'
import { type TenantSession, withTenant } from '../session.ts'
import { shellWord } from '../shell-word.ts'
import { watchRequests } from '../stopped-requests.ts'
import { addSubjectOptions, readSubjects, type SubjectOptions } from '../subject-options.ts'

/** `lethe preview`, `lethe purge`, `lethe anonymize`, `lethe erasure list|show|follow|retry|cancel` */
export function addErasureCommands(program: Command): void {
  addPreview(program)
  addOrder(program, 'purge')
  addOrder(program, 'anonymize')
  const group = program
    .command('erasure')
    .description('requests to purge or anonymize people, and how far they are')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe erasure list', 'lethe erasure show', 'lethe erasure retry REQUEST'] }),
    )
  addList(group)
  addShow(group)
  addFollow(group)
  addRetry(group)
  addCancel(group)
}

function addPreview(program: Command): void {
  addSubjectOptions(program.command('preview'), { many: true })
    .description('count, table by table, what a purge would do, and change nothing')
    .option('--anonymize', 'what "lethe anonymize" would do')
    .option('--people', `list every person who is meant, not only the first ${mostNamed}`)
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'counted, even if a person must be deleted first' },
        examples: [
          'lethe preview --email ann@example.org',
          'lethe preview --file leavers.csv --people',
          'lethe preview --ref 4711 --anonymize --json',
        ],
      }),
    )
    .action(async (options: SubjectOptions & { anonymize?: boolean; people?: boolean }, command: Command) => {
      const operation = options.anonymize === true ? 'anonymize' : 'purge'
      const selectors = await readSubjects(options)
      const most = options.people === true ? selectors.length : mostNamed
      await withTenant(command, async ({ run, output }) => {
        const { preview, who } = await run(async (tx) => {
          const users = await requireUsers(tx, selectors)
          return { who: await nameUsers(tx, users, most), preview: await previewOf(tx, operation, idsOf(users)) }
        })
        const listAll = `${commandName} preview --file ${shellWord(options.file ?? 'FILE')} --people`
        output.result({ preview, who }, () => formatPreview(operation, preview, { who, listAll }))
      })
    })
}

/** How the two operations differ at the command line. */
const operations = {
  purge: {
    description: 'remove deleted users and everything about them, for good, and prove it',
    noun: 'purge',
    progress: 'Purging',
    notes: `
Only deleted users can be purged. The preview is shown first, with the names of the people; a purge cannot be undone.
Courses and plans that the people wrote pass to the person of --as, else to the longest-serving active administrator.`,
    examples: [
      'lethe user delete --ref 4711 && lethe purge --ref 4711',
      'lethe purge --file leavers.csv --yes --json',
      'lethe purge --email ann@example.org --reason "request of 3 March" --no-wait',
    ],
  },
  anonymize: {
    description: 'remove who deleted users are, for good, keep their training history, and prove it',
    noun: 'anonymization',
    progress: 'Anonymizing',
    notes: `
Only deleted users can be anonymized. Names, identifiers and attributes go, what they learned stays under the
internal id, so that reports count the same. The preview is shown first, with the names of the people; it cannot be
undone. Courses and plans that they wrote pass to the person of --as, else to the longest-serving active administrator.

The salt that the certificate names people under is shown once and stored nowhere. Without it there is no way to tell whom
the certificate is about.`,
    examples: [
      'lethe user delete --ref 4711 && lethe anonymize --ref 4711',
      'lethe anonymize --file leavers.csv --yes --json',
    ],
  },
}

type OrderOptions = SubjectOptions & { yes?: boolean; reason?: string; wait: boolean }

function addOrder(program: Command, operation: Operation): void {
  const { description, noun, notes, examples } = operations[operation]
  addSubjectOptions(program.command(operation), { many: true })
    .description(description)
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why; kept with the request, and shown by "lethe erasure show" and "lethe audit list"')
    .option('--no-wait', 'only request it; running workers ("lethe serve") do the work')
    .addHelpText(
      'after',
      helpText({
        notes,
        exitCodes: {
          0: 'everybody is erased; with --no-wait: requested',
          1: 'a person could not be erased ("lethe erasure show" has the reasons), or the answer was no',
          5: 'a person is not deleted, or in a request that is pending; nothing was done',
        },
        examples,
      }),
    )
    .action(async (options: OrderOptions, command: Command) => {
      const selectors = await readSubjects(options)
      await withTenant(command, async (session) => {
        const { run, output } = session
        const { ids, who, preview } = await run(async (tx) => {
          const users = await requireUsers(tx, selectors)
          const notDeleted = idsOf(users.filter(({ state }) => state !== 'deleted'))
          if (notDeleted.length > 0) throw new LetheError('user.not_deleted', { ids: notDeleted })
          const ids = idsOf(users)
          return { ids, who: await nameUsers(tx, users, mostNamed), preview: await previewOf(tx, operation, ids) }
        })
        const act = `The ${noun} of `
        const listAll = `${commandName} preview --file ${shellWord(options.file ?? 'FILE')} --people`
        output.note(
          options.yes === true
            ? `${operations[operation].progress} ${peopleLabel(who, ids.length)}.`
            : formatPreview(operation, preview, { who, listAll }),
        )
        await output.requireConfirmed(act + people(ids.length), {
          yes: options.yes === true,
          number: ids.length,
          named: act + peopleLabel(who, ids.length),
        })
        const ordered = await run((tx) => requestErasure(tx, { operation, userIds: ids, reason: options.reason }))
        const known = { ...ordered, who }
        if (options.wait) await finish(session, known)
        else output.result(known, () => `${ordersText(known)}${saltText(ordered.salt)}`)
      })
    })
}

function idsOf(users: readonly { id: string }[]): string[] {
  return users.map(({ id }) => id)
}

/** The first of the users by name, with what named each. */
function nameUsers(
  tx: TenantTransaction,
  users: readonly { id: string; given: Selector }[],
  most: number,
): Promise<NamedPerson[]> {
  const given = new Map(users.map((user) => [user.id, user.given]))
  return namePeople(tx, { userIds: idsOf(users), given, most })
}

function ordersText({ request }: Ordered): string {
  return `Ordered as request ${request}. See how far it is with: ${commandName} erasure show ${request}`
}

/** The sentence that goes with a salt, whatever else is said. */
function saltText(salt: string | undefined): string {
  if (salt === undefined) return ''
  return `\n\nThe salt of the certificate, shown only now and stored nowhere:\n${salt}\nWith it, "lethe certificate verify FILE --salt SALT --email ADDRESS" tells whether a person is among these people.`
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the erasure requests, the newest first')
    .option('--limit <number>', 'so many at most', '50')
    .option('--before <request>', 'only requests older than this one')
    .addHelpText('after', helpText({ examples: ['lethe erasure list', 'lethe erasure list --limit 10 --json'] }))
    .action(async (options: { limit: string; before?: string }, command: Command) => {
      const limit = Number(options.limit)
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw new LetheError('input.invalid', {
          field: '--limit',
          expected: 'a whole number from 1 to 1000 is expected',
        })
      }
      await withTenant(command, async ({ run, output }) => {
        const erasures = await run((tx) =>
          listErasures(tx, { limit, ...(options.before !== undefined && { before: options.before }) }),
        )
        output.result({ erasures }, () =>
          formatTable(erasures, [
            { title: 'request', value: ({ id }) => id },
            { title: 'operation', value: ({ operation }) => operation },
            { title: 'state', value: ({ state }) => state },
            { title: 'people', value: ({ subjects }) => subjects.total, right: true },
            { title: 'gone', value: ({ subjects }) => subjects.gone, right: true },
            { title: 'failed', value: ({ subjects }) => subjects.failed, right: true },
            { title: 'ordered', value: ({ createdAt }) => createdAt },
          ]),
        )
      })
    })
}

function addShow(group: Command): void {
  group
    .command('show')
    .argument('[request]', 'the id of the erasure request; without it, the newest')
    .description('show an erasure request with its steps, its receipt and the reasons of failures')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'shown, whatever became of it' },
        examples: ['lethe erasure show', 'lethe erasure show REQUEST --json'],
      }),
    )
    .action(async (request: string | undefined, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const erasure = await run(async (tx) => showErasure(tx, request ?? (await newestErasure(tx))))
        output.result({ erasure }, () => formatErasure(erasure))
      })
    })
}

function addFollow(group: Command): void {
  group
    .command('follow')
    .argument('[request]', 'the id of the request; without it, the newest')
    .description('wait until a request has ended, and work on it meanwhile')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'everybody is erased', 1: 'a person could not be erased, or was let go' },
        examples: ['lethe erasure follow', 'lethe erasure follow REQUEST --json'],
      }),
    )
    .action(async (request: string | undefined, _options: unknown, command: Command) => {
      await withTenant(command, async (session) => {
        const id = request ?? (await session.run((tx) => newestErasure(tx)))
        await finish(session, { request: id })
      })
    })
}

function addRetry(group: Command): void {
  group
    .command('retry')
    .argument('<request>', 'the id of the erasure request')
    .description('try the people who failed again, from where each of them stopped')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 1: 'a person failed again', 5: 'the request has not ended, or no person of it failed' },
        examples: ['lethe erasure retry REQUEST'],
      }),
    )
    .action(async (request: string, _options: unknown, command: Command) => {
      await withTenant(command, async (session) => {
        await session.run((tx) => retryErasure(tx, request))
        await finish(session, { request })
      })
    })
}

function addCancel(group: Command): void {
  group
    .command('cancel')
    .argument('<request>', 'the id of the erasure request')
    .description('let go the people of an erasure request who are not erased yet; they stay deleted users')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'no person of this request waits any more' },
        examples: ['lethe erasure cancel REQUEST'],
      }),
    )
    .action(async (request: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { cancelled, gone } = await run(async (tx) => {
          const cancelled = await cancelErasure(tx, request)
          return { cancelled, gone: (await erasureProgress(tx, request)).subjects.gone }
        })
        output.result(
          { request, cancelled, gone },
          () => `${people(cancelled)} let go; ${people(gone)} ${gone === 1 ? 'was' : 'were'} gone before.`,
        )
      })
    })
}

/** A request, and of one just ordered the salt, and the first of its people by name. */
type Ordered = { request: string; salt?: string; who?: NamedPerson[] }

/**
 * Works on the request in this process, shows progress and the result. A salt is shown however the work ends, because
 * nobody can show it later. Throws `erasure.incomplete`.
 */
async function finish(session: TenantSession, ordered: Ordered): Promise<void> {
  const { output } = session
  const { request, salt, who } = ordered
  let erasure: ErasureDetails
  try {
    erasure = await workOn(session, request)
  } catch (error) {
    if (salt !== undefined) output.result(ordered, () => `${ordersText(ordered)}${saltText(salt)}`)
    throw error
  }
  output.result(
    { erasure, ...(who !== undefined && { who }), ...(salt !== undefined && { salt }) },
    () =>
      `${formatErasure(erasure, who)}\n\nThe certificate: ${commandName} certificate show ${request}${saltText(salt)}`,
  )
}

async function workOn(session: TenantSession, request: string): Promise<ErasureDetails> {
  const { application, tenant, run, output, signal } = session
  const { operation } = await run((tx) => erasureProgress(tx, request))
  const watch = await watchRequests(session, [{ tenant: tenant.id, request }])
  const workers = await startWorkers(application, openLog('fatal'))
  const progress = output.progress(operations[operation].progress)
  try {
    await waitForErasure(application.database, tenant.id, request, {
      until: 'ended',
      signal,
      onProgress(summary) {
        watch.seen(summary)
        progress.update(summary.subjects.gone, summary.subjects.total)
      },
    })
  } finally {
    progress.end()
    await watch.stop(workers)
  }
  const erasure = await run((tx) => showErasure(tx, request))
  if (erasure.state !== 'completed') {
    const reasons = [...new Set(erasure.failures.map(({ reason }) => reason))].slice(0, 5)
    throw new LetheError('erasure.incomplete', { request, state: erasure.state, reasons })
  }
  return erasure
}

/** What would be done, and which groups of the directory would bring the people back afterwards. */
type Preview = ErasurePreview & { groups: ReturningGroup[] }

async function previewOf(tx: TenantTransaction, operation: Operation, ids: string[]): Promise<Preview> {
  const preview = await previewErasure(tx, operation, ids)
  return { ...preview, groups: operation === 'purge' ? await groupsThatBringBack(tx, ids) : [] }
}

function groupSentence({ display_name, people: count, at_next_sync }: ReturningGroup): string {
  return at_next_sync === 'create'
    ? `${people(count)} will come back at the next synchronisation of group ${display_name}, ${count === 1 ? 'as a new user' : 'as new users'} without records, unless the directory takes them out of it first.`
    : `Group ${display_name} still holds ${people(count)}; the tenant keeps them out at its next synchronisation.`
}

function formatPreview(
  operation: Operation,
  preview: Preview,
  { who, listAll }: { who: NamedPerson[]; listAll: string },
): string {
  const rows = preview.effects.reduce((sum, effect) => sum + effect.rows, 0)
  const more = preview.people - who.length
  const lines = [
    `${people(preview.people)} ${preview.people === 1 ? 'is' : 'are'} meant:`,
    '',
    formatNamedPeople(who),
    ...(more > 0 ? ['', `and ${people(more)} more. List all: ${listAll}`] : []),
    '',
    `${operation === 'purge' ? 'A purge' : 'An anonymization'} of ${people(preview.people)} would change ${counted(rows, 'row')}:`,
    '',
    formatEffects(preview.effects),
  ]
  for (const group of preview.groups) lines.push('', groupSentence(group))
  if (preview.notDeleted.length > 0) lines.push('', `${people(preview.notDeleted.length)} must be deleted first.`)
  if (preview.sharedIdentifiers > 0) {
    lines.push(
      '',
      `${counted(preview.sharedIdentifiers, 'identifier')} of theirs belong to other users too and will be left alone.`,
    )
    if (preview.similarIdentifiers > 0) {
      lines.push(
        `${counted(preview.similarIdentifiers, 'of these is', 'of these are')} only similar to another user's, in look-alike letters or the like.`,
      )
    }
  }
  if (preview.shortIdentifiers > 0) {
    lines.push(
      '',
      `${counted(preview.shortIdentifiers, 'identifier')} cannot be told apart from ordinary text and will not be looked for in texts.`,
    )
  }
  if (preview.singledOut > 0) {
    lines.push(
      '',
      `${people(preview.singledOut)} could be singled out by the custom fields that survive: too few others have the same values. "lethe tenant update" changes which fields survive.`,
    )
  }
  if (preview.blockedBy.length > 0) {
    lines.push(
      '',
      'Identifiers of theirs stand where no erasure can rewrite them. Take them out there first; otherwise the erasure fails with these places, and "lethe erasure retry" goes on once they are gone:',
      '',
      formatTable(preview.blockedBy, [
        { title: 'table', value: ({ table }) => table },
        { title: 'column', value: ({ column }) => column },
        { title: 'rows', value: ({ rows }) => rows, right: true },
      ]),
    )
  }
  if (preview.names.length > 0) {
    lines.push(
      '',
      'Their names stand in texts that stay. A program cannot tell whose name it is, so look for yourself:',
      '',
      formatTable(preview.names, [
        { title: 'table', value: ({ table }) => table },
        { title: 'column', value: ({ column }) => column },
        { title: 'rows', value: ({ rows }) => rows, right: true },
      ]),
    )
  }
  return lines.join('\n')
}

function formatErasure(erasure: ErasureDetails, who?: NamedPerson[]): string {
  const { subjects, operation } = erasure
  const done = operation === 'purge' ? 'gone' : 'anonymized'
  const counts = [
    `${formatCount(subjects.gone)} of ${formatCount(subjects.total)} ${done}`,
    ...(subjects.erased > 0 ? [`${formatCount(subjects.erased)} of them not verified yet`] : []),
    ...(subjects.waiting > 0 ? [`${formatCount(subjects.waiting)} waiting`] : []),
    ...(subjects.failed > 0 ? [`${formatCount(subjects.failed)} failed`] : []),
    ...(subjects.cancelled > 0 ? [`${formatCount(subjects.cancelled)} cancelled`] : []),
  ]
  const parts = [
    formatFields({
      request: erasure.id,
      operation: erasure.operation,
      state: erasure.state,
      people: counts.join(', '),
      ...(who !== undefined && { who: peopleLabel(who, subjects.total) }),
      reason: erasure.reason,
      ordered: erasure.createdAt,
      'ordered by': orderedBy(erasure),
      ended: erasure.finishedAt,
      'data map': erasure.dataMap,
      certificate: certificateText(erasure),
    }),
    formatTable(erasure.steps, [
      { title: 'step', value: ({ step }) => step },
      { title: 'state', value: ({ state }) => state },
      { title: 'removed', value: ({ removed }) => removed, right: true },
      { title: 'shared', value: ({ shared }) => shared, right: true },
      { title: 'failed', value: ({ failed }) => failed, right: true },
      { title: 'ended', value: ({ finishedAt }) => finishedAt },
    ]),
    formatEffects(erasure.receipt),
  ]
  if (erasure.failures.length > 0) {
    parts.push(
      formatTable(erasure.failures, [
        { title: 'failed user', value: ({ userId }) => userId },
        { title: 'code', value: ({ code }) => code },
        { title: 'reason', value: ({ reason }) => reason },
      ]),
    )
  }
  return parts.join('\n\n')
}

function certificateText({ certified, verdict }: ErasureDetails): string {
  if (!certified) return 'none yet'
  if (verdict === null) return 'signed; people are tried again'
  return `signed; ${{ clean: 'nothing found', search_outstanding: 'search outstanding', found: 'something was found' }[verdict]}`
}

function orderedBy({ requestedBy, requestedByCredential, initiatedFrom }: ErasureDetails): string {
  const from = initiatedFrom.replace('_', ' ')
  if (requestedBy !== null) return `user ${requestedBy}, ${from}`
  return requestedByCredential === null ? from : `credential ${requestedByCredential}, ${from}`
}

function formatEffects(effects: Effect[]): string {
  return formatTable(effects, [
    { title: 'table', value: ({ table }) => table },
    { title: 'effect', value: ({ effect }) => effect },
    { title: 'rows', value: ({ rows }) => rows, right: true },
  ])
}

function people(number: number): string {
  return counted(number, 'person', 'people')
}
