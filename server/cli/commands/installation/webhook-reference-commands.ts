import type { Command } from 'commander'
import { findUser } from '../../../people/accounts/find-users.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { referencesOf, registerReferences } from '../../../webhooks/register-references.ts'
import { helpText } from '../../help-text.ts'
import { formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, type SubjectOptions } from '../../subject-options.ts'

type Given = SubjectOptions & { reference?: string; remove?: boolean }

/** `lethe webhook register|references` */
export function addReferenceCommands(group: Command): void {
  addSubjectOptions(group.command('register'), { many: false })
    .argument('<webhook>', 'the id of the endpoint')
    .option('--reference <text>', 'what the receiver knows the user by')
    .option('--remove', 'remove what is registered for the user')
    .description('register what a receiver knows a user by, which it gets when the user is erased')
    .addHelpText(
      'after',
      helpText({
        notes: 'Without it, the receiver gets the ref of the user.',
        examples: [
          'lethe webhook register WEBHOOK --email ann@example.org --reference 4711',
          'lethe webhook register WEBHOOK --ref emp-1 --remove',
        ],
      }),
    )
    .action(async (id: string, options: Given, command: Command) => {
      const { reference, remove = false } = options
      if ((reference === undefined) !== remove) {
        throw inputError('input.invalid', {
          field: 'reference',
          expected: 'either --reference or --remove is expected',
        })
      }
      const selector = readSubject({ ...options })
      await withTenant(command, async ({ run, output }) => {
        await run(async (tx) => {
          const { id: userId } = await findUser(tx, selector)
          await registerReferences(tx, id, [{ userId, reference: reference ?? null }])
        })
        output.result({ webhook: id }, () => (remove ? 'Removed the reference.' : 'Registered the reference.'))
      })
    })

  group
    .command('references')
    .argument('<webhook>', 'the id of the endpoint')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <user>', 'continue after the user with this id')
    .description('list what a receiver knows users by')
    .addHelpText('after', helpText({ examples: ['lethe webhook references WEBHOOK --json'] }))
    .action(async (id: string, { limit, after }: { limit: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { references, next } = await run((tx) => referencesOf(tx, id, { limit: Number(limit), after }))
        output.result({ references, next: next ?? null }, () => {
          if (references.length === 0) return 'No reference is registered. "lethe webhook register" registers one.'
          const table = formatTable(references, [
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'reference', value: ({ reference }) => reference },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}
