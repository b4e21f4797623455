import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import {
  type IdentityProvider,
  listIdentityProviders,
  providerAlgorithms,
  removeIdentityProvider,
  setIdentityProvider,
} from '../../../identity/providers.ts'
import { codeOf } from '../../../platform/database/pool.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatTable } from '../../output.ts'
import { withApplication } from '../../session.ts'

/** `lethe identity-provider set|list|remove` */
export function addProviderCommands(program: Command): void {
  const group = program
    .command('identity-provider')
    .description('identity providers, whose signed requests this installation takes')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe identity-provider list',
          'lethe identity-provider set https://idp.example.org --audience lethe --keys jwks.json --algorithm RS256',
        ],
      }),
    )

  group
    .command('set')
    .argument('<issuer>', 'what its tokens name as "iss"')
    .description('set an identity provider: add it, or replace what it had')
    .requiredOption('--audience <text>', 'what its tokens name as "aud", such as the address of this server')
    .requiredOption('--keys <file>', 'a JWK set (RFC 7517) of its public keys')
    .requiredOption('--algorithm <name...>', `the algorithms of its tokens: ${providerAlgorithms.join(', ')}`)
    .addHelpText(
      'after',
      helpText({
        notes: `
An identity provider asks for erasures with POST /api/v1/identity-provider/erasures, and confirms accounts with
POST /api/v1/identity-provider/identities. To change its keys, set it again. Private and symmetric keys are refused.`,
        examples: [
          'lethe identity-provider set https://idp.example.org --audience lethe --keys jwks.json --algorithm RS256 ES256',
        ],
      }),
    )
    .action(async (issuer: string, options: SetOptions, command: Command) => {
      const keys = await readKeys(options.keys)
      await withApplication(command, async ({ application, output }) => {
        const { audience, algorithm: algorithms } = options
        const provider = await setIdentityProvider(application.database, { issuer, audience, keys, algorithms })
        output.result(
          { identity_provider: provider },
          () => `${provider.issuer} is set, with ${counted(provider.keys.keys.length, 'key')}.`,
        )
      })
    })

  group
    .command('list')
    .description('list the identity providers')
    .addHelpText('after', helpText({ examples: ['lethe identity-provider list --json'] }))
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const providers = await listIdentityProviders(application.database)
        output.result({ identity_providers: providers }, () => formatProviders(providers))
      })
    })

  group
    .command('remove')
    .argument('<issuer>', 'the issuer')
    .description('remove an identity provider; its tokens are refused from then on')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such identity provider' },
        examples: ['lethe identity-provider remove https://idp.example.org'],
      }),
    )
    .action(async (issuer: string, _options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const provider = await removeIdentityProvider(application.database, issuer)
        output.result({ identity_provider: provider }, () => `${provider.issuer} is removed.`)
      })
    })
}

type SetOptions = { audience: string; keys: string; algorithm: string[] }

function formatProviders(providers: IdentityProvider[]): string {
  if (providers.length === 0) return 'No identity provider is set. "lethe identity-provider set" sets one.'
  return formatTable(providers, [
    { title: 'issuer', value: ({ issuer }) => issuer },
    { title: 'audience', value: ({ audience }) => audience },
    { title: 'algorithms', value: ({ algorithms }) => algorithms.join(', ') },
    { title: 'keys', value: ({ keys }) => keys.keys.length, right: true },
    { title: 'changed', value: ({ changed_at }) => changed_at },
  ])
}

async function readKeys(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : codeOf(error)
    if (reason !== undefined) throw inputError('input.file_unreadable', { file, reason }, error)
    throw error
  }
}
