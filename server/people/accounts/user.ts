import type { Selectable } from 'kysely'
import type { UserRole } from '../../permissions/roles.ts'
import type { JsonObject, Users } from '../../platform/database/generated/schema.gen.ts'

export const userStates = ['active', 'suspended', 'deleted', 'anonymized'] as const
export type UserState = (typeof userStates)[number]

export const userKinds = ['internal', 'external'] as const
export type UserKind = (typeof userKinds)[number]

export const products = ['learn', 'flow'] as const
export type Product = (typeof products)[number]

/** The columns of a user that the operations return; what the database derives for its indexes stays inside. */
export const userColumns = [
  'id',
  'kind',
  'state',
  'login_name',
  'directory_object_id',
  'ref',
  'email',
  'email_verified',
  'external_identity_id',
  'first_name',
  'last_name',
  'display_name',
  'title',
  'job_title',
  'department',
  'office',
  'city',
  'country',
  'locale',
  'time_zone',
  'manager_id',
  'custom_fields',
  'roles',
  'former_roles',
  'deletion_id',
  'deleted_at',
  'deleted_by',
  'deleted_by_credential',
  'suspended_at',
  'starts_at',
  'ends_at',
  'last_seen_at',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof Users)[]

/** The same columns for a select in plain SQL. */
export const userColumnsSql = userColumns.join(', ')

/** A user as the operations return it: the fields have the names of the columns, of the JSON and of the CSV files. */
export type User = Omit<
  Pick<Selectable<Users>, (typeof userColumns)[number]>,
  'kind' | 'state' | 'roles' | 'former_roles' | 'custom_fields'
> & {
  kind: UserKind
  state: UserState
  roles: UserRole[]
  former_roles: UserRole[]
  custom_fields: JsonObject
}
