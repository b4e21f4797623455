import { type Command, Option } from 'commander'
import {
  type CourseChanges,
  updateAssessment,
  updateCourse,
  updateModule,
} from '../../../learning/courses/change-course.ts'
import { deletePost, listPosts, updatePost } from '../../../learning/courses/change-post.ts'
import { type CourseKind, courseKinds, createCourse } from '../../../learning/courses/create-course.ts'
import { type CourseDeletion, deleteCourse, previewCourseDeletion } from '../../../learning/courses/delete-course.ts'
import { listCourses, showCourse } from '../../../learning/courses/list-courses.ts'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import { addClearable, type Clearable, cleared, clearedList, idsOfPeople } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe course list|show|create|update|part|delete` and `lethe post list|update|delete` */
export function addCourseCommands(program: Command): void {
  const group = program
    .command('course')
    .description('list, change and delete courses')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe course list --without-author',
          'lethe course update COURSE --author ann@example.org',
          'lethe course delete COURSE --preview',
        ],
      }),
    )
  addList(group)
  addShow(group)
  addCreate(group)
  addUpdate(group)
  addPart(group)
  addDelete(group)
  addPosts(program)
}

type ListOptions = { catalog?: string; search?: string; withoutAuthor?: boolean; limit?: string; after?: string }

function addList(group: Command): void {
  group
    .command('list')
    .description('list the courses, oldest first')
    .option('--catalog <id>', 'only those of this catalog')
    .option('--search <text>', 'part of the title')
    .option('--without-author', 'only those that have no author')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the course with this id')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe course list --search bread', 'lethe course list --without-author --json'] }),
    )
    .action(async ({ catalog, limit, ...rest }: ListOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { courses, next } = await run((tx) =>
          listCourses(tx, {
            ...rest,
            ...(catalog !== undefined && { catalogId: catalog }),
            ...(limit !== undefined && { limit: Number(limit) }),
          }),
        )
        output.result({ courses, next: next ?? null }, () => {
          const table = formatTable(courses, [
            { title: 'id', value: ({ id }) => id },
            { title: 'title', value: ({ title }) => title },
            { title: 'kind', value: ({ kind }) => kind },
            { title: 'catalog', value: ({ catalog_id }) => catalog_id },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

function addShow(group: Command): void {
  group
    .command('show')
    .argument('<course>', 'the id of the course')
    .description('show a course with its modules and assessments, deleted or not')
    .addHelpText('after', helpText({ examples: ['lethe course show COURSE', 'lethe course show COURSE --json'] }))
    .action(async (courseId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const course = await run((tx) => showCourse(tx, courseId))
        output.result({ course }, () => {
          const { modules, assessments, authors, training_plans, ...fields } = course
          const parts = [
            ...modules.map((part) => ({ part: 'module', ...part })),
            ...assessments.map((part) => ({ part: 'assessment', ...part })),
          ]
          return [
            formatFields({
              ...fields,
              authors: authors.map(({ id, display_name }) => display_name ?? id),
              'training plans': training_plans.map(({ title }) => title),
            }),
            formatTable(parts, [
              { title: 'part', value: ({ part }) => part },
              { title: 'id', value: ({ id }) => id },
              { title: 'title', value: ({ title }) => title },
              { title: 'kind', value: ({ kind }) => kind },
              { title: 'external key', value: ({ external_key }) => external_key },
            ]),
          ].join('\n\n')
        })
      })
    })
}

type CreateOptions = {
  catalog: string
  kind?: CourseKind
  description?: string
  contact?: string[]
  replyTo?: string
  author?: string[]
}

const kindOption = () => new Option('--kind <kind>', 'the kind of the course').choices(courseKinds)

function addCreate(group: Command): void {
  group
    .command('create')
    .argument('<title>', 'the title of the course')
    .requiredOption('--catalog <id>', 'the catalog that it belongs to')
    .addOption(kindOption())
    .option('--description <text>', 'the content of the course')
    .option('--contact <address...>', 'e-mail addresses of the contacts')
    .option('--reply-to <address>', 'the address for answers to its e-mails')
    .option('--author <person...>', 'the authors: active users, by any identifier')
    .description('create a course')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe course create "Bread" --catalog CATALOG --author ann@example.org'] }),
    )
    .action(async (title: string, options: CreateOptions, command: Command) => {
      const { catalog: catalogId, contact: contactEmails, replyTo: replyToEmail, author = [], ...rest } = options
      await withTenant(command, async ({ run, output }) => {
        const { id } = await run(async (tx) =>
          createCourse(tx, {
            ...rest,
            title,
            catalogId,
            authorIds: await idsOfPeople(tx, author),
            ...(contactEmails !== undefined && { contactEmails }),
            ...(replyToEmail !== undefined && { replyToEmail }),
          }),
        )
        output.result({ course: { id } }, () => formatFields({ id }))
      })
    })
}

type UpdateOptions = {
  catalog?: string
  title?: string
  kind?: CourseKind
  description?: Clearable<string>
  contact?: Clearable<string[]>
  replyTo?: Clearable<string>
  startsOn?: Clearable<string>
  lengthDays?: Clearable<string>
  externalKey?: Clearable<string>
  author?: Clearable<string[]>
}

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<course>', 'the id of the course')
    .description('change a course, deleted or not')
    .option('--catalog <id>', 'move it to this catalog')
    .option('--title <text>', 'its title')
    .addOption(kindOption())
  addClearable(command, 'description', '<text>', 'its content')
  addClearable(command, 'contact', '<address...>', 'e-mail addresses of its contacts; replaces the previous ones')
  addClearable(command, 'reply-to', '<address>', 'the address for answers to its e-mails')
  addClearable(command, 'starts-on', '<day>', 'its first day, as YYYY-MM-DD')
  addClearable(command, 'length-days', '<number>', 'its length in days')
  addClearable(command, 'external-key', '<key>', 'its key in the data set that it was imported from')
  addClearable(command, 'author', '<person...>', 'its authors, by any identifier; replaces the previous ones')
  command
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe course update COURSE --author ann@example.org bob@example.org',
          'lethe course update COURSE --title "Bread and rolls" --no-reply-to',
        ],
      }),
    )
    .action(async (courseId: string, options: UpdateOptions) => {
      const days = cleared(options.lengthDays)
      const authors = clearedList(options.author)
      const changes: CourseChanges = namedColumns({
        catalogId: options.catalog,
        title: options.title,
        kind: options.kind,
        description: cleared(options.description),
        contactEmails: clearedList(options.contact),
        replyToEmail: cleared(options.replyTo),
        startsOn: cleared(options.startsOn),
        lengthDays: typeof days === 'string' ? Number(days) : days,
        externalKey: cleared(options.externalKey),
      })
      await withTenant(command, async ({ run, output }) => {
        const course = await run(async (tx) => {
          const authorIds = authors && (await idsOfPeople(tx, authors))
          await updateCourse(tx, { courseId, changes: { ...changes, ...(authorIds && { authorIds }) } })
          return await showCourse(tx, courseId)
        })
        output.result({ course }, () => `Changed the course ${course.title}.`)
      })
    })
}

type PartOptions = { title?: string; kind?: string; externalKey?: Clearable<string> }

function addPart(group: Command): void {
  const command = group
    .command('part')
    .argument('<course>', 'the id of the course')
    .argument('<part>', 'the id of a module or an assessment of it')
    .description('change a module or an assessment')
    .option('--title <text>', 'its title')
    .option('--kind <kind>', 'its kind, in one or a few words')
  addClearable(command, 'external-key', '<key>', 'its key in the data set that it was imported from')
  command
    .addHelpText(
      'after',
      helpText({
        notes: '"lethe course show" lists the parts with their ids.',
        examples: ['lethe course part COURSE MODULE --title "Sourdough"'],
      }),
    )
    .action(async (courseId: string, partId: string, { title, kind, externalKey }: PartOptions) => {
      const changes = namedColumns({ title, kind, externalKey: cleared(externalKey) })
      await withTenant(command, async ({ run, output }) => {
        await run(async (tx) => {
          const { assessments } = await showCourse(tx, courseId)
          if (assessments.some(({ id }) => id === partId)) {
            await updateAssessment(tx, { courseId, assessmentId: partId, changes })
          } else await updateModule(tx, { courseId, moduleId: partId, changes })
        })
        output.result({ part: { id: partId } }, () => 'Changed this part of the course.')
      })
    })
}

/** The effects of the deletion of a course, one a line. */
function formatDeletion(deletion: CourseDeletion): string {
  return formatFields({
    'enrollments that end': deletion.unenrolled,
    'sessions that are deleted': deletion.sessions,
    'training plans that lose it': deletion.training_plans,
    'groups that lose it': deletion.groups,
    'completions that stay': deletion.completions,
    'certificates that stay': deletion.certificates,
  })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<course>', 'the id of the course')
    .option('--preview', 'count the effects and change nothing')
    .option('--yes', 'do not ask for confirmation')
    .description('delete a course with its sessions; everything that learners earned stays')
    .addHelpText(
      'after',
      helpText({
        notes: `
The course leaves every list, and active enrollments end. Transcripts and certificates still show its title.
"lethe course update" can still change its texts.`,
        examples: ['lethe course delete COURSE --preview', 'lethe course delete COURSE --yes'],
      }),
    )
    .action(async (courseId: string, options: { preview?: boolean; yes?: boolean }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const deletion = await run((tx) => previewCourseDeletion(tx, courseId))
        if (options.preview === true) {
          output.result({ deletion }, () => formatDeletion(deletion))
          return
        }
        if (options.yes !== true) output.note(formatDeletion(deletion))
        await output.requireConfirmed('The deletion of the course', { yes: options.yes === true })
        const done = await run((tx) => deleteCourse(tx, courseId))
        output.result({ deleted: courseId, deletion: done }, () => `Deleted the course.\n\n${formatDeletion(done)}`)
      })
    })
}

function addPosts(program: Command): void {
  const group = program
    .command('post')
    .description('posts in the discussion of a course')
    .addHelpText('after', helpText({ examples: ['lethe post list COURSE', 'lethe post delete COURSE POST'] }))
  group
    .command('list')
    .argument('<course>', 'the id of the course')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the post with this id')
    .description('list the posts of a course, oldest first')
    .addHelpText('after', helpText({ examples: ['lethe post list COURSE', 'lethe post list COURSE --json'] }))
    .action(async (courseId: string, { limit, after }: { limit?: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { posts, next } = await run((tx) =>
          listPosts(tx, { courseId, after, ...(limit !== undefined && { limit: Number(limit) }) }),
        )
        output.result({ posts, next: next ?? null }, () => {
          const table = formatTable(posts, [
            { title: 'id', value: ({ id }) => id },
            { title: 'answers', value: ({ parent_id }) => parent_id },
            { title: 'author', value: ({ author_id }) => author_id },
            { title: 'text', value: ({ body }) => body },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
  group
    .command('update')
    .argument('<course>', 'the id of the course')
    .argument('<post>', 'the id of the post')
    .argument('<text>', 'the new text')
    .description('change the text of a post')
    .addHelpText('after', helpText({ examples: ['lethe post update COURSE POST "Rest the dough for an hour."'] }))
    .action(async (courseId: string, postId: string, body: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => updatePost(tx, { courseId, postId, body }))
        output.result({ post: { id: postId } }, () => 'Changed the post.')
      })
    })
  group
    .command('delete')
    .argument('<course>', 'the id of the course')
    .argument('<post>', 'the id of the post')
    .description('delete a post; with replies, it stays as an empty placeholder')
    .addHelpText('after', helpText({ examples: ['lethe post delete COURSE POST'] }))
    .action(async (courseId: string, postId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { replies } = await run((tx) => deletePost(tx, { courseId, postId }))
        output.result({ deleted: postId, replies }, () =>
          replies === 0 ? 'Deleted the post.' : `Emptied the post; ${counted(replies, 'reply', 'replies')} to it stay.`,
        )
      })
    })
}
