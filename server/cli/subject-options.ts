import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { CsvError, parse } from 'csv-parse'
import { openSource, utf8Text } from '../imports/utf8-text.ts'
import {
  checkSelector,
  requireSelector,
  type Selector,
  type SelectorName,
  selectorNames,
} from '../people/accounts/find-users.ts'
import { peopleError } from '../people/errors.ts'
import { LetheError } from '../platform/errors.ts'
import { inputError } from '../platform/validation/errors.ts'

/** What {@link addSubjectOptions} adds to a command's options. */
export type SubjectOptions = {
  id?: string
  directoryObjectId?: string
  ref?: string
  login?: string
  email?: string
  file?: string
}

/** Lets a command name one person by exactly one of five selectors, or many in a CSV file. */
export function addSubjectOptions(command: Command, options: { many: boolean }): Command {
  command
    .option('--id <uuid>', 'the user with this id')
    .option('--directory-object-id <uuid>', 'the user with this directory object id')
    .option('--ref <ref>', 'the user with this ref')
    .option('--login <name>', 'the user with this login name (the part after the last "|"; case is ignored)')
    .option('--email <address>', 'the user with this e-mail address (case is ignored)')
  if (!options.many) return command
  return command.option(
    '--file <file>',
    `many users: a CSV file ("-": standard input) whose header names one of the columns ${selectorNames.join(', ')}`,
  )
}

/** The one selector among the options. Throws `subject.no_selector`, `subject.two_selectors` and `input.invalid`. */
export function readSubject(options: SubjectOptions): Selector {
  return requireSelector({
    id: options.id,
    directory_object_id: options.directoryObjectId,
    ref: options.ref,
    login_name: options.login,
    email: options.email,
  })
}

/**
 * The selectors among the options: one, or those of the file, in its order.
 *
 * Throws like {@link readSubject}, `input.file_unreadable`, and `input.invalid` with the line of the file.
 */
export async function readSubjects(options: SubjectOptions): Promise<Selector[]> {
  if (options.file === undefined) return [readSubject(options)]
  const { id, directoryObjectId, ref, login, email } = options
  const named = Object.entries({ id, directory_object_id: directoryObjectId, ref, login_name: login, email })
  const given = named.filter(([, value]) => value !== undefined).map(([name]) => name)
  if (given.length > 0) throw peopleError('subject.two_selectors', { selectors: [...given, 'file'] })
  return await readSubjectFile(options.file)
}

async function readSubjectFile(file: string): Promise<Selector[]> {
  const selectors: Selector[] = []
  let by: SelectorName | undefined
  const rows = parse({
    columns: (head: string[]) => namesOf(head),
    trim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    info: true,
  })
  const text = Readable.from(utf8Text(openSource(file), file))
  text.on('error', (error) => rows.destroy(error))
  text.pipe(rows)
  try {
    for await (const { record, info } of rows as AsyncIterable<CsvRow>) {
      by ??= selectorNames.find((name) => Object.hasOwn(record, name))
      if (by === undefined) continue
      const selector = { by, value: record[by] ?? '' }
      checkLine(selector, info.lines)
      selectors.push(selector)
    }
  } catch (error) {
    throw fileError(error, file)
  }
  if (selectors.length === 0) throw peopleError('subject.no_selector')
  return selectors
}

type CsvRow = { record: Record<string, string | undefined>; info: { lines: number } }

function namesOf(head: string[]): string[] {
  const names = head.map((name) => name.trim().toLowerCase())
  const known = names.filter((name) => selectorNames.some((selector) => selector === name))
  if (known.length === 1) return names
  throw inputError('input.invalid', {
    field: 'the header of the file',
    expected: `it must name exactly one of the columns ${selectorNames.join(', ')}${known.length > 1 ? `, not ${known.join(' and ')}` : ''}`,
  })
}

function checkLine(selector: Selector, line: number): void {
  const field = `${selector.by} in line ${line}`
  try {
    checkSelector(selector)
  } catch (error) {
    if (!inputError.is(error, 'input.invalid')) throw error
    throw inputError('input.invalid', { field, expected: error.details.expected })
  }
}

function fileError(error: unknown, file: string): unknown {
  if (error instanceof LetheError) return error
  // The parser's messages quote the file, so only its code is passed on.
  if (error instanceof CsvError) {
    const line = 'lines' in error && typeof error.lines === 'number' ? ` in line ${error.lines}` : ''
    return inputError('input.invalid', { field: file, expected: `it is not valid CSV (${error.code}${line})` })
  }
  return error
}
