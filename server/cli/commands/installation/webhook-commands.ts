import { type Command, Option } from 'commander'
import { eventKindNames, eventKinds } from '../../../events/event-kinds.ts'
import { type Delivery, deliveryStates } from '../../../events/list-deliveries.ts'
import type { TenantTransaction } from '../../../platform/database/transaction.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  disableEndpoint,
  type Endpoint,
  type EndpointFields,
  enableEndpoint,
  endPreviousSecret,
  listEndpoints,
  rotateSecret,
  showEndpoint,
} from '../../../webhooks/endpoints.ts'
import { deliveriesOf, replayAllDead, replayOne, testEndpoint } from '../../../webhooks/replay.ts'
import { type Act, addActs } from '../../add-acts.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addReferenceCommands } from './webhook-reference-commands.ts'

type Given = { name?: string; url?: string; events?: string[]; thriveSignature?: boolean }

const kindsNote = `Events:\n${eventKindNames.map((kind) => `  ${kind.padEnd(18)} ${eventKinds[kind].when}`).join('\n')}`

/** `lethe webhook create|list|show|change|enable|disable|rotate-secret|end-secret|test|deliveries|replay|delete|register|references` */
export function addWebhookCommands(program: Command): void {
  const group = program
    .command('webhook')
    .description('tell other systems about events, and see what was delivered')
    .addHelpText(
      'after',
      helpText({
        notes: 'docs/webhooks.md has the payload, the signatures and the rules.',
        examples: ['lethe webhook list', 'lethe webhook deliveries WEBHOOK --state dead', 'lethe webhook test WEBHOOK'],
      }),
    )
  addCreate(group)
  addReading(group)
  addWebhookActs(group)
  addSecrets(group)
  addDeliveries(group)
  addReferenceCommands(group)
}

function addCreate(group: Command): void {
  group
    .command('create')
    .requiredOption('--name <name>', 'a name for the list of endpoints')
    .requiredOption('--url <url>', 'a URL that begins with https://')
    .requiredOption('--events <events...>', 'the events that it is told about')
    .option('--thrive-signature', "also send Thrive's header x-hmac-signature")
    .description('create an endpoint, and show its secret once')
    .addHelpText(
      'after',
      helpText({
        notes: kindsNote,
        examples: [
          'lethe webhook create --name HR --url https://hr.example.org/lethe --events user.deleted user.purged',
          'lethe webhook create --name Thrive --url https://thrive.example.org/ --events user.updated --thrive-signature',
        ],
      }),
    )
    .action(async (options: Given, command: Command) => {
      await withTenant(command, async ({ run, output, config }) => {
        const { endpoint, secret } = await run((tx) => createEndpoint(tx, fieldsOf(options), config))
        output.result(
          { webhook: endpoint, secret },
          () => `Webhook endpoint ${endpoint.id} is created. Its secret is shown this once:\n${secret}`,
        )
      })
    })

  group
    .command('change')
    .argument('<webhook>', 'the id of the endpoint')
    .option('--name <name>', 'a name for the list of endpoints')
    .option('--url <url>', 'a URL that begins with https://')
    .option('--events <events...>', 'the events that it is told about, instead of those before')
    .option('--thrive-signature', "also send Thrive's header x-hmac-signature")
    .option('--no-thrive-signature', 'send it no longer')
    .description('change an endpoint; what waits for it goes to the new address')
    .addHelpText(
      'after',
      helpText({
        notes: kindsNote,
        examples: [
          'lethe webhook change WEBHOOK --url https://hr.example.org/new',
          'lethe webhook change WEBHOOK --events user.deleted user.purged user.anonymized',
        ],
      }),
    )
    .action(async (id: string, options: Given, command: Command) => {
      await withTenant(command, async ({ run, output, config }) => {
        const changed = await run((tx) => changeEndpoint(tx, id, fieldsOf(options), config))
        output.result({ webhook: changed }, () => formatEndpoints([changed]))
      })
    })
}

function fieldsOf({ name, url, events, thriveSignature }: Given): EndpointFields {
  return { name, url, events, thriveSignature }
}

function addReading(group: Command): void {
  group
    .command('list')
    .description('list the endpoints')
    .addHelpText('after', helpText({ examples: ['lethe webhook list', 'lethe webhook list --json'] }))
    .action(async (_options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const webhooks = await run(listEndpoints)
        output.result({ webhooks }, () =>
          webhooks.length === 0
            ? 'This tenant has no webhook endpoint. "lethe webhook create" creates one.'
            : formatEndpoints(webhooks),
        )
      })
    })

  group
    .command('show')
    .argument('<webhook>', 'the id of the endpoint')
    .description('show an endpoint, without its secrets')
    .addHelpText('after', helpText({ examples: ['lethe webhook show WEBHOOK', 'lethe webhook show WEBHOOK --json'] }))
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const webhook = await run((tx) => showEndpoint(tx, id))
        output.result({ webhook }, () => formatEndpoints([webhook]))
      })
    })
}

function addWebhookActs(group: Command): void {
  const acts: Act[] = [
    { name: 'enable', does: 'enable an endpoint', said: 'is enabled', work: enableEndpoint },
    {
      name: 'disable',
      does: 'disable an endpoint; it hears of no further event',
      notes: 'What waits for it waits on, for four days at most.',
      said: 'is disabled',
      work: (tx, id) => disableEndpoint(tx, id),
    },
    {
      name: 'test',
      does: 'send a test delivery',
      notes: 'Workers ("lethe serve") send it; "lethe webhook deliveries" shows the result.',
      said: 'gets a test delivery as soon as a worker takes it',
      work: testEndpoint,
    },
    {
      name: 'delete',
      does: 'delete an endpoint with its deliveries',
      notes: 'There is no undo. "lethe webhook disable" can be undone.',
      said: 'is deleted',
      work: deleteEndpoint,
    },
  ]
  addActs(group, {
    thing: 'webhook',
    noun: 'endpoint',
    called: 'Webhook endpoint',
    result: (webhook) => ({ webhook }),
    acts,
  })
}

function addSecrets(group: Command): void {
  group
    .command('rotate-secret')
    .argument('<webhook>', 'the id of the endpoint')
    .option('--overlap-hours <hours>', 'how long the secret before also signs, 0 to 168', '24')
    .description('replace the secret, and show the new one once')
    .addHelpText(
      'after',
      helpText({
        notes: 'Give the receiver the new secret, then end the one before with "lethe webhook end-secret".',
        examples: ['lethe webhook rotate-secret WEBHOOK', 'lethe webhook rotate-secret WEBHOOK --overlap-hours 0'],
      }),
    )
    .action(async (id: string, options: { overlapHours: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { endpoint, secret } = await run((tx) =>
          rotateSecret(tx, id, { overlapHours: Number(options.overlapHours) }),
        )
        output.result(
          { webhook: endpoint, secret },
          () => `Webhook endpoint ${endpoint.id} has a new secret, which is shown this once:\n${secret}`,
        )
      })
    })

  group
    .command('end-secret')
    .argument('<webhook>', 'the id of the endpoint')
    .description('end the secret before at once')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe webhook end-secret WEBHOOK', 'lethe webhook end-secret WEBHOOK --json'] }),
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const webhook = await run((tx) => endPreviousSecret(tx, id))
        output.result({ webhook }, () => `Webhook endpoint ${webhook.id} has one secret.`)
      })
    })
}

function addDeliveries(group: Command): void {
  group
    .command('deliveries')
    .argument('<webhook>', 'the id of the endpoint')
    .addOption(new Option('--state <state>', 'only those in this state').choices([...deliveryStates]))
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <delivery>', 'only deliveries behind this one')
    .description('list the deliveries to an endpoint, newest first')
    .addHelpText(
      'after',
      helpText({
        notes: 'A delivery is deleted 30 days after it ended, and when its person is erased.',
        examples: ['lethe webhook deliveries WEBHOOK', 'lethe webhook deliveries WEBHOOK --state dead --json'],
      }),
    )
    .action(async (id: string, options: { state?: string; limit: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { deliveries } = await run((tx) =>
          deliveriesOf(tx, id, { state: options.state, limit: Number(options.limit), after: options.after }),
        )
        output.result({ deliveries }, () =>
          deliveries.length === 0 ? 'There is no such delivery.' : formatDeliveries(deliveries),
        )
      })
    })

  group
    .command('replay')
    .argument('<webhook>', 'the id of the endpoint')
    .option('--delivery <delivery>', 'one delivery, whatever its state')
    .option('--dead-since <time>', 'all deliveries that died since this time')
    .description('send one delivery again, or all that died since a time')
    .addHelpText(
      'after',
      helpText({
        notes: 'The payload is built anew. Of an erased person it has the request and the internal id.',
        examples: [
          'lethe webhook replay WEBHOOK --delivery DELIVERY',
          'lethe webhook replay WEBHOOK --dead-since 2026-03-01T00:00:00Z',
        ],
      }),
    )
    .action(async (id: string, options: { delivery?: string; deadSince?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const deliveries = await run((tx) => replay(tx, id, options))
        output.result({ deliveries }, () => `Queued again: ${deliveries}.`)
      })
    })
}

async function replay(
  tx: TenantTransaction,
  id: string,
  { delivery, deadSince }: { delivery?: string; deadSince?: string },
): Promise<number> {
  if ((delivery === undefined) === (deadSince === undefined)) {
    throw inputError('input.invalid', {
      field: 'delivery',
      expected: 'either --delivery or --dead-since is expected',
    })
  }
  if (delivery === undefined) return await replayAllDead(tx, id, new Date(deadSince ?? ''))
  await replayOne(tx, id, delivery)
  return 1
}

function formatEndpoints(webhooks: readonly Endpoint[]): string {
  return formatTable(webhooks, [
    { title: 'webhook', value: ({ id }) => id },
    { title: 'name', value: ({ name }) => name },
    { title: 'address', value: ({ url }) => url },
    { title: 'state', value: ({ disabled_because: because }) => because ?? 'enabled' },
    { title: 'two secrets until', value: ({ previous_secret_until: until }) => until },
    { title: 'events', value: ({ events }) => events.join(' ') },
  ])
}

function formatDeliveries(deliveries: readonly Delivery[]): string {
  return formatTable(deliveries, [
    { title: 'delivery', value: ({ id }) => id },
    { title: 'event', value: ({ kind }) => kind },
    { title: 'occurred', value: ({ occurred_at: at }) => at },
    { title: 'state', value: ({ state }) => state },
    { title: 'attempts', value: ({ attempts }) => attempts, right: true },
    { title: 'last answer', value: ({ attempt_log: log }) => log.at(-1)?.status ?? log.at(-1)?.error },
    { title: 'next attempt', value: ({ next_attempt_at: at }) => at },
  ])
}
