import type { Command } from 'commander'
import { type Config, defaultDataFolder, projectFolder } from '../config.ts'
import { type Examples, findExamples } from '../demo/find-examples.ts'
import { loadDemo } from '../demo/load-demo.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { listTenants, type Tenant } from '../tenancy/tenants.ts'
import { helpText } from './help-text.ts'
import { serve } from './serve-command.ts'
import { type ApplicationSession, withApplication } from './session.ts'

/** `lethe demo` */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('load a tenant of 300 made-up people, say what to try, and work on orders until stopped with Ctrl-C')
    .option('--load-only', 'end after loading')
    .addHelpText(
      'after',
      helpText({
        notes: 'Where the tenant exists, nothing is loaded.',
        exitCodes: { 0: 'loaded, or stopped with Ctrl-C' },
        examples: ['lethe demo', 'lethe demo --load-only --data ~/lethe-demo --json'],
      }),
    )
    .action(async ({ loadOnly = false }: { loadOnly?: boolean }, command: Command) => {
      await withApplication(
        command,
        async (session) => {
          if (loadOnly) await prepareDemo(session, 'a terminal')
          else await serve(session, { command: 'lethe demo', prepare: () => prepareDemo(session, 'a second terminal') })
        },
        { untilStopped: !loadOnly },
      )
    })
}

/** Loads the demo if it is not there, and prints what can be done with it, in which terminal. */
async function prepareDemo(session: ApplicationSession, terminal: string): Promise<void> {
  const { application, config, output, signal } = session
  const { tenant, loaded } = await loadDemo(application.database, {
    signal,
    onLoad: () => output.note('Loading the demo: 300 made-up people and what they have learned (a few seconds).'),
  })
  const examples = await inTenant(application.database, tenant.id, findExamples)
  const steps = proposeSteps(examples, await optionsFor(session, tenant))
  output.result({ tenant, loaded, try: steps }, () => {
    const server = config.databaseUrl === undefined ? '' : ', with the same DATABASE_URL and LETHE_MASTER_KEY'
    return [
      '',
      loaded
        ? `Welcome to the ${tenant.name}. Nobody in it is real, so nothing you do here can hurt anybody.`
        : `The ${tenant.name} is there already and stays as it is.`,
      '',
      `Open ${terminal} in ${projectFolder}${server}, and paste:`,
      ...steps.flatMap(({ why, commands }) => ['', why, ...commands.map((command) => `  ${command}`)]),
      ...(config.databaseUrl === undefined
        ? ['', `Everything is in ${config.dataFolder}; remove that folder to begin anew.`]
        : []),
    ].join('\n')
  })
}

/** Commands that work as they stand, in this order, and what they are good for. */
type Step = { why: string; commands: string[] }

function proposeSteps({ leaver, learner, twins }: Examples, options: string): Step[] {
  const steps: Step[] = []
  const lethe = (rest: string) => `npx lethe${options} ${rest}`
  const someone = leaver ?? learner
  if (someone !== undefined) {
    steps.push(
      {
        why:
          leaver === undefined
            ? 'Delete somebody, see what a purge would remove, table by table, and remove it:'
            : 'Somebody has left. See what a purge would remove, table by table, and remove it:',
        commands: [
          ...(leaver === undefined ? [lethe(`user delete --email ${someone}`)] : []),
          lethe(`preview --email ${someone}`),
          lethe(`purge --email ${someone} --yes`),
        ],
      },
      {
        why: 'Look at the receipt, keep the proof, and check it without any database:',
        commands: [
          lethe('erasure show'),
          lethe('certificate show > certificate.json'),
          'npx lethe certificate verify certificate.json',
        ],
      },
    )
  }
  if (twins !== undefined) {
    steps.push({
      why: 'Two people have one login name, and one of them has left. Lethe does not guess; it asks which one you mean:',
      commands: [
        lethe(`preview --login ${twins.login}`),
        lethe(`preview --directory-object-id ${twins.directoryObjectId}`),
      ],
    })
  }
  steps.push({
    why: 'See who else has left, and what else there is:',
    commands: [lethe('user list --sort deleted'), 'npx lethe --help'],
  })
  return steps
}

/** The options by which a command in another terminal means this tenant of this database. */
async function optionsFor({ application, config }: ApplicationSession, tenant: Tenant): Promise<string> {
  const tenants = await listTenants(application.database)
  return dataOption(config) + (tenants.length > 1 ? ` --tenant ${quoted(tenant.name)}` : '')
}

function dataOption(config: Config): string {
  const isDefault = config.databaseUrl !== undefined || config.dataFolder === defaultDataFolder
  return isDefault ? '' : ` --data ${quoted(config.dataFolder)}`
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
