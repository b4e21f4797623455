import type { Command } from 'commander'
import { decideAsOperator, decideProposal, matchDays } from '../../../erasure/reach/decide-match.ts'
import { listProposals, listWaitingMatches } from '../../../erasure/reach/list-matches.ts'
import { commandName } from '../../command-name.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withApplication, withTenant } from '../../session.ts'

type DecideOptions = { yes?: boolean; reason?: string }

/** `lethe reach list|accept|refuse`, for the operator, and `lethe proposal list|accept|refuse`, for a tenant */
export function addReachCommands(program: Command): void {
  addReach(program)
  addProposals(program)
}

function addReach(program: Command): void {
  const group = program
    .command('reach')
    .description('erasures that wait for the operator before they reach a trial tenant')
    .addHelpText(
      'after',
      helpText({
        notes: `
A purge reaches trial tenants by itself only through a confirmed identity. Any other match waits here for
${matchDays} days. docs/reach.md has the table of what reaches what.`,
        examples: ['lethe reach list', 'lethe reach accept MATCH', 'lethe reach refuse MATCH'],
      }),
    )

  group
    .command('list')
    .description('list what waits for the operator, oldest first; it shows ids only')
    .addHelpText('after', helpText({ examples: ['lethe reach list', 'lethe reach list --json'] }))
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const matches = await listWaitingMatches(application.database)
        output.result({ matches }, () =>
          matches.length === 0
            ? 'Nothing waits for the operator.'
            : formatTable(matches, [
                { title: 'match', value: ({ id }) => id },
                { title: 'trial', value: ({ tenant_name }) => tenant_name },
                { title: 'what', value: ({ what }) => what.replace('_', ' ') },
                { title: 'user', value: ({ user_id }) => user_id ?? '' },
                { title: 'users', value: ({ users }) => users, right: true },
                { title: 'requested in', value: (match) => match.source_tenant_id ?? 'identity provider' },
                { title: 'request', value: ({ source_request_id }) => source_request_id ?? '' },
                { title: 'expires', value: ({ expires_at }) => expires_at },
              ]),
        )
      })
    })

  group
    .command('accept')
    .argument('<match>', 'the id of the match')
    .description('let an erasure reach a trial tenant; it makes an erasure request there')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      helpText({
        notes: 'The workers of "lethe serve" do the work. Legal holds of the trial still apply.',
        exitCodes: { 3: 'there is no such match', 5: 'the match is decided already, or its user is gone' },
        examples: ['lethe reach accept MATCH', 'lethe reach accept MATCH --yes --json'],
      }),
    )
    .action(async (match: string, options: DecideOptions, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        await output.requireConfirmed('The erasure in this trial tenant', { yes: options.yes === true })
        const { request } = await decideAsOperator(application.database, match, { accept: true })
        output.result({ match, request }, () => `Accepted. The trial tenant has erasure request ${request}.`)
      })
    })

  group
    .command('refuse')
    .argument('<match>', 'the id of the match')
    .description('do not let an erasure reach a trial tenant')
    .option('--reason <text>', 'the reason; stored with the match')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such match', 5: 'the match is decided already' },
        examples: ['lethe reach refuse MATCH', 'lethe reach refuse MATCH --reason "another person"'],
      }),
    )
    .action(async (match: string, options: DecideOptions, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        await decideAsOperator(application.database, match, { accept: false, reason: options.reason })
        output.result({ match, request: null }, () => 'Refused. Nothing is erased in the trial tenant.')
      })
    })
}

function addProposals(program: Command): void {
  const group = program
    .command('proposal')
    .description('erasures that an identity provider asks this tenant for')
    .addHelpText(
      'after',
      helpText({
        notes: 'In an enterprise, an identity provider erases nothing. An administrator accepts or refuses.',
        examples: ['lethe proposal list', 'lethe proposal accept PROPOSAL', 'lethe proposal refuse PROPOSAL'],
      }),
    )

  group
    .command('list')
    .description('list what waits for a decision')
    .option('--all', 'also what was decided before')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <id>', 'continue after the proposal with this id')
    .addHelpText('after', helpText({ examples: ['lethe proposal list', 'lethe proposal list --all --json'] }))
    .action(async (options: { all?: boolean; limit: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { proposals, next } = await run((tx) =>
          listProposals(tx, { all: options.all, limit: Number(options.limit), after: options.after }),
        )
        output.result({ proposals, next: next ?? null }, () => {
          if (proposals.length === 0) return 'No identity provider asks for an erasure.'
          const table = formatTable(proposals, [
            { title: 'proposal', value: ({ id }) => id },
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'confirmed', value: ({ confirmed }) => (confirmed ? 'yes' : 'no') },
            { title: 'state', value: ({ state }) => state },
            { title: 'request', value: ({ request_id }) => request_id ?? '' },
            { title: 'asked', value: ({ created_at }) => created_at },
          ])
          return next === undefined ? table : `${table}\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })

  group
    .command('accept')
    .argument('<proposal>', 'the id of the proposal')
    .description('delete the user and make an erasure request')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      helpText({
        notes: `"${commandName} preview --id USER" counts what the purge would do.`,
        exitCodes: {
          3: 'there is no such proposal',
          5: 'it is decided already, or the user is the last administrator',
        },
        examples: ['lethe proposal accept PROPOSAL'],
      }),
    )
    .action(async (proposal: string, options: DecideOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await output.requireConfirmed('The purge of this user', { yes: options.yes === true })
        const { request } = await run((tx) => decideProposal(tx, proposal, { accept: true }))
        output.result({ proposal, request }, () => `Accepted. Follow it with: ${commandName} erasure follow ${request}`)
      })
    })

  group
    .command('refuse')
    .argument('<proposal>', 'the id of the proposal')
    .description('refuse an erasure that an identity provider asks for')
    .option('--reason <text>', 'the reason; stored with the proposal')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such proposal', 5: 'it is decided already' },
        examples: ['lethe proposal refuse PROPOSAL --reason "must be kept by law"'],
      }),
    )
    .action(async (proposal: string, options: DecideOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => decideProposal(tx, proposal, { accept: false, reason: options.reason }))
        output.result({ proposal, request: null }, () => 'Refused. Nothing is erased.')
      })
    })
}
