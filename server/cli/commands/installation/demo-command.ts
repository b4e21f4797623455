import type { Command } from 'commander'
import { type Config, defaultDataFolder, projectFolder } from '../../../config.ts'
import { type Examples, findExamples } from '../../../demo/find-examples.ts'
import { type DemoAccess, demoPassword, giveDemoAccess } from '../../../demo/give-access.ts'
import { loadDemo } from '../../../demo/load-demo.ts'
import { inTenant } from '../../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../../platform/validation/require-number.ts'
import { listTenants, type Tenant } from '../../../tenancy/tenants.ts'
import { commandName } from '../../command-name.ts'
import { helpText } from '../../help-text.ts'
import { type ApplicationSession, withApplication } from '../../session.ts'
import { shellWord } from '../../shell-word.ts'
import { serve, usualAddress } from './serve-command.ts'

/** `lethe demo` */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'load a tenant of 300 made-up people, show what to try, and serve HTTP and erasure requests until Ctrl-C',
    )
    .option('--load-only', 'load the demo and exit')
    .option('--port <number>', 'the port to listen on; if it is in use, any free port', '8080')
    .addHelpText(
      'after',
      helpText({
        notes: 'If the tenant exists, the command loads nothing.',
        exitCodes: { 0: 'loaded, or stopped with Ctrl-C' },
        examples: ['lethe demo', 'lethe demo --load-only --data ~/lethe-demo --json'],
      }),
    )
    .action(async ({ loadOnly = false, port }: { loadOnly?: boolean; port: string }, command: Command) => {
      const address = { ...usualAddress, port: requireWholeNumber('--port', Number(port), { from: 0, to: 65_535 }) }
      await withApplication(
        command,
        async (session) => {
          let demo: LoadedDemo | undefined
          const prepare = async () => {
            demo = await load(session)
          }
          const show = async (url?: string) => {
            if (demo !== undefined) await showDemo(session, demo, url)
          }
          if (loadOnly) {
            await prepare()
            await show()
          } else {
            const options = {
              command: 'lethe demo',
              role: 'all',
              address,
              orAnyPort: true,
              logAfterListening: true,
            } as const
            await serve(session, { ...options, logLevel: 'warn', prepare, onListening: show })
          }
        },
        { untilStopped: !loadOnly },
      )
    })
}

type LoadedDemo = { tenant: Tenant; loaded: boolean }

/** Loads the demo if it is not there. */
function load({ application, output, signal }: ApplicationSession): Promise<LoadedDemo> {
  return loadDemo(application.database, {
    signal,
    onLoad: () => output.note('Loading the demo: 300 made-up people and what they have learned (a few seconds).'),
  })
}

/** Prints what can be done with the demo: in a terminal, and where a server answers at `url`, with it. */
async function showDemo(session: ApplicationSession, { tenant, loaded }: LoadedDemo, url?: string): Promise<void> {
  const { application, config, output } = session
  const examples = await inTenant(application.database, tenant.id, findExamples)
  const steps = proposeSteps(examples, await optionsFor(session, tenant))
  const access = url === undefined ? undefined : await inTenant(application.database, tenant.id, giveDemoAccess)
  const http = url === undefined || access === undefined ? undefined : describeHttp(url, tenant, access, examples)
  output.result({ tenant, loaded, try: steps, ...(http && { http }) }, () => {
    const server = config.databaseUrl === undefined ? '' : ', with the same DATABASE_URL and LETHE_MASTER_KEY'
    const terminal = url === undefined ? 'a terminal' : 'a second terminal'
    return [
      '',
      loaded
        ? `Welcome to the ${tenant.name}. Its people are made up, so nothing you do here can hurt a person.`
        : `The ${tenant.name} already exists and stays as it is.`,
      '',
      `Open ${terminal} in ${projectFolder}${server}, and paste:`,
      ...steps.flatMap(({ why, commands }) => ['', why, ...commands.map((command) => `  ${command}`)]),
      ...(http === undefined ? [] : httpText(http)),
      ...(config.databaseUrl === undefined
        ? ['', `All data is in ${config.dataFolder}; remove that folder to start again.`]
        : []),
    ].join('\n')
  })
}

type DemoHttp = DemoAccess & { url: string; docs: string; tenant: string; password: string; curl: string | undefined }

function describeHttp(url: string, tenant: Tenant, access: DemoAccess, { otherLeaver }: Examples): DemoHttp {
  const order = `${url}/api/v1/erasures`
  const body = JSON.stringify({ operation: 'purge', subjects: [{ email: otherLeaver }] })
  const user = `-u ${shellWord(`api:${access.key}`)}`
  const location = `curl -sS ${user} --json ${shellWord(body)} -o /dev/null -w '%header{location}' ${order}`
  return {
    ...access,
    url,
    docs: `${url}/docs`,
    tenant: tenant.name,
    password: demoPassword,
    curl: otherLeaver === undefined ? undefined : `curl -sS ${user} "${url}$(${location})/certificate?wait=30"`,
  }
}

function httpText({ url, docs, tenant, password, key, signIns, curl }: DemoHttp): string[] {
  return [
    '',
    `The server listens at ${url}. Try every API in the browser at ${docs} ("Authorize", then "Execute").`,
    '',
    `  API key   ${key}   (user name: api; full control; revoked at the next start)`,
    ...signIns.map(({ role, login }) => `  sign-in   ${login}   (${role.replaceAll('_', ' ')})`),
    `  password  ${password}   (tenant: ${tenant}; POST /api/v1/session)`,
    ...(curl === undefined
      ? []
      : ['', 'Another learner has left. Purge this learner over HTTP, and get the signed certificate:', `  ${curl}`]),
  ]
}

/** Commands that work as printed, in this order, and what they show. */
type Step = { why: string; commands: string[] }

function proposeSteps({ leaver, learner, twins }: Examples, options: string): Step[] {
  const steps: Step[] = []
  const lethe = (rest: string) => `${commandName}${options} ${rest}`
  const someone = leaver ?? learner
  if (someone !== undefined) {
    steps.push(
      {
        why:
          leaver === undefined
            ? 'Delete a learner, preview what a purge would remove, table by table, and purge:'
            : 'A learner has left. Preview what a purge would remove, table by table, and purge:',
        commands: [
          ...(leaver === undefined ? [lethe(`user delete --email ${someone}`)] : []),
          lethe(`preview --email ${someone}`),
          // Without --yes, the command shows the names and asks.
          lethe(`purge --email ${someone}`),
        ],
      },
      {
        why: 'Show the receipt, save the certificate, and verify it without any database:',
        commands: [
          lethe('erasure show'),
          lethe('certificate show > certificate.json'),
          `${commandName} certificate verify certificate.json`,
        ],
      },
    )
  }
  if (twins !== undefined) {
    steps.push({
      why: 'Two people have the same login name, and one of them has left. Lethe does not guess, so name the right one:',
      commands: [
        lethe(`preview --login ${twins.login}`),
        lethe(`preview --directory-object-id ${twins.directoryObjectId}`),
      ],
    })
  }
  steps.push({
    why: 'List who else has left, and the other commands:',
    commands: [lethe('user list --sort deleted'), `${commandName} --help`],
  })
  return steps
}

/** The options that a command in another terminal needs for this tenant of this database. */
async function optionsFor({ application, config }: ApplicationSession, tenant: Tenant): Promise<string> {
  const tenants = await listTenants(application.database)
  return dataOption(config) + (tenants.length > 1 ? ` --tenant ${shellWord(tenant.name)}` : '')
}

function dataOption(config: Config): string {
  const isDefault = config.databaseUrl !== undefined || config.dataFolder === defaultDataFolder
  return isDefault ? '' : ` --data ${shellWord(config.dataFolder)}`
}
