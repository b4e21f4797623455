import { type Command, Option } from 'commander'
import { addCatalogMembers, type CatalogRole, catalogRoles } from '../../../learning/catalogs/add-catalog-members.ts'
import { assignGroupToCatalog, unassignGroupFromCatalog } from '../../../learning/catalogs/assign-groups.ts'
import {
  type CatalogChanges,
  type CatalogDeletion,
  deleteCatalog,
  previewCatalogDeletion,
  updateCatalog,
} from '../../../learning/catalogs/change-catalog.ts'
import { createCatalog } from '../../../learning/catalogs/create-catalog.ts'
import { type CatalogMember, listCatalogMembers } from '../../../learning/catalogs/list-catalog-members.ts'
import { listCatalogs, showCatalog } from '../../../learning/catalogs/list-catalogs.ts'
import { removeCatalogMembers } from '../../../learning/catalogs/remove-catalog-members.ts'
import { setCatalogRole } from '../../../learning/catalogs/set-catalog-role.ts'
import { findUser, requireUsers } from '../../../people/accounts/find-users.ts'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import { addClearable, type Clearable, cleared, clearedList } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, readSubjects, type SubjectOptions } from '../../subject-options.ts'

/** `lethe catalog list|create|update|delete|members|add|remove|role|assign-group|unassign-group` */
export function addCatalogCommands(program: Command): void {
  const group = program
    .command('catalog')
    .description('course catalogs and their members')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe catalog list',
          'lethe catalog members CATALOG',
          'lethe catalog add CATALOG --email ann@example.org',
          'lethe catalog remove CATALOG --email ann@example.org',
        ],
      }),
    )
  addList(group)
  addCreate(group)
  addUpdate(group)
  addDelete(group)
  addMembers(group)
  addAdd(group)
  addRemove(group)
  addRole(group)
  addGroups(group)
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the catalogs, by title')
    .addHelpText('after', helpText({ examples: ['lethe catalog list', 'lethe catalog list --json'] }))
    .action(async (_options, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { catalogs } = await run((tx) => listCatalogs(tx))
        output.result({ catalogs }, () =>
          formatTable(catalogs, [
            { title: 'id', value: ({ id }) => id },
            { title: 'title', value: ({ title }) => title },
            { title: 'courses', value: ({ courses }) => courses, right: true },
            { title: 'plans', value: ({ training_plans }) => training_plans, right: true },
            { title: 'members', value: ({ members }) => members, right: true },
            { title: 'groups', value: ({ groups }) => groups, right: true },
          ]),
        )
      })
    })
}

function addCreate(group: Command): void {
  group
    .command('create')
    .argument('<title>', 'the title of the catalog')
    .option('--description <text>', 'the purpose of the catalog')
    .option('--contact <address...>', 'e-mail addresses of the contacts')
    .description('create a catalog')
    .addHelpText('after', helpText({ examples: ['lethe catalog create "Bakery" --contact bakery@example.org'] }))
    .action(async (title: string, options: { description?: string; contact?: string[] }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const catalog = await run((tx) =>
          createCatalog(tx, {
            title,
            ...(options.description !== undefined && { description: options.description }),
            ...(options.contact !== undefined && { contactEmails: options.contact }),
          }),
        )
        output.result({ catalog }, () => formatFields(catalog))
      })
    })
}

type UpdateOptions = {
  title?: string
  description?: Clearable<string>
  contact?: Clearable<string[]>
  externalKey?: Clearable<string>
}

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<catalog>', 'the id of the catalog')
    .description('change a catalog')
    .option('--title <text>', 'its title')
  addClearable(command, 'description', '<text>', 'the purpose of the catalog')
  addClearable(command, 'contact', '<address...>', 'e-mail addresses of its contacts; replaces the previous ones')
  addClearable(command, 'external-key', '<key>', 'its key in the data set that it was imported from')
  command
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe catalog update CATALOG --title "Bakery and pastry"',
          'lethe catalog update CATALOG --no-contact',
        ],
      }),
    )
    .action(async (catalogId: string, options: UpdateOptions) => {
      const changes: CatalogChanges = namedColumns({
        title: options.title,
        description: cleared(options.description),
        contactEmails: clearedList(options.contact),
        externalKey: cleared(options.externalKey),
      })
      await withTenant(command, async ({ run, output }) => {
        const catalog = await run(async (tx) => {
          await updateCatalog(tx, { catalogId, changes })
          return await showCatalog(tx, catalogId)
        })
        output.result({ catalog }, () => `Changed the catalog ${catalog.title}.`)
      })
    })
}

/** The effects of the deletion of a catalog, one a line. */
function formatDeletion(deletion: CatalogDeletion): string {
  return formatFields({
    'courses to delete or move first': deletion.courses,
    'training plans to delete or move first': deletion.training_plans,
    'members that lose it': deletion.members,
    'groups that lose it': deletion.groups,
  })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<catalog>', 'the id of the catalog')
    .option('--preview', 'count the effects and change nothing')
    .option('--yes', 'do not ask for confirmation')
    .description('delete a catalog without courses and training plans')
    .addHelpText(
      'after',
      helpText({
        notes: 'Transcripts still show its title.',
        exitCodes: { 5: 'it still has courses or training plans; nothing was done' },
        examples: ['lethe catalog delete CATALOG --preview', 'lethe catalog delete CATALOG --yes'],
      }),
    )
    .action(async (catalogId: string, options: { preview?: boolean; yes?: boolean }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const deletion = await run((tx) => previewCatalogDeletion(tx, catalogId))
        if (options.preview === true) {
          output.result({ deletion }, () => formatDeletion(deletion))
          return
        }
        if (options.yes !== true) output.note(formatDeletion(deletion))
        await output.requireConfirmed('The deletion of the catalog', { yes: options.yes === true })
        const done = await run((tx) => deleteCatalog(tx, catalogId))
        output.result({ deleted: catalogId, deletion: done }, () => `Deleted the catalog.\n\n${formatDeletion(done)}`)
      })
    })
}

function addMembers(group: Command): void {
  group
    .command('members')
    .argument('<catalog>', 'the id of the catalog')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <id>', 'continue after the user with this id')
    .description('list the members of a catalog, added directly or through a group')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe catalog members CATALOG', 'lethe catalog members CATALOG --json'] }),
    )
    .action(async (catalogId: string, options: { limit?: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { members, next } = await run((tx) =>
          listCatalogMembers(tx, {
            catalogId,
            ...(options.limit !== undefined && { limit: Number(options.limit) }),
            ...(options.after !== undefined && { after: options.after }),
          }),
        )
        output.result({ members, next: next ?? null }, () => {
          const table = formatTable(members, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ display_name }) => display_name },
            { title: 'login name', value: ({ login_name }) => login_name },
            { title: 'in it', value: partOf },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

function partOf({ role, groups, reappeared }: CatalogMember): string {
  const through = [...new Set(groups.map(({ display_name }) => display_name))].map((name) => `through group ${name}`)
  return [
    role ?? 'not added to the catalog',
    ...through,
    ...(reappeared === null ? [] : ['purged before, returned with the group']),
  ].join(', ')
}

function addAdd(group: Command): void {
  addSubjectOptions(group.command('add').argument('<catalog>', 'the id of the catalog'), { many: true })
    .option('--administrator', 'add them as administrators of the catalog')
    .description('add users to a catalog; present members keep their role')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe catalog add CATALOG --email ann@example.org',
          'lethe catalog add CATALOG --file newcomers.csv',
          'lethe catalog add CATALOG --ref 4711 --administrator',
        ],
      }),
    )
    .action(async (catalogId: string, options: SubjectOptions & { administrator?: boolean }, command: Command) => {
      const selectors = await readSubjects(options)
      const role: CatalogRole = options.administrator === true ? 'administrator' : 'member'
      await withTenant(command, async ({ run, output }) => {
        const result = await run(async (tx) => {
          const users = await requireUsers(tx, selectors)
          return await addCatalogMembers(tx, { catalogId, userIds: users.map(({ id }) => id), role })
        })
        output.result(result, () => `Added ${counted(result.added, 'user')}.`)
      })
    })
}

function addRemove(group: Command): void {
  addSubjectOptions(group.command('remove').argument('<catalog>', 'the id of the catalog'), { many: true })
    .description('remove users from a catalog and unenroll them from its courses and training plans')
    .addHelpText(
      'after',
      helpText({
        notes: 'Their records stay in the transcript. A user who has access through a group stays listed.',
        exitCodes: { 3: 'a person is not in the catalog; nothing was done' },
        examples: [
          'lethe catalog remove CATALOG --email ann@example.org',
          'lethe catalog remove CATALOG --file leavers.csv --json',
        ],
      }),
    )
    .action(async (catalogId: string, options: SubjectOptions, command: Command) => {
      const selectors = await readSubjects(options)
      await withTenant(command, async ({ run, output }) => {
        const users = await run(async (tx) => {
          const found = await requireUsers(tx, selectors)
          return await removeCatalogMembers(tx, { catalogId, userIds: found.map(({ id }) => id) })
        })
        output.result({ users }, () =>
          formatTable(users, [
            { title: 'id', value: ({ user_id }) => user_id },
            { title: 'removed', value: ({ removed }) => (removed ? 'yes' : 'was not added') },
            { title: 'unenrolled', value: ({ unenrolled }) => unenrolled, right: true },
            {
              title: 'still through',
              value: ({ still_through }) => still_through.map(({ display_name }) => display_name),
            },
          ]),
        )
      })
    })
}

function addRole(group: Command): void {
  addSubjectOptions(group.command('role').argument('<catalog>', 'the id of the catalog'), { many: false })
    .addOption(
      new Option('--role <role>', 'the role of the user in the catalog').choices(catalogRoles).makeOptionMandatory(),
    )
    .description('make a member of a catalog its administrator, or a plain member again')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 3: 'the user was not added to the catalog' },
        examples: ['lethe catalog role CATALOG --email ann@example.org --role administrator'],
      }),
    )
    .action(async (catalogId: string, options: SubjectOptions & { role: CatalogRole }, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const result = await run(async (tx) => {
          const { id } = await findUser(tx, selector)
          return await setCatalogRole(tx, { catalogId, userId: id, role: options.role })
        })
        output.result(result, () =>
          result.changed ? `The user now has the role ${options.role}.` : 'The user already had this role.',
        )
      })
    })
}

function addGroups(group: Command): void {
  const addOne = (
    name: string,
    description: string,
    work: (...of: Parameters<typeof assignGroupToCatalog>) => Promise<object>,
    done: string,
  ) => {
    group
      .command(name)
      .argument('<catalog>', 'the id of the catalog')
      .argument('<group>', 'the id of a directory group')
      .description(description)
      .addHelpText('after', helpText({ examples: [`lethe catalog ${name} CATALOG GROUP`] }))
      .action(async (catalogId: string, groupId: string, _options: unknown, command: Command) => {
        await withTenant(command, async ({ run, output }) => {
          const result = await run((tx) => work(tx, { catalogId, groupId }))
          output.result(result, () => done)
        })
      })
  }
  addOne(
    'assign-group',
    'open a catalog to the members of a group, while they are members',
    assignGroupToCatalog,
    'The catalog is open to the group.',
  )
  addOne(
    'unassign-group',
    'close a catalog to a group; enrollments stay',
    unassignGroupFromCatalog,
    'The catalog is closed to the group.',
  )
}
