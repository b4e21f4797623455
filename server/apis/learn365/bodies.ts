import { type TObject, type TOptional, type TString, type TUnsafe, Type } from 'typebox'
import type { EntitySet } from './entity-model.ts'

/** Somebody of the demo, so that what the page proposes works there as it stands. */
export const exampleUser = {
  login: 'winifred.thistledown@example.org',
  claims: 'i:0#.f|membership|winifred.thistledown@example.org',
  directoryObjectId: '3734c0cd-7351-883a-90dc-bca5f32459a1',
}

const LoginName = Type.String({
  maxLength: 400,
  examples: [exampleUser.login],
  description: 'The login name, as a claims string or bare, or the DirectoryObjectId',
})
export const Guid = Type.String({ format: 'uuid' })

/** What nobody reads is refused, once what clients send along is taken out (`unread` of the route). */
const closed = { additionalProperties: false }

export const enrollBody = Type.Object(
  {
    userLoginName: LoginName,
    courseSessionId: Type.Optional(
      Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'uuid', description: 'A session of the course' }),
    ),
    ignoreMaxAttendees: Type.Optional(Type.Boolean({ description: 'Accepted and ignored: Lethe has no limit' })),
    ignoreEnrollmentFlow: Type.Optional(Type.Boolean({ description: 'Accepted and ignored: Lethe has no approval' })),
  },
  closed,
)

export const unenrollBody = Type.Object(
  {
    userLoginName: LoginName,
    message: Type.Optional(Type.String({ maxLength: 2000, description: 'Stored with the enrollment' })),
  },
  closed,
)

export const CatalogUserBody = Type.Object(
  {
    LoginName: Type.Optional(LoginName),
    DirectoryObjectId: Type.Optional(
      Type.String({ format: 'uuid', description: 'Of a user or of a group; takes precedence over LoginName' }),
    ),
  },
  { ...closed, examples: [{ LoginName: exampleUser.login, DirectoryObjectId: exampleUser.directoryObjectId }] },
)

/** A skill at a level, under the names of the old API or of the new one. */
export function skillOfUserBody<Skill extends string, Level extends string>(
  skill: Skill,
  level: Level,
): TObject<Record<Skill | Level, TString>> {
  return Type.Object({ [skill]: Guid, [level]: Guid }, closed) as unknown as TObject<Record<Skill | Level, TString>>
}

/** What of an entity can be set: null clears it, what is absent stays. */
export function changesBody(set: EntitySet): TObject<Record<string, TOptional<TUnsafe<string | null>>>> {
  const settable = Object.entries(set.properties).filter(([, { field }]) => field !== undefined)
  return Type.Object(
    Object.fromEntries(
      settable.map(([name, { type }]) => [
        name,
        Type.Optional(
          Type.Unsafe<string | null>({
            type: ['string', 'null'],
            ...(type === 'Edm.Guid' ? { format: 'uuid' } : { maxLength: 320 }),
          }),
        ),
      ]),
    ),
    {
      ...closed,
      description:
        'The other properties of a user, such as LoginName, cannot be changed and are ignored. Unknown properties are refused.',
      examples: [{ JobTitle: 'Head of Gardens', Office: null }],
    },
  )
}

export const SkillBody = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 256 }),
    scaleSetId: Guid,
    description: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { ...closed, description: 'Learn365 also has categories; Lethe has none and ignores them.' },
)

/** A level of a scale. */
export const LevelBody = Type.Object(
  { title: Type.String({ minLength: 1, maxLength: 256 }), value: Type.Integer({ minimum: 0 }) },
  closed,
)

export const ScaleSetBody = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 256 }),
    isDefault: Type.Optional(Type.Boolean()),
    levels: Type.Array(LevelBody, { minItems: 1, maxItems: 100 }),
  },
  closed,
)

/** What an answer has of a set, and a change of it cannot set. */
export function readOnlyOf(set: EntitySet, body: TObject): string[] {
  return [...Object.keys(set.properties), ...Object.keys(set.navigation ?? {})].filter(
    (name) => !Object.hasOwn(body.properties, name),
  )
}
