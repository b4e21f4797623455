import { Type } from 'typebox'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { products, userKinds, userStates } from '../../../people/accounts/user.ts'
import { userRoles } from '../../../permissions/roles.ts'
import type { UserDetails } from '../../../views/user-details.ts'
import { ActingCredential, Id, NullableId, NullableText, NullableTime, Reappeared, Time } from '../schemas.ts'

const Roles = Type.Array(Type.Enum([...userRoles]), { maxItems: 16 })
const CustomFields = Type.Unsafe<UserDetails['user']['custom_fields']>({ type: 'object', additionalProperties: true })

const columns = {
  id: Id,
  kind: Type.Enum([...userKinds]),
  state: Type.Enum([...userStates]),
  login_name: NullableText,
  directory_object_id: NullableId,
  ref: NullableText,
  email: NullableText,
  email_verified: Type.Boolean(),
  external_identity_id: NullableText,
  first_name: NullableText,
  last_name: NullableText,
  display_name: NullableText,
  title: NullableText,
  job_title: NullableText,
  department: NullableText,
  office: NullableText,
  city: NullableText,
  country: NullableText,
  locale: NullableText,
  time_zone: NullableText,
  manager_id: NullableId,
  custom_fields: CustomFields,
  roles: Roles,
  former_roles: Type.Array(Type.Enum([...userRoles]), { description: 'Privileged roles that a delete took away' }),
  deletion_id: NullableId,
  deleted_at: NullableTime,
  deleted_by: NullableId,
  deleted_by_credential: ActingCredential,
  suspended_at: NullableTime,
  starts_at: Type.Unsafe<Date | null>({ ...NullableTime, description: 'The account is suspended until then' }),
  ends_at: Type.Unsafe<Date | null>({ ...NullableTime, description: 'The account is suspended from then on' }),
  last_seen_at: Type.Unsafe<Date | null>({
    ...NullableTime,
    description: 'When the person last signed in, used a session or was in an imported file; to the hour',
  }),
  created_at: Time,
  updated_at: Time,
}

/** A user as the operations answer it. */
export const User = sharedSchema('User', Type.Object(columns, { description: 'A user' }))

/** A user with what belongs to the account. */
export const UserWithDetails = sharedSchema(
  'UserWithDetails',
  Type.Object(
    {
      ...columns,
      product_accounts: Type.Array(
        Type.Object({ product: Type.Enum([...products]), active: Type.Boolean(), created_at: Time }),
      ),
      groups: Type.Array(Type.Object({ group_id: Id, display_name: Type.String(), active: Type.Boolean() })),
      counts: Type.Object({
        catalogs: Type.Integer({ description: 'Catalogs that the user sees now; none while the user is deleted' }),
        catalog_members: Type.Integer({
          description: 'Catalog memberships, including inactive ones, as in a preview',
        }),
        enrollments: Type.Integer({ description: 'Enrollments, including ended and inactive ones, as in a preview' }),
        active_enrollments: Type.Integer({ description: 'Those that have not ended; none while the user is deleted' }),
      }),
      reappeared: Reappeared,
      pending_erasure: Type.Unsafe<UserDetails['pending_erasure']>({
        type: ['object', 'null'],
        properties: { request_id: { type: 'string', format: 'uuid' }, state: { type: 'string' } },
        required: ['request_id', 'state'],
      }),
    },
    { description: 'A user with the details of the account' },
  ),
)

/** One line of text, or null to clear the field. The operation knows the rest. */
const Line = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 400 })

const writable = {
  kind: columns.kind,
  login_name: Line,
  directory_object_id: NullableId,
  ref: Line,
  email: Line,
  email_verified: Type.Boolean(),
  external_identity_id: Line,
  first_name: Line,
  last_name: Line,
  display_name: Line,
  title: Line,
  job_title: Line,
  department: Line,
  office: Line,
  city: Line,
  country: Line,
  locale: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 64, examples: ['en-US'] }),
  time_zone: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 64, examples: ['Europe/Berlin'] }),
  manager_id: NullableId,
  custom_fields: CustomFields,
  products: Type.Array(Type.Enum([...products]), { maxItems: 8 }),
}

const AnotherPerson = Type.Boolean({
  description: 'Create the user even if another user of the tenant had one of these identifiers before a change',
})

/** What can be set on a new user. */
export const NewUser = Type.Partial(Type.Object({ ...writable, roles: Roles, another_person: AnotherPerson }), {
  additionalProperties: false,
  description: 'Roles other than learner also need the permission `users.roles`.',
  examples: [{ email: 'ann@example.org', first_name: 'Ann', last_name: 'Aster', ref: '4711' }],
})

/** What can be changed on a user; null clears a field, what is absent stays. */
export const UserChanges = Type.Partial(Type.Object(writable), {
  additionalProperties: false,
  examples: [{ job_title: 'Head of Gardens', office: null }],
})

export const RolesBody = Type.Object({ roles: Roles }, { additionalProperties: false })
