import { type UserFieldName, userFieldNames } from '../../people/accounts/user-fields.ts'
import type { LetheError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'

/** The columns that a row can name its user by, in this order: the first one that is not empty counts. */
export const namingColumns = ['id', 'directory_object_id', 'ref', 'login_name', 'email'] as const
export type NamingColumn = (typeof namingColumns)[number]

/** The columns that can name a user's manager; a file has one of them at most. */
export const managerColumns = ['manager_id', 'manager_ref', 'manager_email'] as const
export type ManagerColumn = (typeof managerColumns)[number]

/** The fields with a column of their name. */
export const plainFields = userFieldNames.filter(
  (name): name is Exclude<UserFieldName, 'custom_fields' | 'manager_id'> =>
    name !== 'custom_fields' && name !== 'manager_id',
)
export type PlainField = (typeof plainFields)[number]

const customPrefix = 'custom.'
const customJsonPrefix = 'custom_json.'

/** What a column of a file holds. `customJson` is a custom field that is no text. */
export type UserColumn =
  | { holds: 'id' }
  | { holds: 'field'; field: PlainField }
  | { holds: 'manager'; by: ManagerColumn }
  | { holds: 'custom'; name: string }
  | { holds: 'customJson'; name: string }

/** The columns of a file, in its order, and what they come to. */
export type UserColumns = {
  columns: readonly UserColumn[]
  fields: ReadonlySet<PlainField>
  manager: ManagerColumn | undefined
  customNames: readonly string[]
}

/** The column of this name; undefined where there is none. */
export function columnOf(name: string): UserColumn | undefined {
  const start = name.trimStart()
  for (const [holds, prefix] of [['custom', customPrefix] as const, ['customJson', customJsonPrefix] as const]) {
    if (start.slice(0, prefix.length).toLowerCase() === prefix) return { holds, name: start.slice(prefix.length) }
  }
  const known = name.trim().toLowerCase()
  if (known === 'id') return { holds: 'id' }
  const field = plainFields.find((candidate) => candidate === known)
  if (field !== undefined) return { holds: 'field', field }
  const by = managerColumns.find((candidate) => candidate === known)
  return by && { holds: 'manager', by }
}

/** The name that {@link columnOf} knows the column by. */
export function nameOf(column: UserColumn): string {
  switch (column.holds) {
    case 'id':
      return 'id'
    case 'field':
      return column.field
    case 'manager':
      return column.by
    case 'custom':
      return customPrefix + column.name
    case 'customJson':
      return customJsonPrefix + column.name
  }
}

/**
 * What the columns of a file with this head hold. Throws `input.invalid`, which gives the column's number instead of what
 * stands there: of a file without a head that would be a person's data.
 */
export function readUserColumns(head: readonly string[]): UserColumns {
  const columns = head.map((name, index) => {
    const column = columnOf(name)
    if (column !== undefined) return column
    throw invalidHead(
      `column ${index + 1} is none that an import knows; docs/csv.md lists them, and fields of your own are named custom.NAME`,
    )
  })
  const seen = new Set<string>()
  for (const [index, column] of columns.entries()) {
    const name = nameOf(column)
    if (seen.has(name)) throw invalidHead(`column ${index + 1} has a name that an earlier one has`)
    seen.add(name)
  }
  const managers = managerColumns.filter((name) => seen.has(name))
  if (managers.length > 1) throw invalidHead(`it has ${managers.join(' and ')}; one of them is allowed`)
  if (!namingColumns.some((name) => seen.has(name))) {
    throw invalidHead(`it needs one of the columns ${namingColumns.join(', ')}`)
  }
  return {
    columns,
    fields: new Set(columns.flatMap((column) => (column.holds === 'field' ? [column.field] : []))),
    manager: managers[0],
    customNames: [...new Set(columns.flatMap((column) => ('name' in column ? [column.name] : [])))],
  }
}

function invalidHead(expected: string): LetheError {
  return inputError('input.invalid', { field: 'The header of the file', expected })
}
