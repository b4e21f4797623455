import type { Command } from 'commander'
import {
  deleteSession,
  previewSessionDeletion,
  type SessionChanges,
  type SessionDeletion,
  updateSession,
} from '../../../learning/courses/change-session.ts'
import { listSessions, showSession } from '../../../learning/courses/list-sessions.ts'
import { reassignSessions } from '../../../learning/courses/reassign-sessions.ts'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import { addClearable, type Clearable, cleared, clearedList, idsOfPeople } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe session list|update|reassign|delete` */
export function addSessionCommands(program: Command): void {
  const group = program
    .command('session')
    .description('sessions of courses and their instructors')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe session list --without-instructor',
          'lethe session reassign --without-instructor --to ann@example.org',
          'lethe session delete COURSE SESSION --preview',
        ],
      }),
    )
  addList(group)
  addUpdate(group)
  addReassign(group)
  addDelete(group)
}

type ListOptions = { course?: string; withoutInstructor?: boolean; limit?: string; after?: string }

function addList(group: Command): void {
  group
    .command('list')
    .description('list the sessions, oldest first')
    .option('--course <id>', 'only those of this course')
    .option('--without-instructor', 'only those that have no instructor and are not over')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the session with this id')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe session list --course COURSE', 'lethe session list --without-instructor --json'] }),
    )
    .action(async ({ course, limit, ...rest }: ListOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { sessions, next } = await run((tx) =>
          listSessions(tx, {
            ...rest,
            ...(course !== undefined && { courseId: course }),
            ...(limit !== undefined && { limit: Number(limit) }),
          }),
        )
        output.result({ sessions, next: next ?? null }, () => {
          const table = formatTable(sessions, [
            { title: 'id', value: ({ id }) => id },
            { title: 'course', value: ({ course_id }) => course_id },
            { title: 'title', value: ({ title }) => title },
            { title: 'starts', value: ({ starts_at }) => starts_at },
            {
              title: 'instructors',
              value: ({ instructors }) => instructors.map(({ id, display_name }) => display_name ?? id),
            },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

type UpdateOptions = {
  title?: string
  startsAt?: Clearable<string>
  endsAt?: Clearable<string>
  location?: Clearable<string>
  contact?: Clearable<string[]>
  externalKey?: Clearable<string>
  instructor?: Clearable<string[]>
}

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<course>', 'the id of the course')
    .argument('<session>', 'the id of the session')
    .description('change a session of a course')
    .option('--title <text>', 'its title')
  addClearable(command, 'starts-at', '<time>', 'when it starts, such as 2026-03-02T09:00:00Z')
  addClearable(command, 'ends-at', '<time>', 'when it ends')
  addClearable(command, 'location', '<text>', 'where it takes place')
  addClearable(command, 'contact', '<address...>', 'e-mail addresses of its contacts; replaces the previous ones')
  addClearable(command, 'external-key', '<key>', 'its key in the data set that it was imported from')
  addClearable(command, 'instructor', '<person...>', 'its instructors, by any identifier; replaces the previous ones')
  command
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe session update COURSE SESSION --instructor ann@example.org',
          'lethe session update COURSE SESSION --location "Room 2" --no-contact',
        ],
      }),
    )
    .action(async (courseId: string, sessionId: string, options: UpdateOptions) => {
      const instructors = clearedList(options.instructor)
      const timeOf = (given: Clearable<string>) => {
        const text = cleared(given)
        return typeof text === 'string' ? new Date(text) : text
      }
      const changes: SessionChanges = namedColumns({
        title: options.title,
        startsAt: timeOf(options.startsAt),
        endsAt: timeOf(options.endsAt),
        location: cleared(options.location),
        contactEmails: clearedList(options.contact),
        externalKey: cleared(options.externalKey),
      })
      await withTenant(command, async ({ run, output }) => {
        const session = await run(async (tx) => {
          const instructorIds = instructors && (await idsOfPeople(tx, instructors))
          await updateSession(tx, {
            courseId,
            sessionId,
            changes: { ...changes, ...(instructorIds && { instructorIds }) },
          })
          return await showSession(tx, { courseId, sessionId })
        })
        output.result({ session }, () => `Changed the session ${session.title}.`)
      })
    })
}

type ReassignOptions = { from?: string; session?: string[]; withoutInstructor?: boolean; to: string[] }

function addReassign(group: Command): void {
  group
    .command('reassign')
    .description('make users the instructors of sessions, in one step')
    .option('--from <person>', 'the sessions that this user teaches; replaces only this user')
    .option('--session <id...>', 'these sessions; replaces all their instructors')
    .option('--without-instructor', 'all sessions that have no instructor')
    .requiredOption('--to <person...>', 'the new instructors: active users, by any identifier')
    .addHelpText(
      'after',
      helpText({
        notes: 'Sessions that are over are left out, unless --session names them.',
        examples: [
          'lethe session reassign --from ann@example.org --to bob@example.org',
          'lethe session reassign --without-instructor --to bob@example.org',
          'lethe session reassign --session SESSION --to bob@example.org',
        ],
      }),
    )
    .action(async ({ from, session, withoutInstructor, to }: ReassignOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { sessions } = await run(async (tx) => {
          const [fromUserId] = from === undefined ? [] : await idsOfPeople(tx, [from])
          return await reassignSessions(tx, {
            ...(fromUserId !== undefined && { fromUserId }),
            ...(session !== undefined && { sessionIds: session }),
            ...(withoutInstructor === true && { withoutInstructor }),
            toUserIds: await idsOfPeople(tx, to),
          })
        })
        output.result({ sessions }, () => `Reassigned ${counted(sessions.length, 'session')}.`)
      })
    })
}

/** The effects of the deletion of a session, one a line. */
function formatDeletion({ instructors, enrollments }: SessionDeletion): string {
  return formatFields({ 'instructors that lose it': instructors, 'enrollments that stay without it': enrollments })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<course>', 'the id of the course')
    .argument('<session>', 'the id of the session')
    .option('--preview', 'count the effects and change nothing')
    .option('--yes', 'do not ask for confirmation')
    .description('delete a session of a course; enrollments in the course stay')
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe session delete COURSE SESSION --preview', 'lethe session delete COURSE SESSION --yes'],
      }),
    )
    .action(
      async (courseId: string, sessionId: string, options: { preview?: boolean; yes?: boolean }, command: Command) => {
        const session = { courseId, sessionId }
        await withTenant(command, async ({ run, output }) => {
          const deletion = await run((tx) => previewSessionDeletion(tx, session))
          if (options.preview === true) {
            output.result({ deletion }, () => formatDeletion(deletion))
            return
          }
          if (options.yes !== true) output.note(formatDeletion(deletion))
          await output.requireConfirmed('The deletion of the session', { yes: options.yes === true })
          const done = await run((tx) => deleteSession(tx, session))
          output.result({ deleted: sessionId, deletion: done }, () => `Deleted the session.\n\n${formatDeletion(done)}`)
        })
      },
    )
}
