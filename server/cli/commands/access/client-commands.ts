import { type Command, Option } from 'commander'
import { createOAuthClient, listOAuthClients, revokeOAuthClient } from '../../../access/oauth-clients.ts'
import { rotateSigningKey } from '../../../access/rotate-signing-key.ts'
import { type Scope, scopes } from '../../../permissions/principal.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withApplication, withTenant } from '../../session.ts'

/** `lethe client create|list|rotate-key|revoke` */
export function addClientCommands(program: Command): void {
  const group = program
    .command('client')
    .description('OAuth 2.0 clients, which request access tokens')
    .addHelpText(
      'after',
      helpText({
        notes: 'A client requests tokens at /oauth2/token/TENANT-ID with the grant type client_credentials.',
        examples: ['lethe client create "HR sync" --scope api/read api/write', 'lethe client list'],
      }),
    )

  group
    .command('create')
    .argument('<name>', 'the purpose of the client')
    .addOption(
      new Option('--scope <scope...>', 'the scopes that its tokens can have')
        .choices(scopes)
        .default(['api/read'] as Scope[]),
    )
    .description('create a client and show its secret once')
    .addHelpText(
      'after',
      helpText({
        notes: 'It requests tokens at /oauth2/token/TENANT-ID with the grant type client_credentials.',
        examples: ['lethe client create "Report"', 'lethe client create "HR sync" --scope api/read api/write'],
      }),
    )
    .action(async (name: string, options: { scope: Scope[] }, command: Command) => {
      await withTenant(command, async ({ run, output, tenant }) => {
        const { client, secret } = await run((tx) => createOAuthClient(tx, { name, scopes: options.scope }))
        output.note('Save the secret now. It is not shown again.')
        output.result({ client, tenant_id: tenant.id, secret }, () =>
          formatFields({ ...client, tenant: tenant.id, secret }),
        )
      })
    })

  group
    .command('list')
    .description('list the clients, newest first, without their secrets')
    .addHelpText('after', helpText({ examples: ['lethe client list', 'lethe client list --json'] }))
    .action(async (_options, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const clients = await run((tx) => listOAuthClients(tx))
        output.result({ clients }, () =>
          formatTable(clients, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ name }) => name },
            { title: 'scopes', value: (client) => client.scopes },
            { title: 'state', value: ({ revoked_at }) => (revoked_at === null ? 'good' : 'revoked') },
            { title: 'last token', value: ({ last_used_at }) => last_used_at },
          ]),
        )
      })
    })

  group
    .command('rotate-key')
    .description('sign tokens with a new key; the present tokens of all clients of all tenants end immediately')
    .addHelpText('after', helpText({ examples: ['lethe client rotate-key'] }))
    .action(async (_options, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const kid = await rotateSigningKey(application.database, 'token')
        output.result({ kid }, () => `Tokens are now signed with the key ${kid}.`)
      })
    })

  group
    .command('revoke')
    .argument('<id>', 'the id of the client')
    .description('revoke a client and its tokens immediately and for good')
    .addHelpText(
      'after',
      helpText({ exitCodes: { 3: 'the tenant has no such client' }, examples: ['lethe client revoke CLIENT'] }),
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const client = await run((tx) => revokeOAuthClient(tx, id))
        output.result({ client }, () => `Client ${client.id} is revoked.`)
      })
    })
}
