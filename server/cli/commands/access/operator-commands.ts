import type { Command } from 'commander'
import { createOperator, listOperators, removeOperator, setOperatorPassword } from '../../../access/operators.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { addPasswordOptions, type PasswordOptions, readPassword } from '../../password-options.ts'
import { withApplication } from '../../session.ts'

/** `lethe operator create|list|password|remove` */
export function addOperatorCommands(program: Command): void {
  const group = program
    .command('operator')
    .description('operators, who run this installation and belong to no tenant')
    .addHelpText('after', helpText({ examples: ['lethe operator create night-shift', 'lethe operator list'] }))

  addPasswordOptions(group.command('create').argument('<name>', 'lower-case letters, digits, dots and hyphens'))
    .description('create an operator')
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe operator create night-shift', 'lethe operator create ops.1 --password-file password.txt'],
      }),
    )
    .action(async (name: string, options: PasswordOptions, command: Command) => {
      await withApplication(command, async ({ application, output, signal }) => {
        const password = await readPassword(options, signal)
        const operator = await createOperator(application.database, { name, password })
        output.result({ operator }, () => formatFields(operator))
      })
    })

  group
    .command('list')
    .description('list the operators')
    .addHelpText('after', helpText({ examples: ['lethe operator list', 'lethe operator list --json'] }))
    .action(async (_options, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const operators = await listOperators(application.database)
        output.result({ operators }, () =>
          formatTable(operators, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ name }) => name },
            { title: 'created', value: ({ created_at }) => created_at },
          ]),
        )
      })
    })

  addPasswordOptions(group.command('password').argument('<name>', 'the operator'))
    .description('set the password of an operator and sign the operator out everywhere')
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe operator password night-shift', 'lethe operator password night-shift --password-file -'],
      }),
    )
    .action(async (name: string, options: PasswordOptions, command: Command) => {
      await withApplication(command, async ({ application, output, signal }) => {
        const password = await readPassword(options, signal)
        const operator = await setOperatorPassword(application.database, { name, password })
        output.result({ operator }, () => `Operator ${operator.name} has a new password and is signed out everywhere.`)
      })
    })

  group
    .command('remove')
    .argument('<name>', 'the operator')
    .description('delete an operator with all data about the operator, and end all sessions')
    .addHelpText(
      'after',
      helpText({ exitCodes: { 3: 'there is no such operator' }, examples: ['lethe operator remove night-shift'] }),
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const operator = await removeOperator(application.database, name)
        output.result({ operator }, () => `Operator ${operator.name} is removed.`)
      })
    })
}
