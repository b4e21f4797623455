import type { Command } from 'commander'
import { type Config, defaultDataFolder, projectFolder } from '../../config.ts'
import { type Examples, findExamples } from '../../demo/find-examples.ts'
import { type DemoAccess, demoPassword, giveDemoAccess } from '../../demo/give-access.ts'
import { loadDemo } from '../../demo/load-demo.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { listTenants, type Tenant } from '../../tenancy/tenants.ts'
import { commandName } from '../command-name.ts'
import { helpText } from '../help-text.ts'
import { type ApplicationSession, withApplication } from '../session.ts'
import { shellWord } from '../shell-word.ts'
import { serve, usualAddress } from './serve-command.ts'

/** `lethe demo` */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'load a tenant of 300 made-up people, say what to try, answer HTTP and work on erasure requests until Ctrl-C',
    )
    .option('--load-only', 'end after loading')
    .option('--port <number>', 'the port to listen on; where another program has it, any that is free', '8080')
    .addHelpText(
      'after',
      helpText({
        notes: 'Where the tenant exists, nothing is loaded.',
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
            const options = { command: 'lethe demo', role: 'all', address, orAnyPort: true } as const
            await serve(session, { ...options, prepare, onListening: show })
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
        ? `Welcome to the ${tenant.name}. Nobody in it is real, so nothing you do here can hurt anybody.`
        : `The ${tenant.name} is there already and stays as it is.`,
      '',
      `Open ${terminal} in ${projectFolder}${server}, and paste:`,
      ...steps.flatMap(({ why, commands }) => ['', why, ...commands.map((command) => `  ${command}`)]),
      ...(http === undefined ? [] : httpText(http)),
      ...(config.databaseUrl === undefined
        ? ['', `Everything is in ${config.dataFolder}; remove that folder to begin anew.`]
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
    `The server answers at ${url}; ${docs} has every API, to try in the browser ("Authorize", then "Execute").`,
    '',
    `  API key   ${key}   (user name: api; full control; revoked at the next start)`,
    ...signIns.map(({ role, login }) => `  sign-in   ${login}   (${role.replaceAll('_', ' ')})`),
    `  password  ${password}   (tenant: ${tenant}; POST /api/v1/session)`,
    ...(curl === undefined
      ? []
      : ['', 'Another learner has left. Purge that one over HTTP, and look at the signed certificate:', `  ${curl}`]),
  ]
}

/** Commands that work as they stand, in this order, and what they are good for. */
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
            ? 'Delete a learner, see what a purge would remove, table by table, and remove it:'
            : 'A learner has left. See what a purge would remove, table by table, and remove it:',
        commands: [
          ...(leaver === undefined ? [lethe(`user delete --email ${someone}`)] : []),
          lethe(`preview --email ${someone}`),
          // Without --yes: it shows who it is, and asks.
          lethe(`purge --email ${someone}`),
        ],
      },
      {
        why: 'Look at the receipt, keep the proof, and check it without any database:',
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
      why: 'Two people have one login name, and one of them has left. Lethe does not guess; say which one you mean:',
      commands: [
        lethe(`preview --login ${twins.login}`),
        lethe(`preview --directory-object-id ${twins.directoryObjectId}`),
      ],
    })
  }
  steps.push({
    why: 'See who else has left, and what else there is:',
    commands: [lethe('user list --sort deleted'), `${commandName} --help`],
  })
  return steps
}

/** The options by which a command in another terminal means this tenant of this database. */
async function optionsFor({ application, config }: ApplicationSession, tenant: Tenant): Promise<string> {
  const tenants = await listTenants(application.database)
  return dataOption(config) + (tenants.length > 1 ? ` --tenant ${shellWord(tenant.name)}` : '')
}

function dataOption(config: Config): string {
  const isDefault = config.databaseUrl !== undefined || config.dataFolder === defaultDataFolder
  return isDefault ? '' : ` --data ${shellWord(config.dataFolder)}`
}
