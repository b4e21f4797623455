import type { Command } from 'commander'
import { listNotifications } from '../../../notify/list-notifications.ts'
import { markNotificationsRead } from '../../../notify/mark-notifications-read.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, type SubjectOptions } from '../../subject-options.ts'

/** `lethe notification list|read` */
export function addNotificationCommands(program: Command): void {
  const group = program
    .command('notification')
    .description('messages to a user, for example about a revoked skill')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe notification list --email ann@example.org',
          'lethe notification read --email ann@example.org',
        ],
      }),
    )
  addList(group)
  addRead(group)
}

type ListOptions = SubjectOptions & { unread?: boolean; limit: string; after?: string }

function addList(group: Command): void {
  addSubjectOptions(group.command('list'), { many: false })
    .description('list the notifications of a user, newest first')
    .option('--unread', 'only unread notifications')
    .option('--limit <number>', 'the most to list, up to 1000', '50')
    .option('--after <id>', 'continue after the notification with this id')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe notification list --email ann@example.org',
          'lethe notification list --ref 4711 --unread --json',
        ],
      }),
    )
    .action(async (options: ListOptions, command: Command) => {
      const selector = readSubject(options)
      const { unread: onlyUnread, limit, after } = options
      await withTenant(command, async ({ run, output }) => {
        const { notifications, unread, next } = await run(async (tx) => {
          const { id: userId } = await findUser(tx, selector)
          return await listNotifications(tx, {
            userId,
            unread: onlyUnread === true,
            limit: Number(limit),
            ...(after !== undefined && { after }),
          })
        })
        output.result({ notifications, unread, next: next ?? null }, () => {
          const table = formatTable(notifications, [
            { title: 'id', value: ({ id }) => id },
            { title: 'when', value: ({ created_at }) => created_at },
            { title: 'read', value: ({ read_at }) => read_at ?? 'no' },
            { title: 'subject', value: ({ subject }) => subject },
            { title: 'message', value: ({ body }) => body },
          ])
          const rest = next === undefined ? '' : `\nThere are more. Repeat the command with --after ${next}`
          return `${table}\n\n${unread} unread.${rest}`
        })
      })
    })
}

type ReadOptions = SubjectOptions & { notification?: string[] }

function addRead(group: Command): void {
  addSubjectOptions(group.command('read'), { many: false })
    .description('mark notifications of a user as read')
    .option('--notification <id...>', 'only these; default: all notifications of the user')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'there is no such user, or no such notification of the user' },
        examples: [
          'lethe notification read --email ann@example.org',
          'lethe notification read --ref 4711 --notification NOTIFICATION',
        ],
      }),
    )
    .action(async (options: ReadOptions, command: Command) => {
      const selector = readSubject(options)
      const { notification: ids } = options
      await withTenant(command, async ({ run, output }) => {
        const done = await run(async (tx) => {
          const { id: userId } = await findUser(tx, selector)
          return await markNotificationsRead(tx, { userId, ...(ids !== undefined && { ids }) })
        })
        output.result(
          { ...done },
          () => `${counted(done.marked, 'notification')} marked as read. ${done.unread} unread.`,
        )
      })
    })
}
