import { checkUserFields } from '../../people/accounts/user-fields.ts'
import { removeGuard } from '../../platform/csv/formula-guard.ts'
import type { JsonObject } from '../../platform/database/generated/schema.gen.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { trim } from '../../platform/validation/trim.ts'
import { decodeUtf8, escapeForCopy, missing } from '../fields.ts'
import {
  type NamingColumn,
  nameOf,
  namingColumns,
  plainFields,
  type UserColumn,
  type UserColumns,
} from './user-columns.ts'

/** The columns of the staging table that a row is copied into, in their order. */
export const stagedColumns = [
  'line',
  'rejection',
  'found_by',
  'id',
  ...plainFields,
  'manager_id',
  'manager_ref',
  'manager_email',
  'custom_fields',
] as const

type Staged = { [Column in (typeof stagedColumns)[number]]?: unknown }

/** A cell that is not what its column wants. The message names the column, never the value. */
class BadCell extends Error {}

/** Fields that stay as they are, or get their default, where the cell is empty; other fields are cleared. */
const keptWhenEmpty: readonly string[] = ['kind', 'email_verified', 'display_name', 'roles']

/**
 * A line of COPY's text format for {@link stagedColumns}, without its end, from the cells of a row (latin1, as the reader
 * gives them). Undefined for a row without anything in it. A row that cannot be taken has its reason in `rejection`.
 */
export function readUserRow(
  { columns }: UserColumns,
  record: { line: number; cells: string[] | undefined },
): { line: string; isRejected: boolean } | undefined {
  try {
    const { cells } = record
    if (cells === undefined) throw new BadCell('the quotes of the line do not match, or it is longer than 1 MiB')
    if (cells.every((cell) => cell.trim() === '')) return undefined
    if (cells.length !== columns.length) {
      throw new BadCell(
        `the row has ${cells.length} column${cells.length === 1 ? '' : 's'} instead of ${columns.length}`,
      )
    }
    const row = readCells(columns, cells)
    const foundBy = namingColumns.find((name) => row[name] != null)
    if (foundBy === undefined) throw new BadCell(namesNobody)
    const line = copyLine({ ...row, line: record.line, found_by: foundBy satisfies NamingColumn })
    return { line, isRejected: false }
  } catch (error) {
    if (!(error instanceof BadCell)) throw error
    return { line: copyLine({ line: record.line, rejection: error.message }), isRejected: true }
  }
}

/** Why a row without a naming column is rejected. */
export const namesNobody = `the row names no user; it needs one of ${namingColumns.join(', ')}`

function readCells(columns: readonly UserColumn[], cells: readonly string[]): Staged {
  const fields: Record<string, unknown> = {}
  const row: Staged = {}
  const custom = new Map<string, unknown>()
  for (const [index, column] of columns.entries()) {
    const decoded = decodeUtf8(cells[index] ?? '')
    if (decoded === undefined) throw new BadCell(`${nameInReason(column, index)} is no text in UTF-8`)
    const cell = removeGuard(decoded)
    const value = trim(cell)
    if (column.holds === 'custom' || column.holds === 'customJson') addCustom(custom, column, index, cell)
    else if (column.holds === 'field') addField(fields, column.field, value)
    else if (value !== '') row[column.holds === 'id' ? 'id' : column.by] = readReference(column, value)
  }
  if (custom.size > 0) fields.custom_fields = Object.fromEntries(custom) as JsonObject
  return Object.assign(
    row,
    checked(() => checkUserFields(fields)),
  )
}

function addCustom(
  custom: Map<string, unknown>,
  column: Extract<UserColumn, { holds: 'custom' | 'customJson' }>,
  index: number,
  cell: string,
): void {
  if (cell === '') return
  const name = nameInReason(column, index)
  if (custom.has(column.name)) throw new BadCell(`${name} has a value in another column too`)
  custom.set(column.name, column.holds === 'custom' ? cell : readJson(name, cell))
}

function addField(fields: Record<string, unknown>, field: string, value: string): void {
  if (value !== '') fields[field] = readField(field, value)
  else if (!keptWhenEmpty.includes(field)) fields[field] = field === 'products' ? [] : null
}

/** The names of fields of one's own may be anything, so their columns are named by number. */
function nameInReason(column: UserColumn, index: number): string {
  return 'name' in column ? `custom field in column ${index + 1}` : nameOf(column)
}

function readField(field: string, cell: string): unknown {
  if (field === 'roles' || field === 'products') {
    return cell
      .split(';')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  return field === 'email_verified' ? (truths.get(cell.toLowerCase()) ?? cell) : cell
}

const truths = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
])

function readReference(
  column: Extract<UserColumn, { holds: 'id' | 'manager' }>,
  cell: string,
): string | null | undefined {
  const name = nameOf(column)
  if (name === 'manager_ref') return checked(() => checkUserFields({ ref: cell }), name).ref
  if (name === 'manager_email') return checked(() => checkUserFields({ email: cell }), name).email
  return checked(() => requireUuid(name, cell))
}

function readJson(name: string, cell: string): unknown {
  try {
    return JSON.parse(cell)
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadCell(`${name} is no JSON`)
    throw error
  }
}

function checked<T>(check: () => T, name?: string): T {
  try {
    return check()
  } catch (error) {
    if (!inputError.is(error, 'input.invalid')) throw error
    throw new BadCell(`${name ?? error.details.field} is not valid: ${error.details.expected}`)
  }
}

function copyLine(row: Staged): string {
  return stagedColumns.map((column) => copyCell(column, row[column])).join('\t')
}

function copyCell(column: string, value: unknown): string {
  if (value === undefined || value === null) return missing
  if (column === 'custom_fields') return escapeForCopy(JSON.stringify(value))
  // Words without any sign that an array's text form gives a meaning to.
  if (Array.isArray(value)) return `{${value.join(',')}}`
  return escapeForCopy(String(value))
}
