import type { Command } from 'commander'
import { CsvError, parse } from 'csv-parse/sync'
import { createGroup } from '../../../directory/create-group.ts'
import { listGroups, showGroup } from '../../../directory/list-groups.ts'
import { type DirectoryMember, type GroupSync, syncGroup } from '../../../directory/sync-group.ts'
import { type GroupChanges, updateGroup } from '../../../directory/update-group.ts'
import { deleteGroup, type GroupDeletion, previewGroupDeletion } from '../../../erasure/groups/delete-group.ts'
import { holdList } from '../../../holds/held-people.ts'
import { openSource, readUtf8 } from '../../../imports/utf8-text.ts'
import { type NamedPerson, namePeople } from '../../../people/accounts/candidates.ts'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { addClearable, type Clearable, cleared } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { formatNamedPeople, mostNamed } from '../../named-people.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'

/** `lethe group list|create|update|delete|sync` */
export function addGroupCommands(program: Command): void {
  const group = program
    .command('group')
    .description('directory groups, which give people access to catalogs and courses')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe group create "Bakers"', 'lethe group list', 'lethe group sync GROUP bakers.csv'] }),
    )

  group
    .command('list')
    .description('list the groups, by name')
    .addHelpText('after', helpText({ examples: ['lethe group list', 'lethe group list --json'] }))
    .action(async (_options, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { groups } = await run((tx) => listGroups(tx))
        output.result({ groups }, () =>
          formatTable(groups, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ display_name }) => display_name },
            { title: 'directory object id', value: ({ directory_object_id }) => directory_object_id },
            { title: 'members', value: ({ members }) => members, right: true },
          ]),
        )
      })
    })

  group
    .command('create')
    .argument('<name>', 'the name of the group')
    .option('--directory-object-id <uuid>', 'its id in the directory; unique in the tenant')
    .option('--description <text>', 'the purpose of the group')
    .description('create a group without members')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'another group has this directory object id' },
        examples: ['lethe group create "Bakers"'],
      }),
    )
    .action(
      async (displayName: string, options: { directoryObjectId?: string; description?: string }, command: Command) => {
        await withTenant(command, async ({ run, output }) => {
          const created = await run((tx) => createGroup(tx, { displayName, ...options }))
          output.result({ group: created }, () => formatFields(created))
        })
      },
    )

  addUpdate(group)
  addDelete(group)

  group
    .command('sync')
    .argument('<group>', 'the id of the group')
    .argument('<file>', 'a CSV file in UTF-8 ("-": standard input) with the members in the directory')
    .description('replace the members of a group by those in the directory')
    .addHelpText(
      'after',
      helpText({
        notes: `
The head names the columns: directory_object_id, which every row needs, and login_name, email, first_name, last_name and
display_name of people who are new. An unknown person becomes a new user. A purged person returns as a new
user without records, unless "lethe tenant update --returning-members block" keeps them out. Deleted users stay deleted.`,
        examples: ['lethe group sync GROUP bakers.csv', 'lethe group sync GROUP bakers.csv --json'],
      }),
    )
    .action(async (groupId: string, file: string, _options: unknown, command: Command) => {
      const members = await readMembers(file)
      await withTenant(command, async ({ run, output }) => {
        const sync = await run((tx) => syncGroup(tx, { groupId, members }))
        for (const sentence of remarksOn(sync)) output.note(sentence)
        const { added, removed, created } = sync
        output.result({ sync }, () => formatFields({ added, removed, created: created.length }))
      })
    })
}

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<group>', 'the id of the group')
    .description('change the name or the description of a group')
    .option('--name <text>', 'its name')
  addClearable(command, 'description', '<text>', 'the purpose of the group')
  command
    .addHelpText('after', helpText({ examples: ['lethe group update GROUP --name "Bakers" --no-description'] }))
    .action(async (groupId: string, options: { name?: string; description?: Clearable<string> }) => {
      const changes: GroupChanges = namedColumns({
        displayName: options.name,
        description: cleared(options.description),
      })
      await withTenant(command, async ({ run, output }) => {
        const changed = await run(async (tx) => {
          await updateGroup(tx, { groupId, changes })
          return await showGroup(tx, groupId)
        })
        output.result({ group: changed }, () => formatFields(changed))
      })
    })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<group>', 'the id of the group')
    .option('--preview', 'count the effects, show who loses access, and change nothing')
    .option('--yes', 'do not ask for confirmation')
    .description('delete a group; its members stay users and stay enrolled')
    .addHelpText(
      'after',
      helpText({
        notes:
          'Members lose the catalogs and courses that only this group opens to them. A directory that still has the group gets an error at its next synchronization.',
        exitCodes: {
          5: 'a legal hold names the group, a retention policy leaves out its members, or its members changed; nothing was done',
        },
        examples: ['lethe group delete GROUP --preview', 'lethe group delete GROUP --yes'],
      }),
    )
    .action(async (groupId: string, options: { preview?: boolean; yes?: boolean }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { deletion, who } = await run(async (tx) => {
          const deletion = await previewGroupDeletion(tx, groupId)
          const most = options.preview === true ? deletion.user_ids.length : mostNamed
          return { deletion, who: await namePeople(tx, { userIds: deletion.user_ids, given: new Map(), most }) }
        })
        if (options.preview === true) {
          output.result({ deletion, who }, () => formatDeletion(deletion, who))
          return
        }
        if (options.yes !== true) output.note(formatDeletion(deletion, who))
        const { members } = deletion
        await output.requireConfirmed(`The deletion of a group with ${counted(members, 'member')}`, {
          yes: options.yes === true,
          number: members,
        })
        const deleted = await run((tx) => deleteGroup(tx, groupId, { expectedMembers: members }))
        output.result({ group: { id: groupId }, deletion: deleted }, () => `Deleted group ${groupId}.`)
      })
    })
}

function formatDeletion(deletion: GroupDeletion, who: NamedPerson[]): string {
  const { members, deleted_members, places, losing, holds, retention_policies: policies } = deletion
  const parts = [
    formatFields({
      members,
      'deleted members': deleted_members,
      'members who lose access': losing,
      'legal holds': holdList(holds) || null,
      'retention policies': policies.map(({ id, name }) => `${id} (${name})`).join(', ') || null,
    }),
    formatTable(places, [
      { title: 'opens', value: ({ kind }) => kind },
      { title: 'id', value: ({ id }) => id },
      { title: 'title', value: ({ title }) => title },
      { title: 'losing', value: (place) => place.losing, right: true },
    ]),
  ]
  if (who.length > 0) parts.push(`These lose access:\n\n${formatNamedPeople(who)}`)
  if (losing > who.length) parts.push(`and ${losing - who.length} more`)
  if (holds.length + policies.length > 0) {
    parts.push('The group cannot be deleted while a legal hold or a retention policy names it.')
  }
  return parts.join('\n\n')
}

const columns = ['directory_object_id', 'login_name', 'email', 'first_name', 'last_name', 'display_name'] as const

async function readMembers(file: string): Promise<DirectoryMember[]> {
  const text = await readUtf8(openSource(file), file)
  let rows: Record<string, string>[]
  try {
    rows = parse(text, { columns: true, trim: true, skip_empty_lines: true })
  } catch (error) {
    // The parser's messages quote the file, so only its code is passed on.
    if (error instanceof CsvError) {
      throw inputError('input.invalid', { field: file, expected: `it is not valid CSV (${error.code})` })
    }
    throw error
  }
  return rows.map((row, index) => {
    if (!row.directory_object_id) {
      throw inputError('input.invalid', {
        field: `directory_object_id in row ${index + 1}`,
        expected: 'every member needs one',
      })
    }
    const given = Object.fromEntries(columns.flatMap((name) => (row[name] ? [[name, row[name]]] : [])))
    return { ...given, directory_object_id: row.directory_object_id }
  })
}

function remarksOn({ reappeared, blocked, known_before, deleted, suspended }: GroupSync): string[] {
  return [
    ...(reappeared.length > 0
      ? [
          `${counted(reappeared.length, 'purged person', 'purged people')} returned ${reappeared.length === 1 ? 'as a new user' : 'as new users'} without records.`,
        ]
      : []),
    ...(blocked.length > 0
      ? [
          `${counted(blocked.length, 'purged person', 'purged people')} stayed out, because the tenant blocks purged people.`,
        ]
      : []),
    ...known_before.map(
      ({ directory_object_id, user_ids }) =>
        `The member ${directory_object_id} stayed out: user ${user_ids.join(', ')} was known by one of its identifiers before. If it is the same person, run "lethe user update --id ${user_ids[0]} --new-directory-object-id ${directory_object_id}"; if not, create the other one with "lethe user create".`,
    ),
    ...(deleted.length > 0
      ? [`${counted(deleted.length, 'member')} stayed deleted; "lethe user restore" brings them back.`]
      : []),
    ...(suspended.length > 0 ? [`${counted(suspended.length, 'suspended user')} were not added to the group.`] : []),
  ]
}
