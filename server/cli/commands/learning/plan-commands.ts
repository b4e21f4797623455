import type { Command } from 'commander'
import { type TrainingPlanChanges, updateTrainingPlan } from '../../../learning/courses/change-training-plan.ts'
import {
  deleteTrainingPlan,
  previewTrainingPlanDeletion,
  type TrainingPlanDeletion,
} from '../../../learning/courses/delete-training-plan.ts'
import { listTrainingPlans, showTrainingPlan } from '../../../learning/courses/list-training-plans.ts'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import { addClearable, type Clearable, cleared, clearedList, idsOfPeople } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe plan list|show|update|delete` */
export function addPlanCommands(program: Command): void {
  const group = program
    .command('plan')
    .description('list, change and delete training plans')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe plan list --without-author',
          'lethe plan update PLAN --course COURSE',
          'lethe plan delete PLAN --preview',
        ],
      }),
    )
  addList(group)
  addShow(group)
  addUpdate(group)
  addDelete(group)
}

type ListOptions = { catalog?: string; search?: string; withoutAuthor?: boolean; limit?: string; after?: string }

function addList(group: Command): void {
  group
    .command('list')
    .description('list the training plans, oldest first')
    .option('--catalog <id>', 'only those of this catalog')
    .option('--search <text>', 'part of the title')
    .option('--without-author', 'only those that have no author')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the training plan with this id')
    .addHelpText('after', helpText({ examples: ['lethe plan list', 'lethe plan list --without-author --json'] }))
    .action(async ({ catalog, limit, ...rest }: ListOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { trainingPlans, next } = await run((tx) =>
          listTrainingPlans(tx, {
            ...rest,
            ...(catalog !== undefined && { catalogId: catalog }),
            ...(limit !== undefined && { limit: Number(limit) }),
          }),
        )
        output.result({ training_plans: trainingPlans, next: next ?? null }, () => {
          const table = formatTable(trainingPlans, [
            { title: 'id', value: ({ id }) => id },
            { title: 'title', value: ({ title }) => title },
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
    .argument('<plan>', 'the id of the training plan')
    .description('show a training plan with its courses, deleted or not')
    .addHelpText('after', helpText({ examples: ['lethe plan show PLAN', 'lethe plan show PLAN --json'] }))
    .action(async (planId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const plan = await run((tx) => showTrainingPlan(tx, planId))
        output.result({ training_plan: plan }, () => {
          const { courses, authors, ...fields } = plan
          return [
            formatFields({ ...fields, authors: authors.map(({ id, display_name }) => display_name ?? id) }),
            formatTable(courses, [
              { title: 'course', value: ({ id }) => id },
              { title: 'title', value: ({ title }) => title },
            ]),
          ].join('\n\n')
        })
      })
    })
}

type UpdateOptions = {
  catalog?: string
  title?: string
  description?: Clearable<string>
  contact?: Clearable<string[]>
  course?: Clearable<string[]>
  author?: Clearable<string[]>
}

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<plan>', 'the id of the training plan')
    .description('change a training plan, deleted or not')
    .option('--catalog <id>', 'move it to this catalog')
    .option('--title <text>', 'its title')
  addClearable(command, 'description', '<text>', 'its content')
  addClearable(command, 'contact', '<address...>', 'e-mail addresses of its contacts; replaces the previous ones')
  addClearable(command, 'course', '<id...>', 'its courses, in order; replaces the previous ones')
  addClearable(command, 'author', '<person...>', 'its authors, by any identifier; replaces the previous ones')
  command
    .addHelpText(
      'after',
      helpText({
        examples: ['lethe plan update PLAN --author ann@example.org', 'lethe plan update PLAN --no-contact'],
      }),
    )
    .action(async (trainingPlanId: string, options: UpdateOptions) => {
      const authors = clearedList(options.author)
      const changes: TrainingPlanChanges = namedColumns({
        catalogId: options.catalog,
        title: options.title,
        description: cleared(options.description),
        contactEmails: clearedList(options.contact),
        courseIds: clearedList(options.course),
      })
      await withTenant(command, async ({ run, output }) => {
        const plan = await run(async (tx) => {
          const authorIds = authors && (await idsOfPeople(tx, authors))
          await updateTrainingPlan(tx, { trainingPlanId, changes: { ...changes, ...(authorIds && { authorIds }) } })
          return await showTrainingPlan(tx, trainingPlanId)
        })
        output.result({ training_plan: plan }, () => `Changed the training plan ${plan.title}.`)
      })
    })
}

/** The effects of the deletion of a training plan, one a line. */
function formatDeletion(deletion: TrainingPlanDeletion): string {
  return formatFields({
    'enrollments that end': deletion.unenrolled,
    'courses that stay': deletion.courses,
    'completions that stay': deletion.completions,
    'certificates that stay': deletion.certificates,
  })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<plan>', 'the id of the training plan')
    .option('--preview', 'count the effects and change nothing')
    .option('--yes', 'do not ask for confirmation')
    .description('delete a training plan; its courses and everything that learners earned stay')
    .addHelpText('after', helpText({ examples: ['lethe plan delete PLAN --preview', 'lethe plan delete PLAN --yes'] }))
    .action(async (planId: string, options: { preview?: boolean; yes?: boolean }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const deletion = await run((tx) => previewTrainingPlanDeletion(tx, planId))
        if (options.preview === true) {
          output.result({ deletion }, () => formatDeletion(deletion))
          return
        }
        if (options.yes !== true) output.note(formatDeletion(deletion))
        await output.requireConfirmed('The deletion of the training plan', { yes: options.yes === true })
        const done = await run((tx) => deleteTrainingPlan(tx, planId))
        output.result(
          { deleted: planId, deletion: done },
          () => `Deleted the training plan.\n\n${formatDeletion(done)}`,
        )
      })
    })
}
