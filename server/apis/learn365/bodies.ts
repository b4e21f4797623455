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

export const enrollBody = Type.Object({
  userLoginName: LoginName,
  ignoreMaxAttendees: Type.Optional(Type.Boolean({ description: 'Read and not needed: there is no limit here' })),
  ignoreEnrollmentFlow: Type.Optional(Type.Boolean({ description: 'Read and not needed: there is no approval here' })),
})

export const unenrollBody = Type.Object({
  userLoginName: LoginName,
  message: Type.Optional(Type.String({ maxLength: 2000, description: 'Kept with the enrollment' })),
})

export const CatalogUserBody = Type.Object(
  {
    LoginName: Type.Optional(LoginName),
    DirectoryObjectId: Type.Optional(
      Type.String({ format: 'uuid', description: 'Of a user or of a group; counts before LoginName' }),
    ),
  },
  { examples: [{ LoginName: exampleUser.login, DirectoryObjectId: exampleUser.directoryObjectId }] },
)

/** A skill at a level, under the names of the old API or of the new one. */
export function skillOfUserBody<Skill extends string, Level extends string>(
  skill: Skill,
  level: Level,
): TObject<Record<Skill | Level, TString>> {
  return Type.Object({ [skill]: Guid, [level]: Guid }) as unknown as TObject<Record<Skill | Level, TString>>
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
      description: 'What else comes along, such as LoginName, cannot be changed and is not looked at.',
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
  { description: 'Categories come along in Learn365; there are none here, and they are not looked at.' },
)

export const ScaleSetBody = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 256 }),
  isDefault: Type.Optional(Type.Boolean()),
  levels: Type.Array(
    Type.Object({ title: Type.String({ minLength: 1, maxLength: 256 }), value: Type.Integer({ minimum: 0 }) }),
    { minItems: 1, maxItems: 100 },
  ),
})
