import { type Static, Type } from 'typebox'
import type { UserFilter } from '../../../people/accounts/select-users.ts'
import { userKinds } from '../../../people/accounts/user.ts'
import { userRoles } from '../../../permissions/roles.ts'

/** What chooses users in the list, in a preview and in an erasure request: the same members mean the same everywhere. */
export const filterMembers = {
  search: Type.Optional(
    Type.String({ maxLength: 256, description: 'Part of a name, an e-mail address, a login name or a ref' }),
  ),
  deleted_in: Type.Optional(Type.String({ maxLength: 7, description: 'The month of the delete (UTC) as YYYY-MM' })),
  deleted_from: Type.Optional(
    Type.String({ maxLength: 10, description: 'The first day of the delete (UTC) as YYYY-MM-DD' }),
  ),
  deleted_to: Type.Optional(
    Type.String({ maxLength: 10, description: 'The last day of the delete (UTC) as YYYY-MM-DD' }),
  ),
  kind: Type.Optional(Type.Enum([...userKinds])),
  role: Type.Optional(Type.Enum([...userRoles])),
  department: Type.Optional(Type.String({ maxLength: 256 })),
}

const Filter = Type.Object(filterMembers)

/** The members of a query or a body as the operations take them; other members stay as they are. */
export function filterOf<Given extends Static<typeof Filter>>(
  given: Given,
): Omit<Given, 'deleted_in' | 'deleted_from' | 'deleted_to'> &
  Pick<UserFilter, 'deletedIn' | 'deletedFrom' | 'deletedTo'> {
  const { deleted_in, deleted_from, deleted_to, ...rest } = given
  return {
    ...rest,
    ...(deleted_in !== undefined && { deletedIn: deleted_in }),
    ...(deleted_from !== undefined && { deletedFrom: deleted_from }),
    ...(deleted_to !== undefined && { deletedTo: deleted_to }),
  }
}
