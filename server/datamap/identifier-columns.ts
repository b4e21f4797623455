import type { IdentifierKind } from '../identifiers/identifier-key.ts'
import type { Users } from '../platform/database/generated/schema.gen.ts'
import { peopleMap } from './entries/people.ts'

/** The columns of users that name a person to a machine, each with its kind. */
export const identifierColumns = Object.entries(peopleMap.users.columns).flatMap(([column, columnClass]) =>
  columnClass.is === 'identifier' ? [{ column: column as IdentifierColumn, kind: columnClass.kind }] : [],
)

type IdentifierColumn = keyof Pick<
  Users,
  'email' | 'login_name' | 'directory_object_id' | 'ref' | 'external_identity_id'
>

/** The values of a user's identifier columns. */
export type IdentifierValues = { readonly [Column in IdentifierColumn]?: string | null | undefined }

/** The kind of identifier that a column of users holds; undefined for another column. */
export function kindOfColumn(name: string): IdentifierKind | undefined {
  return kinds.get(name)
}

const kinds = new Map<string, IdentifierKind>(identifierColumns.map(({ column, kind }) => [column, kind]))

/** The column of users that holds identifiers of this kind. */
export function columnOf(kind: IdentifierKind): IdentifierColumn {
  const found = identifierColumns.find((one) => one.kind === kind)
  if (found === undefined) throw new TypeError(`users have no column for ${kind}`)
  return found.column
}
