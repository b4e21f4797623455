import { Type } from 'typebox'
import { named } from '../../http/declare-route.ts'
import { userKinds, userRoles, userStates } from '../../people/user.ts'

/** A time as the database gives it, which becomes ISO 8601 in JSON. */
export const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })
const NullableTime = Type.Unsafe<Date | null>({ type: ['string', 'null'], format: 'date-time' })
const Id = Type.String({ format: 'uuid' })
const NullableId = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'uuid' })
const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })

export const UserSchema = named(
  'User',
  Type.Object(
    {
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
      custom_fields: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }),
      roles: Type.Array(Type.Enum([...userRoles])),
      former_roles: Type.Array(Type.Enum([...userRoles]), { description: 'Privileged roles that a delete took away' }),
      deletion_id: NullableId,
      deleted_at: NullableTime,
      deleted_by: NullableId,
      suspended_at: NullableTime,
      created_at: Time,
      updated_at: Time,
    },
    { description: 'A user' },
  ),
)
