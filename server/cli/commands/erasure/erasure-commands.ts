import type { Command } from 'commander'
import type { Operation } from '../../../datamap/plan.ts'
import { groupsThatBringBack, type ReturningGroup } from '../../../directory/reappearances.ts'
import { erasureError } from '../../../erasure/errors.ts'
import { requirePlan } from '../../../erasure/plans/require-plan.ts'
import { cancelErasure } from '../../../erasure/requests/cancel-erasure.ts'
import { confirmErasure, listChanged } from '../../../erasure/requests/confirm-erasure.ts'
import { deleteAndRequestErasure } from '../../../erasure/requests/delete-and-request.ts'
import { exportSubjects } from '../../../erasure/requests/export-subjects.ts'
import { listErasures, newestErasure } from '../../../erasure/requests/list-requests.ts'
import { listSubjects } from '../../../erasure/requests/list-subjects.ts'
import { type ErasurePreview, previewErasure } from '../../../erasure/requests/preview-erasure.ts'
import { requestErasure } from '../../../erasure/requests/request-erasure.ts'
import { type ErasureSummary, erasureProgress } from '../../../erasure/requests/request-progress.ts'
import { retryErasure } from '../../../erasure/requests/retry-erasure.ts'
import { selectSubjects } from '../../../erasure/requests/select-subjects.ts'
import { type ErasureDetails, showErasure } from '../../../erasure/requests/show-request.ts'
import { waitForErasure } from '../../../erasure/requests/wait-for-erasure.ts'
import { type Demands, readDemands } from '../../../erasure/safeguards/demands.ts'
import { isResting, type RequestState } from '../../../erasure/states.ts'
import { type NamedPerson, namePeople } from '../../../people/accounts/candidates.ts'
import type { Selector } from '../../../people/accounts/find-users.ts'
import type { Effect } from '../../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../../platform/database/transaction.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { commandName } from '../../command-name.ts'
import { consequenceLines } from '../../consequence-lines.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { formatNamedPeople, mostNamed, peopleLabel } from '../../named-people.ts'
import { counted, formatCount, formatFields, formatTable } from '../../output.ts'
import { startOwnWorkers } from '../../own-workers.ts'
import { addSelectionOptions, readSelection, type SelectionOptions } from '../../selection-options.ts'
import { type TenantSession, withTenant } from '../../session.ts'
import { watchRequests } from '../../stopped-requests.ts'
import { addAcknowledgementCommands, formatReceivers } from './acknowledgement-commands.ts'
import { addApprovalCommands } from './approval-commands.ts'
import {
  addContactOption,
  type ContactOptions,
  readContact,
  runContactPreview,
  runContactPurge,
} from './contact-commands.ts'

/**
 * `lethe preview`, `lethe purge`, `lethe anonymize`, and `lethe erasure` with list, show, subjects, follow, retry, confirm,
 * cancel, awaiting, approve, reject, ask and withdraw
 */
export function addErasureCommands(program: Command): void {
  addPreview(program)
  addOrder(program, 'purge')
  addOrder(program, 'anonymize')
  const group = program
    .command('erasure')
    .description('erasure requests: list, show, follow, retry, confirm or cancel them')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe erasure list', 'lethe erasure show', 'lethe erasure retry REQUEST'] }),
    )
  addList(group)
  addShow(group)
  addSubjects(group)
  addFollow(group)
  addRetry(group)
  addConfirm(group)
  addCancel(group)
  addApprovalCommands(group)
  addAcknowledgementCommands(group)
}

function addPreview(program: Command): void {
  addContactOption(addSelectionOptions(program.command('preview')))
    .description('count, table by table, what a purge would do; change nothing')
    .option('--anonymize', 'count what "lethe anonymize" would do instead')
    .option('--delete-first', 'count as after a delete of the people who are not deleted yet')
    .option('--people', `list every selected person, not only the first ${mostNamed}`)
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'counted, even if some of the people must be deleted first' },
        examples: [
          'lethe preview --email ann@example.org',
          'lethe preview --deleted-in 2026-03 --people',
          'lethe preview --ref 4711 --anonymize --delete-first',
          'lethe preview --contact supplier@example.net',
        ],
      }),
    )
    .action(async (options: PreviewOptions, command: Command) => {
      const contact = readContact(options)
      if (contact !== undefined) return await runContactPreview(command, contact)
      const operation = options.anonymize === true ? 'anonymize' : 'purge'
      const selection = await readSelection(options)
      await withTenant(command, async ({ run, output }) => {
        const { preview, who } = await run(async (tx) => {
          const users = await selectSubjects(tx, selection.people, selection)
          const most = options.people === true ? users.length : mostNamed
          const preview = await previewOf(tx, operation, idsOf(users), options.deleteFirst)
          return { who: await nameUsers(tx, users, most), preview }
        })
        const listAll = `${commandName} preview ${selection.words} --people`
        output.result(
          { preview, who },
          () => `${formatPreview(operation, preview, { who, listAll })}\n\n${planText(preview)}`,
        )
      })
    })
}

type PreviewOptions = SelectionOptions &
  ContactOptions & { anonymize?: boolean; people?: boolean; deleteFirst?: boolean }

function planText({ plan, planExpiresAt, planCoversMentions }: Preview): string {
  const texts = planCoversMentions ? '' : '\nIt does not cover texts of others: there are too many identifiers.'
  return `The plan of this preview is valid until ${planExpiresAt.toISOString()}. To erase only these rows, add:\n  --plan ${plan}${texts}`
}

/** How the two operations differ at the command line. */
const operations = {
  purge: {
    description: 'remove deleted users and everything about them, for good, and prove it',
    noun: 'purge',
    progress: 'Purging',
    notes: `
Only deleted users can be purged. The command shows the preview first, with the names of the people. A purge cannot be
undone. Courses and training plans that these people wrote pass to a successor: the user of --as, otherwise the
longest-serving active administrator.

The purge is bound to the preview: a person with other rows by then stays untouched, and
"lethe erasure confirm" goes on with that person.`,
    examples: [
      'lethe purge --ref 4711 --delete-first',
      'lethe purge --deleted-in 2026-03 --yes --expect 312',
      'lethe purge --email ann@example.org --reason "request of 3 March" --no-wait',
      'lethe purge --contact supplier@example.net',
    ],
  },
  anonymize: {
    description: 'remove the identity of deleted users for good, keep their training history, and prove it',
    noun: 'anonymization',
    progress: 'Anonymizing',
    notes: `
Only deleted users can be anonymized. Names, identifiers and attributes are removed. The training history stays under
the internal id, so reports show the same counts. The command shows the preview first, with the names of the people.
An anonymization cannot be undone. Courses and training plans that these people wrote pass to a successor: the user of
--as, otherwise the longest-serving active administrator.

The certificate names people under a salt, which is shown once and stored nowhere. Without the salt, the certificate
does not tell which people it covers.

The anonymization is bound to the preview: a person with other rows by then stays untouched, and
"lethe erasure confirm" goes on with that person.`,
    examples: [
      'lethe user delete --ref 4711 && lethe anonymize --ref 4711',
      'lethe anonymize --file leavers.csv --yes --json',
    ],
  },
}

type OrderOptions = SelectionOptions &
  ContactOptions & { yes?: boolean; reason?: string; wait: boolean; plan?: string; deleteFirst?: boolean }

function addOrder(program: Command, operation: Operation): void {
  const { description, noun, notes, examples } = operations[operation]
  const order = addSelectionOptions(program.command(operation))
  if (operation === 'purge') addContactOption(order)
  order
    .description(description)
    .option('--yes', 'do not ask for confirmation')
    .option('--delete-first', 'delete the people who are not deleted yet, in the same transaction as the request')
    .option('--plan <plan>', 'bind to the plan of an earlier "lethe preview" instead of the preview that is shown now')
    .option('--reason <text>', 'the reason; "lethe erasure show" and "lethe audit list" show it')
    .option('--no-wait', 'only make the erasure request; running workers ("lethe serve") do the work')
    .addHelpText(
      'after',
      helpText({
        notes,
        exitCodes: {
          0: 'all people are erased; with --no-wait: requested',
          1: 'a person could not be erased or has changed since the preview ("lethe erasure show" shows the reasons), or you declined',
          5: 'a person is not deleted, another erasure request of a person is pending, or the plan does not fit; nothing was done',
          8: 'the person of --as is among the people; nothing was done',
          10: 'the request waits for an approval, the cooling-off period or a legal hold; the message says which',
        },
        examples,
      }),
    )
    .action(async (options: OrderOptions, command: Command) => {
      const contact = readContact(options)
      if (contact !== undefined) return await purgeContact(command, contact, options)
      const selection = await readSelection(options)
      const { deleteFirst = false } = options
      await withTenant(command, async (session) => {
        const { run, output } = session
        const { ids, who, preview } = await run(async (tx) => {
          const users = await selectSubjects(tx, selection.people, selection)
          const notDeleted = idsOf(users.filter(({ state }) => state !== 'deleted'))
          if (notDeleted.length > 0 && !deleteFirst) throw erasureError('user.not_deleted', { ids: notDeleted })
          const ids = idsOf(users)
          if (options.plan !== undefined) await requirePlan(tx, options.plan, { operation, deleteFirst })
          const preview = await previewOf(tx, operation, ids, deleteFirst)
          return { ids, who: await nameUsers(tx, users, mostNamed), preview }
        })
        const act = `The ${noun} of `
        const listAll = `${commandName} preview ${selection.words} --people`
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
        const requesting = deleteFirst ? deleteAndRequestErasure : requestErasure
        const plan = options.plan ?? preview.plan
        const ordered = await run((tx) => requesting(tx, { operation, userIds: ids, reason: options.reason, plan }))
        const known = { ...ordered, who }
        if (options.wait) await finish(session, known)
        else output.result(known, () => `${ordersText(known)}${saltText(ordered.salt)}`)
      })
    })
}

/** Purges a contact, with the progress and the result of any purge. */
async function purgeContact(command: Command, contact: string, options: OrderOptions): Promise<void> {
  await runContactPurge(command, contact, {
    ...options,
    finish,
    show: ordersText,
  })
}

function idsOf(users: readonly { id: string }[]): string[] {
  return users.map(({ id }) => id)
}

/** The first of the users by name, with what named each. */
function nameUsers(
  tx: TenantTransaction,
  users: readonly { id: string; given?: Selector }[],
  most: number,
): Promise<NamedPerson[]> {
  const given = new Map(users.flatMap((user) => (user.given === undefined ? [] : [[user.id, user.given]])))
  return namePeople(tx, { userIds: idsOf(users), given, most })
}

function ordersText({ request, state }: Ordered): string {
  const waits = state === undefined || !isResting(state) ? '' : ` It is ${state}.`
  return `Made erasure request ${request}.${waits} Show its progress with: ${commandName} erasure show ${request}`
}

/** The text that must accompany a salt; empty without one. */
function saltText(salt: string | undefined): string {
  if (salt === undefined) return ''
  return `\n\nThe salt of the certificate, shown only now and stored nowhere:\n${salt}\nWith it, "lethe certificate verify FILE --salt SALT --email ADDRESS" tells whether the certificate covers a person.`
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the erasure requests, newest first')
    .option('--limit <number>', 'the most to list', '50')
    .option('--before <request>', 'list only requests that are older than this one')
    .option('--overdue', 'list only requests that are past their due date')
    .addHelpText('after', helpText({ examples: ['lethe erasure list', 'lethe erasure list --limit 10 --json'] }))
    .action(async (options: { limit: string; before?: string; overdue?: boolean }, command: Command) => {
      const limit = Number(options.limit)
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw inputError('input.invalid', {
          field: '--limit',
          expected: 'a whole number from 1 to 1000 is expected',
        })
      }
      await withTenant(command, async ({ run, output }) => {
        const erasures = await run((tx) =>
          listErasures(tx, {
            limit,
            overdue: options.overdue === true,
            ...(options.before !== undefined && { before: options.before }),
          }),
        )
        output.result({ erasures }, () =>
          formatTable(erasures, [
            { title: 'request', value: ({ id }) => id },
            { title: 'operation', value: ({ operation }) => operation },
            { title: 'state', value: ({ state }) => state },
            { title: 'people', value: ({ subjects }) => subjects.total, right: true },
            { title: 'gone', value: ({ subjects }) => subjects.gone, right: true },
            { title: 'failed', value: ({ subjects }) => subjects.failed, right: true },
            { title: 'requested', value: ({ createdAt }) => createdAt },
            { title: 'due', value: dueText },
          ]),
        )
      })
    })
}

function addShow(group: Command): void {
  group
    .command('show')
    .argument('[request]', 'the id of the erasure request; default: the newest')
    .description('show an erasure request with its steps, its receipt and the reasons for failures')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'shown, whatever the state of the request' },
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

function addSubjects(group: Command): void {
  group
    .command('subjects')
    .argument('[request]', 'the id of the erasure request; default: the newest')
    .description('list the people of an erasure request with the outcome of each, by internal id')
    .option('--csv', 'print all of them as CSV')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 100)')
    .option('--after <id>', 'continue after the person with this id')
    .addHelpText(
      'after',
      helpText({
        notes:
          'The list holds no personal data. In CSV, an apostrophe precedes a cell that a spreadsheet would run as a formula.',
        examples: ['lethe erasure subjects', 'lethe erasure subjects REQUEST --csv > outcome.csv'],
      }),
    )
    .action(async (request: string | undefined, options: SubjectsOptions, command: Command) => {
      const { csv, limit, after } = options
      if (csv === true && (limit !== undefined || after !== undefined)) {
        throw commandError('input.usage', { reason: '--csv prints everyone; leave out --limit and --after.' })
      }
      await withTenant(command, async ({ run, output }) => {
        const id = request ?? (await run((tx) => newestErasure(tx)))
        if (csv === true) {
          const count = await exportSubjects(run, id, output.write)
          output.note(`Exported ${people(count)}.`)
          return
        }
        const page = { request: id, ...(limit !== undefined && { limit: Number(limit) }), after }
        const { subjects, next } = await run((tx) => listSubjects(tx, page))
        output.result({ request: id, subjects, next: next ?? null }, () => {
          const table = formatTable(subjects, [
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'state', value: ({ state }) => state },
            { title: 'erased', value: ({ erased_at }) => erased_at },
            { title: 'ended', value: ({ finished_at }) => finished_at },
            { title: 'code', value: ({ error_code }) => error_code },
            { title: 'reason', value: ({ error_reason }) => error_reason },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

type SubjectsOptions = { csv?: boolean; limit?: string; after?: string }

function addFollow(group: Command): void {
  group
    .command('follow')
    .argument('[request]', 'the id of the erasure request; default: the newest')
    .description('work on an erasure request and wait until it has ended')
    .addHelpText(
      'after',
      helpText({
        exitCodes: {
          0: 'all people are erased',
          1: 'a person could not be erased, or the request was cancelled',
          10: 'the request waits for an approval, the cooling-off period or a legal hold; the message says which',
        },
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
    .description('retry the people that failed, each from the step that failed')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 1: 'a person failed again', 5: 'the request is still running, or no person failed' },
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

function addConfirm(group: Command): void {
  group
    .command('confirm')
    .argument('<request>', 'the id of the erasure request')
    .description('erase the people whose plan changed: other rows would have been erased than the preview showed')
    .option('--yes', 'do not ask for confirmation')
    .option('--plan <plan>', 'bind to the plan of an earlier preview of all or some of these people')
    .addHelpText(
      'after',
      helpText({
        notes: `
The command shows a new preview of these people and asks. The request goes on with them, bound to that preview.`,
        exitCodes: {
          1: 'a person could not be erased or has changed again, or you declined',
          5: 'the request is still running, or no plan of a person has changed',
        },
        examples: ['lethe erasure confirm REQUEST', 'lethe erasure confirm REQUEST --yes --json'],
      }),
    )
    .action(async (request: string, options: { yes?: boolean; plan?: string }, command: Command) => {
      await withTenant(command, async (session) => {
        const { run, output } = session
        const { operation } = await run((tx) => erasureProgress(tx, request))
        const { preview, who, plan, number } = await run(async (tx) => {
          const given = options.plan === undefined ? undefined : await requirePlan(tx, options.plan, { operation })
          const ids = given?.userIds ?? (await listChanged(tx, request))
          const deleteFirst = given?.deleteFirst ?? true
          const who = await namePeople(tx, { userIds: ids, given: new Map(), most: mostNamed })
          const preview = ids.length === 0 ? undefined : await previewOf(tx, operation, ids, deleteFirst)
          return { preview, who, plan: options.plan ?? preview?.plan ?? '', number: ids.length }
        })
        if (preview !== undefined) {
          const act = `The ${operations[operation].noun} of `
          const listAll = `${commandName} erasure show ${request} --json`
          output.note(formatPreview(operation, preview, { who, listAll }))
          await output.requireConfirmed(act + people(number), {
            yes: options.yes === true,
            number,
            named: act + peopleLabel(who, number),
          })
        }
        const { salt } = await run((tx) => confirmErasure(tx, { request, plan }))
        await finish(session, { request, who, ...(salt !== undefined && { salt }) })
      })
    })
}

function addCancel(group: Command): void {
  group
    .command('cancel')
    .argument('<request>', 'the id of the erasure request')
    .description('cancel an erasure request for the people that are not erased yet; they stay deleted users')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'no person of this request is waiting' },
        examples: ['lethe erasure cancel REQUEST'],
      }),
    )
    .action(async (request: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { cancelled, gone } = await run((tx) => cancelErasure(tx, request))
        output.result(
          { request, cancelled, gone },
          () => `Cancelled for ${people(cancelled)}; ${people(gone)} ${gone === 1 ? 'was' : 'were'} already erased.`,
        )
      })
    })
}

/** An erasure request. If this command made it, with its salt and the names of its first people. */
type Ordered = { request: string; state?: RequestState; runAt?: Date | null; salt?: string; who?: NamedPerson[] }

/**
 * Works on the request in this process, shows progress and the result. Always shows the salt, even after an error,
 * because it is stored nowhere. Throws `erasure.incomplete`.
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
  const workers = await startOwnWorkers(application)
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
  const { subjects, state } = erasure
  if (isResting(state) || (state === 'partial' && subjects.held > 0 && subjects.failed === 0)) {
    const { gone, held } = subjects
    throw commandError('erasure.waiting', { request, state, gone, held, runAt: erasure.runAt?.toISOString() ?? null })
  }
  if (state !== 'completed') {
    const reasons = [...new Set(erasure.failures.map(({ reason }) => reason))].slice(0, 5)
    const changed = erasure.subjects.plan_changed
    if (changed > 0) reasons.push(`${people(changed)} changed since the preview`)
    throw commandError('erasure.incomplete', { request, state, reasons, changed, about: erasure.about })
  }
  return erasure
}

/** What the erasure would do, and which directory groups would bring the people back afterwards. */
type Preview = ErasurePreview & Demands & { groups: ReturningGroup[] }

async function previewOf(
  tx: TenantTransaction,
  operation: Operation,
  ids: string[],
  deleteFirst = false,
): Promise<Preview> {
  const preview = await previewErasure(tx, operation, ids, { deleteFirst })
  return {
    ...preview,
    ...(await readDemands(tx, ids)),
    groups: operation === 'purge' ? await groupsThatBringBack(tx, ids) : [],
  }
}

function groupSentence({ display_name, people: count, at_next_sync }: ReturningGroup): string {
  return at_next_sync === 'create'
    ? `${people(count)} will come back at the next synchronization of group ${display_name}, ${count === 1 ? 'as a new user' : 'as new users'} without records, unless the directory removes them from the group first.`
    : `Group ${display_name} still contains ${people(count)}; the tenant blocks them at its next synchronization.`
}

/** Who must be deleted first, and the two ways to do that. */
function mustBeDeleted(operation: Operation, ids: readonly string[]): string {
  const [only, ...others] = ids
  const selector = others.length === 0 ? `--id ${only}` : '--file FILE'
  return [
    `${people(ids.length)} must be deleted first: "${commandName} user delete ${selector}" does that.`,
    `"${commandName} ${operation} … --delete-first" does it in the same transaction as the request; preview that with --delete-first.`,
  ].join(' ')
}

/** What the people of a request must wait for. */
function demandSentences({ held, approval_required, cooling_off_hours }: Demands): string[] {
  return [
    ...(held === 0 ? [] : ['', `A legal hold covers ${people(held)}, who will wait for its release.`]),
    ...(approval_required ? ['', 'The request will wait until a second person approves it.'] : []),
    ...(cooling_off_hours === 0
      ? []
      : [
          '',
          `The request will wait ${counted(cooling_off_hours, 'hour')} before it runs; until then it can be canceled.`,
        ]),
  ]
}

function formatPreview(
  operation: Operation,
  preview: Preview,
  { who, listAll }: { who: NamedPerson[]; listAll: string },
): string {
  const rows = preview.effects.reduce((sum, effect) => sum + effect.rows, 0)
  const more = preview.people - who.length
  const lines = [
    `${people(preview.people)} selected:`,
    '',
    formatNamedPeople(who),
    ...(more > 0 ? ['', `and ${people(more)} more. List all: ${listAll}`] : []),
    '',
    `${operation === 'purge' ? 'A purge' : 'An anonymization'} of ${people(preview.people)} would change ${counted(rows, 'row')}:`,
    '',
    formatEffects(preview.effects),
  ]
  lines.push(...demandSentences(preview))
  for (const group of preview.groups) lines.push('', groupSentence(group))
  lines.push(...consequenceLines(preview.consequences))
  if (preview.notDeleted.length > 0) lines.push('', mustBeDeleted(operation, preview.notDeleted))
  if (preview.sharedIdentifiers > 0) {
    lines.push(
      '',
      `Other users also hold ${formatCount(preview.sharedIdentifiers)} of these identifiers. The erasure leaves ${preview.sharedIdentifiers === 1 ? 'it' : 'them'} alone.`,
    )
    if (preview.similarIdentifiers > 0) {
      lines.push(
        `${counted(preview.similarIdentifiers, 'of them is', 'of them are')} only similar to an identifier of another user, for example by look-alike letters.`,
      )
    }
  }
  if (preview.shortIdentifiers > 0) {
    lines.push(
      '',
      `${counted(preview.shortIdentifiers, 'identifier looks', 'identifiers look')} like ordinary text, so the erasure does not search texts for ${preview.shortIdentifiers === 1 ? 'it' : 'them'}.`,
    )
  }
  if (preview.singledOut > 0) {
    lines.push(
      '',
      `The custom fields that survive single out ${people(preview.singledOut)}: too few others have the same values. "lethe tenant update" changes which fields survive.`,
    )
  }
  if (preview.blockedBy.length > 0) {
    lines.push(
      '',
      'Some of their identifiers are in places that no erasure can rewrite. Remove them there first. Otherwise the erasure fails with these places; once you have removed them, "lethe erasure retry" continues:',
      '',
      formatTable(preview.blockedBy, [
        { title: 'table', value: ({ table }) => table },
        { title: 'column', value: ({ column }) => column },
        { title: 'rows', value: ({ rows }) => rows, right: true },
        { title: 'change it with', value: ({ command }) => command ?? 'SQL' },
      ]),
    )
  }
  if (preview.names.length > 0) {
    lines.push(
      '',
      'Their names occur in texts that stay. Lethe cannot tell which person a name refers to, so check these places yourself:',
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
    ...(subjects.awaiting_approval > 0 ? [`${formatCount(subjects.awaiting_approval)} of them for an approval`] : []),
    ...(subjects.scheduled > 0 ? [`${formatCount(subjects.scheduled)} of them for the cooling-off period`] : []),
    ...(subjects.held > 0 ? [`${formatCount(subjects.held)} of them on hold`] : []),
    ...(subjects.failed > 0 ? [`${formatCount(subjects.failed)} failed`] : []),
    ...(subjects.plan_changed > 0 ? [`${formatCount(subjects.plan_changed)} changed since the preview`] : []),
    ...(subjects.cancelled > 0 ? [`${formatCount(subjects.cancelled)} cancelled`] : []),
    ...(subjects.rejected > 0 ? [`${formatCount(subjects.rejected)} refused`] : []),
  ]
  const parts = [
    formatFields({
      request: erasure.id,
      operation: erasure.operation,
      state: erasure.state,
      people: counts.join(', '),
      ...(who !== undefined && { who: peopleLabel(who, subjects.total) }),
      reason: erasure.reason,
      requested: erasure.createdAt,
      'requested by': orderedBy(erasure),
      due: dueText(erasure),
      ...(erasure.runAt !== null && { 'runs after': erasure.runAt }),
      ended: erasure.finishedAt,
      'data map': erasure.dataMap,
      certificate: certificateText(erasure),
      ...(erasure.trialsReached !== null && { 'trials reached': erasure.trialsReached }),
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
  if (erasure.planChanged.length > 0) parts.push(formatChanged(erasure))
  if (erasure.receivers.length > 0) parts.push(formatReceivers(erasure.receivers))
  return parts.join('\n\n')
}

/** The people whose rows are not those of the plan, and the way out. */
function formatChanged({ id, planChanged, subjects, about }: ErasureDetails): string {
  const lines = planChanged.flatMap(({ userId, changes }) => changes.map((change) => ({ userId, ...change })))
  return [
    `${people(subjects.plan_changed)} changed since the preview and ${subjects.plan_changed === 1 ? 'is' : 'are'} untouched. Equal numbers mean other rows or other rights:`,
    '',
    formatTable(lines, [
      { title: 'user', value: ({ userId }) => userId },
      { title: 'table', value: ({ table }) => table },
      { title: 'effect', value: ({ effect }) => effect },
      { title: 'preview', value: ({ planned }) => planned, right: true },
      { title: 'now', value: ({ found }) => found, right: true },
    ]),
    '',
    about === 'contacts'
      ? `Look again and purge the contact: ${commandName} purge --contact ADDRESS`
      : `Look again and erase them: ${commandName} erasure confirm ${id}`,
  ].join('\n')
}

/** The due date, marked where the request is past it. */
function dueText({ dueAt, overdue }: ErasureSummary): string {
  return overdue ? `${dueAt.toISOString()} OVERDUE` : dueAt.toISOString()
}

function certificateText({ certified, verdict }: ErasureDetails): string {
  if (!certified) return 'none yet'
  if (verdict === null) return 'signed; a retry is running'
  return `signed; ${{ clean: 'no residual data found', search_outstanding: 'search outstanding', found: 'residual data found' }[verdict]}`
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
