import type { Command } from 'commander'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import {
  createExternalSystem,
  deleteExternalSystem,
  listExternalSystems,
  showExternalSystem,
  updateExternalSystem,
} from '../../../tenancy/external-systems.ts'
import { addClearable, type Clearable, clearedList } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe system list|create|update|delete` */
export function addSystemCommands(program: Command): void {
  const group = program
    .command('system')
    .description('the register of external systems that hold data about your people')
    .addHelpText(
      'after',
      helpText({
        notes: `
An erasure does not reach external systems. Previews and the notices of ended erasures name those in the register, so
that you can ask their owners. "lethe erasure ask" makes a link by which an owner acknowledges.`,
        examples: [
          'lethe system create "Payroll" --contact payroll@example.org --holds "names, salaries"',
          'lethe system list',
        ],
      }),
    )
  addList(group)
  addCreate(group)
  addUpdate(group)
  addDelete(group)
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the external systems, oldest first')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the system with this id')
    .addHelpText('after', helpText({ examples: ['lethe system list', 'lethe system list --json'] }))
    .action(async ({ limit, after }: { limit?: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { systems, next } = await run((tx) =>
          listExternalSystems(tx, { after, ...(limit !== undefined && { limit: Number(limit) }) }),
        )
        output.result({ systems, next: next ?? null }, () => {
          const table = formatTable(systems, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ name }) => name },
            { title: 'contacts', value: ({ contact_emails }) => contact_emails },
            { title: 'holds', value: ({ holds }) => holds },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

function addCreate(group: Command): void {
  group
    .command('create')
    .argument('<name>', 'the name of the system')
    .requiredOption('--holds <text>', 'the data that it holds')
    .option('--contact <address...>', 'e-mail addresses to ask for an erasure there')
    .description('enter an external system into the register')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe system create "Payroll" --contact payroll@example.org --holds "names, salaries"'] }),
    )
    .action(async (name: string, options: { holds: string; contact?: string[] }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const system = await run((tx) =>
          createExternalSystem(tx, {
            name,
            holds: options.holds,
            ...(options.contact !== undefined && { contactEmails: options.contact }),
          }),
        )
        output.result({ system }, () => formatFields(system))
      })
    })
}

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<system>', 'the id of the system')
    .description('change an external system of the register')
    .option('--name <text>', 'its name')
    .option('--holds <text>', 'the data that it holds')
  addClearable(command, 'contact', '<address...>', 'e-mail addresses to ask; replaces the previous ones')
  command
    .addHelpText('after', helpText({ examples: ['lethe system update SYSTEM --contact people@example.org'] }))
    .action(async (systemId: string, options: { name?: string; holds?: string; contact?: Clearable<string[]> }) => {
      const { name, holds, contact } = options
      const changes = namedColumns({ name, holds, contactEmails: clearedList(contact) })
      await withTenant(command, async ({ run, output }) => {
        const system = await run(async (tx) => {
          await updateExternalSystem(tx, { systemId, changes })
          return await showExternalSystem(tx, systemId)
        })
        output.result({ system }, () => formatFields(system))
      })
    })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<system>', 'the id of the system')
    .description('take an external system out of the register')
    .addHelpText('after', helpText({ examples: ['lethe system delete SYSTEM'] }))
    .action(async (systemId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => deleteExternalSystem(tx, systemId))
        output.result({ deleted: systemId }, () => 'Took the system out of the register.')
      })
    })
}
