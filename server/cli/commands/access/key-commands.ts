import { type Command, Option } from 'commander'
import {
  type ApiKey,
  type ApiKeyAccess,
  apiKeyAccesses,
  createApiKey,
  listApiKeys,
  revokeApiKey,
} from '../../../access/api-keys.ts'
import { requireDay } from '../../../platform/validation/require-time.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

type CreateOptions = { access: ApiKeyAccess; thrive?: boolean; expires?: string }

/** `lethe key create|list|revoke` */
export function addKeyCommands(program: Command): void {
  const group = program
    .command('key')
    .description('API keys for programs')
    .addHelpText(
      'after',
      helpText({
        notes: 'A program sends the key as the password of HTTP Basic, with any user name.',
        examples: ['lethe key create "Nightly report"', 'lethe key list', 'lethe key revoke KEY'],
      }),
    )

  group
    .command('create')
    .argument('<name>', 'the purpose of the key')
    .addOption(new Option('--access <access>', 'the access of the key').choices(apiKeyAccesses).default('read_only'))
    .option('--thrive', 'a Thrive API secret: the user name is the id of the tenant')
    .option('--expires <YYYY-MM-DD>', 'the day (UTC) at whose start the key ends; default: never')
    .description('create a key and show it once')
    .addHelpText(
      'after',
      helpText({
        notes: `
A program sends the key as the password of HTTP Basic, with any user name; a Thrive secret with the tenant's id as the
user name. Keep what is printed: it is not shown again.`,
        examples: [
          'lethe key create "Nightly report"',
          'lethe key create "HR sync" --access full_control --expires 2999-01-01',
          'lethe key create "Thrive" --thrive --access full_control --json',
        ],
      }),
    )
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const expiresAt =
        options.expires === undefined ? undefined : new Date(`${requireDay('--expires', options.expires)}T00:00:00Z`)
      await withTenant(command, async ({ run, output, tenant }) => {
        const { key, secret } = await run((tx) =>
          createApiKey(tx, {
            name,
            access: options.access,
            kind: options.thrive === true ? 'thrive' : 'api_key',
            ...(expiresAt !== undefined && { expiresAt }),
          }),
        )
        output.note('Save the secret now. It is not shown again.')
        const user_name = key.kind === 'thrive' ? tenant.id : 'api'
        output.result({ key, user_name, secret }, () => formatFields({ ...key, 'user name': user_name, secret }))
      })
    })

  group
    .command('list')
    .description('list the keys, newest first, without their secrets')
    .addHelpText('after', helpText({ examples: ['lethe key list', 'lethe key list --json'] }))
    .action(async (_options, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const keys = await run((tx) => listApiKeys(tx))
        output.result({ keys }, () =>
          formatTable(keys, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ name }) => name },
            { title: 'begins with', value: ({ prefix }) => prefix },
            { title: 'kind', value: ({ kind }) => kind },
            { title: 'access', value: ({ access }) => access },
            { title: 'state', value: stateOf },
            { title: 'last used', value: ({ last_used_at }) => last_used_at },
          ]),
        )
      })
    })

  group
    .command('revoke')
    .argument('<id>', 'the id of the key')
    .description('revoke a key immediately and for good')
    .addHelpText(
      'after',
      helpText({ exitCodes: { 3: 'the tenant has no such key' }, examples: ['lethe key revoke KEY'] }),
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const key = await run((tx) => revokeApiKey(tx, id))
        output.result({ key }, () => `Key ${key.id} is revoked.`)
      })
    })
}

function stateOf({ revoked_at, expires_at }: ApiKey): string {
  if (revoked_at !== null) return 'revoked'
  return expires_at !== null && expires_at.getTime() <= Date.now() ? 'expired' : 'good'
}
