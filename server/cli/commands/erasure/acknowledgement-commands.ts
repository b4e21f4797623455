import type { Command } from 'commander'
import {
  createAcknowledgementLink,
  linkDays,
  withdrawAcknowledgementLink,
} from '../../../erasure/acknowledgements/links.ts'
import type { Receiver } from '../../../erasure/acknowledgements/list-receivers.ts'
import { commandName } from '../../command-name.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe erasure ask|withdraw` */
export function addAcknowledgementCommands(group: Command): void {
  addAsk(group)
  addWithdraw(group)
}

function addAsk(group: Command): void {
  group
    .command('ask')
    .argument('<request>', 'the id of the erasure request')
    .requiredOption('--system <id>', 'the external system, as "lethe system list" shows it')
    .option('--days <number>', `the days that the link is valid, up to ${linkDays.most}`, String(linkDays.usual))
    .description('make a link by which the owner of an external system acknowledges an erasure')
    .addHelpText(
      'after',
      helpText({
        notes: `
Send the link to the owner of the system. It leads to a page below LETHE_PUBLIC_URL that needs no sign-in, names no
erased person, and works once. The link is shown once. The acknowledgement becomes a signed addendum of the
certificate, and "lethe erasure show" lists who has acknowledged and who has not.`,
        exitCodes: { 5: 'no person of the request is erased yet', 6: 'LETHE_PUBLIC_URL is not set' },
        examples: ['lethe erasure ask REQUEST --system SYSTEM', 'lethe erasure ask REQUEST --system SYSTEM --days 90'],
      }),
    )
    .action(async (request: string, { system, days }: { system: string; days: string }, command: Command) => {
      await withTenant(command, async ({ run, output, config: { publicUrl } }) => {
        const link = await run((tx) =>
          createAcknowledgementLink(tx, { request, systemId: system, days: Number(days), publicUrl }),
        )
        output.result(
          { link },
          () =>
            `${link.url}\n\nSend this link to the owner of the system. It is shown only now, and is valid until ${link.expires_at.toISOString()}.\nIf it went to the wrong person: ${commandName} erasure withdraw ${request} ${link.id}`,
        )
      })
    })
}

function addWithdraw(group: Command): void {
  group
    .command('withdraw')
    .argument('<request>', 'the id of the erasure request')
    .argument('<link>', 'the id of the link')
    .description('withdraw a link for an acknowledgement that was not used yet')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such link, or it was used already' },
        examples: ['lethe erasure withdraw REQUEST LINK'],
      }),
    )
    .action(async (request: string, link: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => withdrawAcknowledgementLink(tx, { request, link }))
        output.result({ withdrawn: link }, () => 'Withdrew the link.')
      })
    })
}

/** Who has acknowledged an erasure request, and who has not. */
export function formatReceivers(receivers: readonly Receiver[]): string {
  return formatTable(receivers, [
    { title: 'receiver', value: ({ name }) => name ?? 'not in the register any more' },
    { title: 'kind', value: ({ kind }) => kind.replace('_', ' ') },
    { title: 'id', value: ({ id }) => id },
    { title: 'acknowledged', value: acknowledgedText },
    { title: 'open link', value: ({ open_link: link }) => link?.id },
  ])
}

function acknowledgedText({ acknowledged_at: at, covers_all: coversAll }: Receiver): string {
  if (at === null) return 'no'
  return coversAll ? at.toISOString() : `${at.toISOString()}, before the last person was erased`
}
