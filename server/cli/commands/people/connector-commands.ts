import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import {
  type Connector,
  type ConnectorFields,
  type ConnectorKind,
  changeConnector,
  confirmRun,
  connectorKinds,
  createConnector,
  deleteConnector,
  disableConnector,
  enableConnector,
  listConnectors,
  requestRun,
  showConnector,
} from '../../../connectors/connectors.ts'
import type { Credentials } from '../../../connectors/fetch-https.ts'
import { listRuns } from '../../../import-runs/list-runs.ts'
import { findByAnyIdentifier } from '../../../people/accounts/find-users.ts'
import { codeOf } from '../../../platform/database/pool.ts'
import type { TenantTransaction } from '../../../platform/database/transaction.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { type Act, addActs } from '../../add-acts.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

type Given = {
  name?: string
  address?: string
  runAs?: string
  notify?: string[]
  every?: string
  leastPercent?: string
  withRoles?: boolean
  username?: string
  passwordFile?: string
  tokenFile?: string
}

/** `lethe connector create|list|show|change|enable|disable|run|confirm|runs|delete` */
export function addConnectorCommands(program: Command): void {
  const group = program
    .command('connector')
    .description('pull users from a folder or over HTTPS, on a schedule')
    .addHelpText(
      'after',
      helpText({
        notes: 'docs/connectors.md has the rules.',
        examples: ['lethe connector list', 'lethe connector run CONNECTOR', 'lethe connector runs CONNECTOR --json'],
      }),
    )
  addCreate(group)
  addReading(group)
  addConnectorActs(group)
}

function addCreate(group: Command): void {
  withFields(
    group
      .command('create')
      .requiredOption('--name <name>', 'a name for the list of connectors')
      .addOption(new Option('--kind <kind>', 'where the file is').choices([...connectorKinds]).makeOptionMandatory())
      .requiredOption('--address <address>', 'the absolute path of the file, or a URL that begins with https://')
      .requiredOption('--run-as <user>', 'the user in whose name it runs, by any identifier'),
  )
    .description('create a connector, which is disabled until it is enabled')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe connector create --name HR --kind folder --address /srv/hr.csv --run-as A-17 --every 60',
          'lethe connector create --name HR --kind https --address https://hr.example.org/ --run-as A-17 --token-file token.txt',
        ],
      }),
    )
    .action(async (options: Given & { kind: ConnectorKind }, command: Command) => {
      const credentials = await readCredentials(options)
      await withTenant(command, async ({ run, output }) => {
        const made = await run(async (tx) =>
          createConnector(tx, { ...(await fieldsOf(tx, options, credentials)), kind: options.kind }),
        )
        output.result({ connector: made }, () => `Connector ${made.id} is created. Enable it to let it run.`)
      })
    })

  withFields(
    group
      .command('change')
      .argument('<connector>', 'the id of the connector')
      .option('--name <name>', 'a name for the list of connectors')
      .option('--address <address>', 'the absolute path of the file, or a URL that begins with https://')
      .option('--run-as <user>', 'the user in whose name it runs, by any identifier'),
  )
    .option('--no-credentials', 'remove the credentials')
    .description('change a connector')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe connector change CONNECTOR --every 1440',
          'lethe connector change CONNECTOR --run-as A-17 --notify hr@example.org',
        ],
      }),
    )
    .action(async (id: string, options: Given & { credentials: boolean }, command: Command) => {
      const credentials = options.credentials ? await readCredentials(options) : null
      await withTenant(command, async ({ run, output }) => {
        const changed = await run(async (tx) => changeConnector(tx, id, await fieldsOf(tx, options, credentials)))
        output.result({ connector: changed }, () => formatConnectors([changed]))
      })
    })
}

function withFields(command: Command): Command {
  return command
    .option('--notify <addresses...>', 'e-mail addresses that are told when a run fails or asks')
    .option('--every <minutes>', 'minutes between two runs, 5 to 44640, or "never"')
    .option('--least-percent <percent>', 'a feed with fewer good rows than this part of the last one stops the run')
    .option('--with-roles', 'apply the roles in the feed')
    .option('--username <name>', 'the user name for HTTPS, with --password-file')
    .option('--password-file <file>', 'a file with the password')
    .option('--token-file <file>', 'a file with a bearer token for HTTPS')
}

async function readCredentials(options: Given): Promise<Credentials | undefined> {
  const { username, passwordFile, tokenFile } = options
  if (tokenFile !== undefined) return { kind: 'bearer', token: await readSecret(tokenFile) }
  if (username === undefined && passwordFile === undefined) return undefined
  if (username === undefined || passwordFile === undefined) {
    throw inputError('input.invalid', { field: 'username', expected: '--username and --password-file go together' })
  }
  return { kind: 'basic', username, password: await readSecret(passwordFile) }
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw inputError('input.file_unreadable', { file, reason: codeOf(error) ?? 'it cannot be read' }, error)
  }
}

async function fieldsOf(
  tx: TenantTransaction,
  options: Given,
  credentials: Credentials | null | undefined,
): Promise<ConnectorFields> {
  const { every, leastPercent } = options
  return {
    name: options.name,
    address: options.address,
    notifyEmails: options.notify,
    runAs: options.runAs === undefined ? undefined : (await findByAnyIdentifier(tx, options.runAs)).id,
    everyMinutes: every === 'never' ? null : every === undefined ? undefined : Number(every),
    leastPercent: leastPercent === undefined ? undefined : Number(leastPercent),
    withRoles: options.withRoles,
    credentials,
  }
}

function addReading(group: Command): void {
  group
    .command('list')
    .description('list the connectors')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <connector>', 'only connectors behind this one')
    .addHelpText('after', helpText({ examples: ['lethe connector list', 'lethe connector list --json'] }))
    .action(async (options: { limit: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { connectors } = await run((tx) =>
          listConnectors(tx, { limit: Number(options.limit), after: options.after }),
        )
        output.result({ connectors }, () => formatConnectors(connectors))
      })
    })

  group
    .command('show')
    .argument('<connector>', 'the id of the connector')
    .description('show a connector, without its credentials')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe connector show CONNECTOR', 'lethe connector show CONNECTOR --json'] }),
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const connector = await run((tx) => showConnector(tx, id))
        output.result({ connector }, () => formatConnectors([connector]))
      })
    })

  group
    .command('runs')
    .argument('<connector>', 'the id of the connector')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .description('list the runs of a connector, newest first')
    .addHelpText(
      'after',
      helpText({
        notes: '"lethe import rows RUN" lists what became of each row.',
        examples: ['lethe connector runs CONNECTOR', 'lethe connector runs CONNECTOR --limit 5 --json'],
      }),
    )
    .action(async (id: string, options: { limit: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { runs } = await run(async (tx) =>
          listRuns(tx, { connectorId: (await showConnector(tx, id)).id, limit: Number(options.limit) }),
        )
        output.result({ runs }, () =>
          formatTable(runs, [
            { title: 'import', value: (one) => one.id },
            { title: 'state', value: ({ state }) => state },
            { title: 'started', value: ({ started_at }) => started_at },
            { title: 'read', value: ({ rows_read }) => rows_read, right: true },
            { title: 'written', value: ({ rows_written }) => rows_written, right: true },
            { title: 'rejected', value: ({ rows_rejected }) => rows_rejected, right: true },
            { title: 'error', value: ({ error_code }) => error_code },
          ]),
        )
      })
    })
}

function addConnectorActs(group: Command): void {
  const acts: Act[] = [
    { name: 'enable', does: 'enable a connector', said: 'is enabled', work: enableConnector },
    { name: 'disable', does: 'disable a connector', said: 'is disabled', work: (tx, id) => disableConnector(tx, id) },
    {
      name: 'run',
      does: 'run a connector now',
      notes: 'Workers ("lethe serve") do it; "lethe connector runs" shows the result.',
      said: 'runs as soon as a worker takes it',
      work: requestRun,
    },
    {
      name: 'confirm',
      does: 'confirm the feed that stopped the last run, and run once',
      notes: 'The run accepts as few good rows as were asked about, once.',
      said: 'runs once with the confirmed number of rows',
      work: confirmRun,
    },
    {
      name: 'delete',
      does: 'delete a connector; the log of its runs stays',
      said: 'is deleted',
      work: deleteConnector,
    },
  ]
  addActs(group, {
    thing: 'connector',
    noun: 'connector',
    called: 'Connector',
    result: (connector, done) => ({ connector, done }),
    acts,
  })
}

function formatConnectors(connectors: readonly Connector[]): string {
  return formatTable(connectors, [
    { title: 'connector', value: ({ id }) => id },
    { title: 'name', value: ({ name }) => name },
    { title: 'kind', value: ({ kind }) => kind },
    { title: 'address', value: ({ address }) => address },
    {
      title: 'state',
      value: ({ enabled, disabled_because }) => (enabled ? 'enabled' : (disabled_because ?? 'disabled')),
    },
    { title: 'every', value: ({ every_minutes }) => every_minutes, right: true },
    { title: 'next run', value: ({ next_run_at }) => next_run_at },
    { title: 'last rows', value: ({ last_rows }) => last_rows, right: true },
    { title: 'asks about', value: ({ asking_rows }) => asking_rows, right: true },
  ])
}
