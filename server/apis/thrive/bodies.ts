import { type Static, Type } from 'typebox'
import { sharedSchema } from '../../http/openapi/shared-schema.ts'
import { type ThriveRole, thriveRoles } from '../../permissions/thrive-role.ts'
import type { JsonObject } from '../../platform/database/generated/schema.gen.ts'

export const loginMethods = ['email', 'ref'] as const

const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const NullableTime = Type.Unsafe<Date | null>({ type: ['string', 'null'], format: 'date-time' })
const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })
const Fields = Type.Unsafe<JsonObject>({ type: 'object', additionalProperties: true })
const NullableFields = Type.Unsafe<JsonObject | null>({ type: ['object', 'null'], additionalProperties: true })

const Line = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 400 })
const Required = Type.String({ minLength: 1, maxLength: 400 })

/** What can be set on a user; null clears it. */
const settable = {
  email: Line,
  loginMethod: Type.Enum([...loginMethods], {
    description: 'The login name: the e-mail address, or the ref. Default: email',
  }),
  role: Type.Enum([...thriveRoles], { description: 'Default: learner' }),
  jobTitle: Line,
  managerRef: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    maxLength: 400,
    description: 'The ref of a user of this tenant',
  }),
  startDate: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    maxLength: 64,
    description: 'A day or a time; the account is suspended until then',
  }),
  endDate: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    maxLength: 64,
    description: 'A day or a time; the account is suspended from then on',
  }),
  timeZone: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 64, examples: ['Europe/London'] }),
  languageCode: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 64, examples: ['en-gb'] }),
  sso: Type.Boolean({
    description: 'Accepted and ignored: an account is one of single sign-on once an identity provider knows it',
  }),
  domain: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    maxLength: 400,
    description: 'Accepted and ignored: a tenant of Lethe is one domain',
  }),
  additionalFields: Type.Unsafe<JsonObject | null>({
    type: ['object', 'null'],
    additionalProperties: true,
    description: 'Custom fields. A change sets those that it names; null removes a field, or all',
  }),
}

export const NewUser = Type.Object(
  { ref: Required, firstName: Required, lastName: Required, ...Type.Partial(Type.Object(settable)).properties },
  {
    additionalProperties: false,
    description: '`email` is required, unless `loginMethod` is `ref`.',
    examples: [{ ref: 'UID30084022', email: 'ann@example.org', firstName: 'Ann', lastName: 'Aster' }],
  },
)
export type NewUser = Static<typeof NewUser>

export const UserChanges = Type.Partial(Type.Object({ ref: Required, firstName: Line, lastName: Line, ...settable }), {
  additionalProperties: false,
  description: 'Absent fields stay.',
  examples: [{ jobTitle: 'Head of Gardens' }],
})
export type UserChanges = Static<typeof UserChanges>

export const Suspension = Type.Object(
  {
    endDate: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        maxLength: 64,
        description: 'When the person left, a day or a time; the suspension itself is immediate',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ endDate: '2026-06-30T17:00:00.000Z' }] },
)

/** A user as the calls of the life cycle answer it. */
export const LifecycleUser = sharedSchema(
  'ThriveLifecycleUser',
  Type.Object(
    {
      id: Type.String(),
      loginMethod: Type.Enum([...loginMethods]),
      ref: NullableText,
      email: NullableText,
      firstName: NullableText,
      lastName: NullableText,
      role: Type.Enum([...thriveRoles]),
      jobTitle: NullableText,
      managerRef: NullableText,
      startDate: NullableTime,
      endDate: NullableTime,
      timeZone: NullableText,
      languageCode: NullableText,
      active: Type.Boolean({ description: 'false: suspended' }),
      createdAt: Time,
      updatedAt: Time,
      sso: Type.Boolean({ description: 'An identity provider knows the account' }),
      domain: Type.Null(),
      additionalFields: Fields,
    },
    { description: 'A user' },
  ),
)
export type LifecycleUser = Static<typeof LifecycleUser.schema>

const Position = Type.Object({
  id: Type.String({ description: 'The id of the user' }),
  title: NullableText,
  manager: Type.Unsafe<{ id: string } | null>({
    type: ['object', 'null'],
    properties: { id: { type: 'string' } },
    required: ['id'],
  }),
  ouId: Type.Null(),
  isActive: Type.Boolean(),
  startDate: NullableTime,
  endDate: NullableTime,
  createdAt: NullableTime,
  updatedAt: NullableTime,
})

/** `inactive`: suspended. */
export const thriveStatuses = ['active', 'inactive'] as const

const basic = {
  id: Type.String(),
  ref: NullableText,
  firstName: NullableText,
  lastName: NullableText,
  email: NullableText,
  role: Type.Unsafe<ThriveRole | null>({ type: ['string', 'null'] }),
  status: Type.Unsafe<(typeof thriveStatuses)[number] | null>({
    type: ['string', 'null'],
    description: '`active` or `inactive` (suspended); null for a deleted user',
  }),
  positions: Type.Array(Position),
  additionalFields: NullableFields,
  languageCode: NullableText,
}

export const BasicUser = sharedSchema('ThriveBasicUser', Type.Object(basic, { description: 'A user' }))
export type BasicUser = Static<typeof BasicUser.schema>

/** Lethe has nothing like the members that are always 0, false, null or empty. */
export const FullUser = sharedSchema(
  'ThriveUser',
  Type.Object(
    {
      ...basic,
      deleted: Type.Boolean({ description: 'true: deleted or anonymized; then nothing here identifies the person' }),
      compliance: Type.Integer(),
      level: Type.Integer(),
      firstLogin: Type.Null(),
      lastLogin: NullableTime,
      tags: Type.Object({ skills: Type.Array(Type.String()) }),
      usersFollowing: Type.Array(Type.String()),
      tagsFollowing: Type.Array(Type.String()),
      createdAt: NullableTime,
      updatedAt: NullableTime,
      hasPicture: Type.Boolean(),
      timeZone: NullableText,
      summary: Type.Null(),
      relevancy: Type.Integer(),
      rank: Type.Object({ currentLevel: Type.Integer(), currentCategory: Type.Integer() }),
      agreedTerms: Type.Null(),
      onboarded: Type.Null(),
      audiences: Type.Array(Type.Object({ id: Type.String() })),
      singleSignOn: Type.Boolean(),
    },
    { description: 'A user' },
  ),
)
export type FullUser = Static<typeof FullUser.schema>
