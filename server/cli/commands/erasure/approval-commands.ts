import { type Command, Option } from 'commander'
import { approveErasure, rejectErasure } from '../../../erasure/safeguards/decide.ts'
import { listAwaitingApproval } from '../../../erasure/safeguards/list-awaiting.ts'
import { type RefusalReason, refusalReasonCodes } from '../../../people/lifecycle/justifications.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe erasure awaiting|approve|reject` */
export function addApprovalCommands(group: Command): void {
  addAwaiting(group)
  addApprove(group)
  addReject(group)
}

function addAwaiting(group: Command): void {
  group
    .command('awaiting')
    .description('list the erasure requests that wait for an approval, oldest first')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <request>', 'continue after the request with this id')
    .addHelpText('after', helpText({ examples: ['lethe erasure awaiting', 'lethe erasure awaiting --json'] }))
    .action(async (options: { limit: string; after?: string }, command: Command) => {
      const { limit, after } = options
      await withTenant(command, async ({ run, output }) => {
        const { erasures, next } = await run((tx) =>
          listAwaitingApproval(tx, { limit: Number(limit), ...(after !== undefined && { after }) }),
        )
        output.result({ erasures, next: next ?? null }, () => {
          const rest = next === undefined ? '' : `\nThere are more. Repeat the command with --after ${next}`
          const table = formatTable(erasures, [
            { title: 'request', value: ({ id }) => id },
            { title: 'operation', value: ({ operation }) => operation },
            { title: 'people', value: ({ subjects }) => subjects.total, right: true },
            { title: 'requested by', value: (one) => one.requestedBy ?? one.requestedByCredential },
            { title: 'requested', value: ({ createdAt }) => createdAt },
            { title: 'reason', value: ({ reason }) => reason },
          ])
          return `${table}${rest}`
        })
      })
    })
}

function addApprove(group: Command): void {
  group
    .command('approve')
    .argument('<request>', 'the id of the erasure request')
    .description('approve an erasure request of another person; needs --as')
    .option('--note <text>', 'a free text about the decision, of up to 2,000 characters')
    .addHelpText(
      'after',
      helpText({
        notes: `
The person of --as approves. That person must be an administrator or privacy officer, and another person than the one who
made the request or created the API key that made it.`,
        exitCodes: {
          5: 'the request does not wait for an approval',
          8: 'the person of --as may not approve this request',
        },
        examples: ['lethe erasure approve REQUEST --as bob@example.org'],
      }),
    )
    .action(async (request: string, options: { note?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => approveErasure(tx, request, options))
        output.result({ request, decision: 'approved' }, () => `Approved erasure request ${request}.`)
      })
    })
}

function addReject(group: Command): void {
  group
    .command('reject')
    .argument('<request>', 'the id of the erasure request')
    .description('refuse an erasure request of another person; needs --as')
    .addOption(
      new Option('--reason-code <code>', 'the reason; docs/safeguards.md explains the codes')
        .choices(refusalReasonCodes)
        .makeOptionMandatory(),
    )
    .option('--note <text>', 'a free text about the decision, of up to 2,000 characters')
    .addHelpText(
      'after',
      helpText({
        notes: 'The request ends, and its people stay deleted users.',
        exitCodes: {
          5: 'the request does not wait for an approval',
          8: 'the person of --as may not decide about this request',
        },
        examples: ['lethe erasure reject REQUEST --reason-code identity_not_verified --as bob@example.org'],
      }),
    )
    .action(async (request: string, options: { reasonCode: RefusalReason; note?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => rejectErasure(tx, request, { reason: options.reasonCode, note: options.note }))
        output.result({ request, decision: 'rejected' }, () => `Refused erasure request ${request}.`)
      })
    })
}
