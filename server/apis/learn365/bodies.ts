import { type TObject, type TOptional, type TString, type TUnsafe, Type } from 'typebox'

const LoginName = Type.String({
  maxLength: 400,
  description: 'The login name, as a claims string or bare, or the DirectoryObjectId',
})
const Guid = Type.String({ format: 'uuid' })
const Field = Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 256 }))

export const enrollBody = Type.Object({
  userLoginName: LoginName,
  ignoreMaxAttendees: Type.Optional(Type.Boolean({ description: 'Read and not needed: there is no limit here' })),
  ignoreEnrollmentFlow: Type.Optional(Type.Boolean({ description: 'Read and not needed: there is no approval here' })),
})

export const unenrollBody = Type.Object({
  userLoginName: LoginName,
  message: Type.Optional(Type.String({ maxLength: 2000, description: 'Read, and sent to nobody' })),
})

export const catalogUserBody = Type.Object({
  LoginName: Type.Optional(LoginName),
  DirectoryObjectId: Type.Optional(Type.String({ format: 'uuid', description: 'Counts before LoginName' })),
})

/** The fields of a user that Learn365 lets be edited; the login name is none of them. */
export const userChangesBody: TObject<Record<UserField, TOptional<TUnsafe<string | null>>>> = Type.Object({
  Title: Field,
  Email: Field,
  Department: Field,
  JobTitle: Field,
  Office: Field,
  City: Field,
  Country: Field,
})
export type UserField = 'Title' | 'Email' | 'Department' | 'JobTitle' | 'Office' | 'City' | 'Country'

/** A skill at a level, under the names of the old API or of the new one. */
export function skillOfUserBody<Skill extends string, Level extends string>(
  skill: Skill,
  level: Level,
): TObject<Record<Skill | Level, TString>> {
  return Type.Object({ [skill]: Guid, [level]: Guid }) as unknown as TObject<Record<Skill | Level, TString>>
}
