import { type Command, Option } from 'commander'
import type { Operation } from '../../../datamap/plan.ts'
import { acceptWish, refuseWish } from '../../../erasure/wishes/decide-wish.ts'
import { listWishes } from '../../../erasure/wishes/list-wishes.ts'
import { makeWish, mostWishes, wishDays, withdrawWish } from '../../../erasure/wishes/make-wish.ts'
import { type Wish, type WishState, wishStates } from '../../../erasure/wishes/wish.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { type RefusalReason, refusalReasonCodes } from '../../../people/lifecycle/justifications.ts'
import { commandName } from '../../command-name.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, type SubjectOptions } from '../../subject-options.ts'

/** `lethe wish list|make|withdraw|accept|refuse` */
export function addWishCommands(program: Command): void {
  const group = program
    .command('wish')
    .description('wishes of users to be erased: list, make, withdraw, accept or refuse them')
    .addHelpText(
      'after',
      helpText({
        notes: 'A wish erases nothing and blocks nothing. "lethe wish accept" makes an erasure request of it.',
        examples: ['lethe wish list --state open', 'lethe wish make --email ann@example.org'],
      }),
    )
  addList(group)
  addOfUser(group, 'make')
  addOfUser(group, 'withdraw')
  addAccept(group)
  addRefuse(group)
}

type ListOptions = { state?: WishState; limit: string; after?: string }

function addList(group: Command): void {
  group
    .command('list')
    .description('list the wishes, newest first')
    .addOption(new Option('--state <state>', 'only wishes in this state').choices(wishStates))
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <id>', 'continue after the wish with this id')
    .addHelpText('after', helpText({ examples: ['lethe wish list', 'lethe wish list --state open --json'] }))
    .action(async ({ state, limit, after }: ListOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { wishes, next } = await run((tx) =>
          listWishes(tx, {
            limit: Number(limit),
            ...(state !== undefined && { state }),
            ...(after !== undefined && { after }),
          }),
        )
        output.result({ wishes, next: next ?? null }, () => {
          const table = formatTable(wishes, [
            { title: 'wish', value: ({ id }) => id },
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'state', value: (wish) => wish.state },
            { title: 'made', value: ({ created_at }) => created_at },
            { title: 'decided', value: ({ decided_at }) => decided_at },
            { title: 'reason', value: ({ refusal_reason }) => refusal_reason },
            { title: 'request', value: ({ request_id }) => request_id },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

const ofUser = {
  make: {
    description: 'record that a user wishes to be erased',
    run: makeWish,
    exitCodes: {
      5: 'the user already has an open wish, or is deleted',
      9: `the user made ${mostWishes} wishes within ${wishDays} days`,
    },
  },
  withdraw: {
    description: 'withdraw the open wish of a user',
    run: withdrawWish,
    exitCodes: { 5: 'the user has no open wish' },
  },
}

function addOfUser(group: Command, name: keyof typeof ofUser): void {
  const { description, run: act, exitCodes } = ofUser[name]
  addSubjectOptions(group.command(name), { many: false })
    .description(description)
    .addHelpText('after', helpText({ exitCodes, examples: [`lethe wish ${name} --email ann@example.org`] }))
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const wish = await run(async (tx) => act(tx, { userId: (await findUser(tx, selector)).id }))
        output.result({ wish }, () => formatWish(wish))
      })
    })
}

type AcceptOptions = { anonymize?: boolean; reason?: string; yes?: boolean }

function addAccept(group: Command): void {
  group
    .command('accept')
    .argument('<wish>', 'the id of the wish')
    .description('accept a wish: delete the user and make an erasure request')
    .option('--anonymize', 'anonymize the user; default: purge')
    .option('--reason <text>', 'the reason that the erasure request stores')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      helpText({
        notes:
          'Workers ("lethe serve") send the person an e-mail and then erase the person. "lethe erasure follow" does both here.',
        exitCodes: { 1: 'you declined', 5: 'the wish is decided already, or the user cannot be erased now' },
        examples: ['lethe wish accept WISH', 'lethe wish accept WISH --anonymize --yes'],
      }),
    )
    .action(async (wish: string, { anonymize, reason, yes }: AcceptOptions, command: Command) => {
      const operation: Operation = anonymize === true ? 'anonymize' : 'purge'
      await withTenant(command, async ({ run, output }) => {
        const act = operation === 'purge' ? 'The purge of the user of this wish' : 'The anonymization of this user'
        await output.requireConfirmed(act, { yes: yes === true })
        const { salt, ...accepted } = await run((tx) => acceptWish(tx, { wish, operation, reason }))
        output.result({ wish: accepted, ...(salt !== undefined && { salt }) }, () =>
          [
            formatWish(accepted),
            '',
            `Continue with: ${commandName} erasure follow ${accepted.request_id}`,
            ...(salt === undefined
              ? []
              : ['', `The salt of the certificate, shown only now and stored nowhere:\n${salt}`]),
          ].join('\n'),
        )
      })
    })
}

function addRefuse(group: Command): void {
  group
    .command('refuse')
    .argument('<wish>', 'the id of the wish')
    .description('refuse a wish; the user is told the reason')
    .addOption(new Option('--reason <code>', 'the reason').choices(refusalReasonCodes).makeOptionMandatory())
    .option('--note <text>', 'a note that the user gets, too')
    .addHelpText(
      'after',
      helpText({
        notes: 'Each code has a term of the W3C Data Privacy Vocabulary, which the result shows.',
        exitCodes: { 5: 'the wish is decided already' },
        examples: ['lethe wish refuse WISH --reason legal_obligation --note "We must keep it for ten years."'],
      }),
    )
    .action(async (wish: string, { reason, note }: { reason: RefusalReason; note?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const refused = await run((tx) => refuseWish(tx, { wish, reason, note }))
        output.result({ wish: refused }, () => formatWish(refused))
      })
    })
}

function formatWish(wish: Wish): string {
  return formatFields({
    wish: wish.id,
    user: wish.user_id,
    state: wish.state,
    made: wish.created_at,
    decided: wish.decided_at,
    reason: wish.refusal_reason,
    term: wish.refusal_term,
    note: wish.note,
    request: wish.request_id,
  })
}
