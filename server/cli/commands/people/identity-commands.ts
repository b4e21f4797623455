import type { Command } from 'commander'
import { listIdentities } from '../../../identity/list-identities.ts'
import { linkHours, linksPerDay, requestConfirmation } from '../../../identity/request-confirmation.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { commandName } from '../../command-name.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, type SubjectOptions } from '../../subject-options.ts'

/** `lethe identity show|ask` */
export function addIdentityCommands(program: Command): void {
  const group = program
    .command('identity')
    .description('confirmed identities of users, by which a purge reaches trial tenants')
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe identity show --email ann@example.org', 'lethe identity ask --email ann@example.org'],
      }),
    )

  addSubjectOptions(group.command('show'), { many: false })
    .description('show the confirmed identities of a user, and the open confirmation links')
    .addHelpText('after', helpText({ examples: ['lethe identity show --email ann@example.org'] }))
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const identities = await run(async (tx) => listIdentities(tx, (await findUser(tx, selector)).id))
        output.result({ ...identities }, () => {
          const { confirmed, links } = identities
          if (confirmed.length === 0 && links.length === 0) {
            return `No identity of this user is confirmed. Ask the user with "${commandName} identity ask".`
          }
          return [
            formatTable(confirmed, [
              { title: 'confirmed', value: ({ kind }) => kind },
              { title: 'by', value: ({ method }) => method },
              { title: 'when', value: ({ confirmed_at }) => confirmed_at },
            ]),
            formatTable(links, [
              { title: 'open link', value: ({ id }) => id },
              { title: 'sent', value: ({ sent_at }) => sent_at ?? 'not yet' },
              { title: 'expires', value: ({ expires_at }) => expires_at },
            ]),
          ].join('\n\n')
        })
      })
    })

  addSubjectOptions(group.command('ask'), { many: false })
    .description('mail a user a link that confirms the own e-mail address')
    .addHelpText(
      'after',
      helpText({
        notes: `
The workers of "lethe serve" send the e-mail. The link leads to LETHE_PUBLIC_URL, works once, and expires after
${linkHours} hours. A user gets at most ${linksPerDay} links a day. A change of the address drops its confirmation.`,
        exitCodes: {
          5: 'the user has no address, the address is confirmed already, or the user is not active',
          6: 'LETHE_PUBLIC_URL is not set',
          9: 'too many links; wait',
        },
        examples: ['lethe identity ask --email ann@example.org'],
      }),
    )
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output, config: { publicUrl } }) => {
        const link = await run(async (tx) =>
          requestConfirmation(tx, { userId: (await findUser(tx, selector)).id, publicUrl }),
        )
        output.result({ link }, () => `The workers mail a confirmation link to the user. Its id is ${link.id}.`)
      })
    })
}
