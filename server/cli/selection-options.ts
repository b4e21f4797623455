import { type Command, Option } from 'commander'
import type { SubjectSelection } from '../erasure/requests/select-subjects.ts'
import type { UserFilter } from '../people/accounts/select-users.ts'
import { type UserKind, userKinds } from '../people/accounts/user.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { commandError } from './errors.ts'
import { shellWord } from './shell-word.ts'
import { addSubjectOptions, readSubjects, type SubjectOptions } from './subject-options.ts'

/** What {@link addSelectionOptions} adds to a command's options. */
export type SelectionOptions = SubjectOptions & {
  deletedIn?: string
  deletedFrom?: string
  deletedTo?: string
  search?: string
  department?: string
  kind?: UserKind
  allDeleted?: boolean
  expect?: string
}

const filterOptions = ['deletedIn', 'deletedFrom', 'deletedTo', 'search', 'department', 'kind'] as const

/** The people of a command. */
export type Selection = {
  people: SubjectSelection
  /** The selection must have this many people; undefined: any number. */
  expected: number | undefined
  /** The options that name the same people again, as words of a shell. */
  words: string
}

/** Lets a command name people one by one, in a file, or by a filter of deleted users. */
export function addSelectionOptions(command: Command): Command {
  return addSubjectOptions(command, { many: true })
    .option('--deleted-in <YYYY-MM>', 'all users deleted in this month (UTC)')
    .option('--deleted-from <YYYY-MM-DD>', 'all users deleted on this day (UTC) or later')
    .option('--deleted-to <YYYY-MM-DD>', 'all users deleted on this day (UTC) or before')
    .option('--search <text>', 'all deleted users with this part of a name, an e-mail address, a login name or a ref')
    .option('--department <name>', 'all deleted users of this department')
    .addOption(new Option('--kind <kind>', 'all deleted users of this kind').choices(userKinds))
    .option('--all-deleted', 'all deleted users of the tenant')
    .option('--expect <number>', 'do nothing unless exactly so many people are selected')
}

/** Whether the options name people by a filter. */
export function hasFilter(options: SelectionOptions): boolean {
  return options.allDeleted === true || filterOptions.some((name) => options[name] !== undefined)
}

/**
 * The people among the options. Options of the filter narrow each other down.
 *
 * Throws like {@link readSubjects}, and `input.usage` where both a person and a filter are named.
 */
export async function readSelection(options: SelectionOptions): Promise<Selection> {
  const expected =
    options.expect === undefined
      ? undefined
      : requireWholeNumber('--expect', Number(options.expect), { from: 1, to: 10_000_000 })
  const filters = filterOptions.filter((name) => options[name] !== undefined)
  if (!hasFilter(options)) {
    const selectors = await readSubjects(options)
    return { people: { selectors }, expected, words: `--file ${shellWord(options.file ?? 'FILE')}` }
  }
  const { id, directoryObjectId, ref, login, email, file } = options
  if ([id, directoryObjectId, ref, login, email, file].some((value) => value !== undefined)) {
    throw commandError('input.usage', {
      reason: 'Name people by a selector, by --file or by a filter, not by several.',
    })
  }
  if (filters.length > 0 && options.allDeleted === true) {
    throw commandError('input.usage', { reason: '--all-deleted selects everyone; leave it out to use a filter.' })
  }
  const filter: UserFilter = Object.fromEntries(filters.map((name) => [name, options[name]]))
  const words = filters.map((name) => `${flags[name]} ${shellWord(options[name] ?? '')}`).join(' ')
  return { people: { filter }, expected, words: words === '' ? '--all-deleted' : words }
}

const flags: Record<(typeof filterOptions)[number], string> = {
  deletedIn: '--deleted-in',
  deletedFrom: '--deleted-from',
  deletedTo: '--deleted-to',
  search: '--search',
  department: '--department',
  kind: '--kind',
}
