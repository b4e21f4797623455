import { type Command, Option } from 'commander'
import { type ListedHold, listCovered, listHolds, showHold } from '../../../holds/list-holds.ts'
import { placeHold } from '../../../holds/place-hold.ts'
import { releaseHold } from '../../../holds/release-hold.ts'
import { updateHold } from '../../../holds/update-hold.ts'
import { findByAnyIdentifier, requireUsers } from '../../../people/accounts/find-users.ts'
import { type HoldReason, holdReasonCodes } from '../../../people/lifecycle/justifications.ts'
import type { TenantTransaction } from '../../../platform/database/transaction.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubjects, type SubjectOptions } from '../../subject-options.ts'

/** `lethe hold list|show|place|update|release` */
export function addHoldCommands(program: Command): void {
  const group = program
    .command('hold')
    .description('legal holds, which stop every erasure of the people that they cover')
    .addHelpText(
      'after',
      helpText({
        notes: `
A hold covers users by name, and the members of directory groups. Membership counts at the moment of the erasure.
Requests for people on hold wait as "held" while others go on. After the release they continue by themselves.`,
        examples: [
          'lethe hold list',
          'lethe hold place --email ann@example.org --reason legal_claim',
          'lethe hold release HOLD',
        ],
      }),
    )
  addList(group)
  addShow(group)
  addPlace(group)
  addUpdate(group)
  addRelease(group)
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the legal holds in force, newest first')
    .option('--released', 'released holds too')
    .option('--user <person>', 'only holds that cover this user, by any identifier')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <hold>', 'continue after the hold with this id')
    .addHelpText('after', helpText({ examples: ['lethe hold list', 'lethe hold list --user ann@example.org --json'] }))
    .action(async (options: { released?: boolean; user?: string; limit: string; after?: string }, command: Command) => {
      const { user, after, limit, released } = options
      await withTenant(command, async ({ run, output }) => {
        const { holds, next } = await run(async (tx) =>
          listHolds(tx, {
            released: released === true,
            limit: Number(limit),
            ...(user !== undefined && { userId: await personOf(tx, user) }),
            ...(after !== undefined && { after }),
          }),
        )
        output.result({ holds, next: next ?? null }, () => {
          const rest = next === undefined ? '' : `\nThere are more. Repeat the command with --after ${next}`
          return `${formatHolds(holds)}${rest}`
        })
      })
    })
}

function formatHolds(holds: ListedHold[]): string {
  return formatTable(holds, [
    { title: 'hold', value: ({ id }) => id },
    { title: 'reason', value: ({ reason }) => reason },
    { title: 'people', value: ({ people }) => people, right: true },
    { title: 'groups', value: ({ groups }) => groups, right: true },
    { title: 'placed', value: ({ created_at }) => created_at },
    { title: 'released', value: ({ released_at }) => released_at },
    { title: 'note', value: ({ note }) => note },
  ])
}

function addShow(group: Command): void {
  group
    .command('show')
    .argument('<hold>', 'the id of the legal hold')
    .description('show a legal hold and the first 1000 people that it covers')
    .option('--after <user>', 'continue the people after the user with this id')
    .addHelpText('after', helpText({ examples: ['lethe hold show HOLD', 'lethe hold show HOLD --json'] }))
    .action(async (id: string, options: { after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { hold, people, next } = await run(async (tx) => ({
          hold: await showHold(tx, id),
          ...(await listCovered(tx, {
            holdId: id,
            limit: 1000,
            ...(options.after !== undefined && { after: options.after }),
          })),
        }))
        output.result({ hold, people, next: next ?? null }, () => {
          const rest = next === undefined ? '' : `\nThere are more. Repeat the command with --after ${next}`
          const table = formatTable(people, [
            { title: 'user', value: (person) => person.id },
            { title: 'state', value: ({ state }) => state },
            { title: 'covered by', value: ({ named }) => (named ? 'name' : 'group') },
          ])
          const { group_ids, ...fields } = hold
          return `${formatFields({ ...fields, group_ids: group_ids.join(', ') || null })}\n\n${table}${rest}`
        })
      })
    })
}

type PlaceOptions = SubjectOptions & { reason: HoldReason; note?: string; group?: string[]; owner?: string }

const reasonOption = (flags: string) =>
  new Option(flags, 'the reason; docs/safeguards.md has the term of the W3C Data Privacy Vocabulary for each').choices(
    holdReasonCodes,
  )

function addPlace(group: Command): void {
  addSubjectOptions(group.command('place'), { many: true })
    .description('place a legal hold on users and on the members of directory groups')
    .option('--group <id...>', 'the directory groups whose members the hold covers')
    .addOption(reasonOption('--reason <code>').makeOptionMandatory())
    .option('--note <text>', 'a free text, of up to 2,000 characters')
    .option('--owner <person>', 'the user who answers for the hold, by any identifier; default: the user of --as')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such user or group' },
        examples: [
          'lethe hold place --email ann@example.org --reason legal_claim --note "Case 12"',
          'lethe hold place --file witnesses.csv --reason court_proceedings --as bob@example.org',
          'lethe hold place --group GROUP --ref 4711 --reason internal_investigation --json',
        ],
      }),
    )
    .action(async (options: PlaceOptions, command: Command) => {
      const { reason, note, group: groupIds = [], owner, ...subjects } = options
      const named = Object.values(subjects).some((value) => value !== undefined)
      const selectors = named || groupIds.length === 0 ? await readSubjects(subjects) : []
      await withTenant(command, async ({ run, output }) => {
        const placed = await run(async (tx) => {
          const userIds = (await requireUsers(tx, selectors)).map(({ id }) => id)
          const ownerId = owner === undefined ? undefined : await personOf(tx, owner)
          return await placeHold(tx, { reason, note, userIds, groupIds, ownerId })
        })
        output.result(
          { hold: placed },
          () => `Placed legal hold ${placed.id}. It covers ${counted(placed.people, 'person', 'people')} now.`,
        )
      })
    })
}

function addUpdate(group: Command): void {
  group
    .command('update')
    .argument('<hold>', 'the id of the legal hold')
    .description('change reason, note or owner of a legal hold')
    .addOption(reasonOption('--reason <code>'))
    .option('--note <text>', 'a free text, of up to 2,000 characters')
    .option('--no-note', 'remove the note')
    .option('--owner <person>', 'the user who answers for the hold, by any identifier')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'the hold was released' },
        examples: ['lethe hold update HOLD --owner bob@example.org', 'lethe hold update HOLD --no-note'],
      }),
    )
    .action(
      async (
        id: string,
        options: { reason?: HoldReason; note?: string | boolean; owner?: string },
        command: Command,
      ) => {
        const { reason, owner } = options
        // The command line gives true where neither form of the option was used.
        const note = options.note === false ? null : options.note === true ? undefined : options.note
        await withTenant(command, async ({ run, output }) => {
          const hold = await run(async (tx) => {
            const ownerId = owner === undefined ? undefined : await personOf(tx, owner)
            await updateHold(tx, id, { reason, note, ownerId })
            return await showHold(tx, id)
          })
          const { group_ids: _, ...fields } = hold
          output.result({ hold }, () => formatFields(fields))
        })
      },
    )
}

function addRelease(group: Command): void {
  group
    .command('release')
    .argument('<hold>', 'the id of the legal hold')
    .description('release a legal hold; erasures that waited for it continue')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      helpText({
        notes: 'Workers ("lethe serve") continue the erasures. The command first shows how many people become free.',
        exitCodes: { 1: 'you declined', 5: 'the hold was released before' },
        examples: ['lethe hold release HOLD', 'lethe hold release HOLD --yes --json'],
      }),
    )
    .action(async (id: string, options: { yes?: boolean }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { people } = await run((tx) => showHold(tx, id))
        const act = `The release of the hold on ${counted(people, 'person', 'people')}`
        await output.requireConfirmed(act, { yes: options.yes === true, number: people, named: act })
        await run((tx) => releaseHold(tx, id))
        output.result(
          { hold: id, people },
          () =>
            `Released legal hold ${id}. ${counted(people, 'person', 'people')} can be erased again, unless another hold covers them.`,
        )
      })
    })
}

async function personOf(tx: TenantTransaction, identifier: string): Promise<string> {
  return (await findByAnyIdentifier(tx, identifier)).id
}
