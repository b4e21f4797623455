import { type TArray, type TObject, type TSchema, Type } from 'typebox'
import { type Reappearance, returnWays } from '../../directory/reappearances.ts'
import { userStates } from '../../people/accounts/user.ts'

/** A time as the database gives it, which becomes ISO 8601 in JSON. */
export const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })
export const NullableTime = Type.Unsafe<Date | null>({ type: ['string', 'null'], format: 'date-time' })
export const Id = Type.String({ format: 'uuid' })
export const NullableId = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'uuid' })
/** Goes with a field that names the user who did something. */
export const ActingCredential = Type.Unsafe<string | null>({
  ...NullableId,
  description: 'The API key, OAuth client or operator that did it, if no user did',
})
export const NullableNumber = Type.Unsafe<number | null>({ type: ['number', 'null'] })
/** YYYY-MM-DD */
export const Day = Type.String({ format: 'date' })
export const NullableDay = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date' })
export const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })

/** The path of one thing. */
export const IdParams = Type.Object({ id: Id })

/** Where the next page begins; null at the end. */
export const Next = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: '`after` of the next page; null at the end',
})

/** The answer of a list: a page of the items, under a name. */
export function pageOf<Name extends string, Item extends TSchema>(
  name: Name,
  item: Item,
): TObject<Record<Name, TArray<Item>> & { next: typeof Next }> {
  const members = { [name]: Type.Array(item), next: Next } as Record<Name, TArray<Item>> & { next: typeof Next }
  return Type.Object(members, { description: 'A page' })
}

/** What an operation lists, as a page: where there is no next one, `next` is null. */
export async function asPage<Page extends { next?: string | undefined }>(
  listing: Promise<Page>,
): Promise<Omit<Page, 'next'> & { next: string | null }> {
  const { next = null, ...items } = await listing
  return { ...items, next }
}

/** A page of a list that is read in the order of ids. */
export const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  after: Type.Optional(Type.String({ format: 'uuid', description: 'The value of `next` in the previous page' })),
}

export const Paging = Type.Object(paging, { additionalProperties: false })

/** What a request that creates something is answered. */
export const Created = Type.Object({ id: Id }, { description: 'Created; Location has its address' })

/** Texts that a change can clear. */
export const ClearableLine = Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 256 })
export const ClearableText = Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 20_000 })

export const ExternalKey = Type.Unsafe<string | null>({
  ...NullableText,
  description: 'Its key in the data set that it was imported from',
})
/** In a change. */
export const NewExternalKey = Type.Optional(
  Type.Unsafe<string | null>({
    ...ClearableLine,
    description: 'Its key in the data set that it was imported from; without it, a later import makes another one',
  }),
)
export const DeletedAt = Type.Unsafe<Date | null>({
  ...NullableTime,
  description: 'Set for a deleted one, which no list shows',
})

export const Nothing = Type.Null({ description: 'Done' })

/** When something happened that is recorded afterwards. */
export const At = Type.String({
  format: 'date-time',
  maxLength: 64,
  description: 'When it happened; default: now',
})

/** Texts of things. The operations know the rest of their rules. */
export const Line = Type.String({ minLength: 1, maxLength: 256 })
export const Text = Type.String({ minLength: 1, maxLength: 20_000 })
export const Addresses = Type.Array(Type.String({ maxLength: 320 }), {
  maxItems: 100,
  description: 'E-mail addresses; an erasure removes those of the person',
})

/** What a list of people shows of a user. */
export const person = {
  id: Id,
  state: Type.Enum([...userStates]),
  display_name: NullableText,
  login_name: NullableText,
  email: NullableText,
}

/** Somebody who has a part in something. */
export const People = Type.Array(Type.Object({ id: Id, display_name: NullableText }))

export const Reappeared = Type.Unsafe<Reappearance | null>({
  type: ['object', 'null'],
  description: 'Set for a purged person who came back',
  properties: {
    how: {
      type: 'string',
      enum: [...returnWays],
      description: '`creation`: a user or a program created the account again',
    },
    group_id: { type: ['string', 'null'], format: 'uuid' },
    group_name: { type: ['string', 'null'] },
    import_run_id: { type: ['string', 'null'], format: 'uuid', description: 'The import, or null' },
    request_id: { type: 'string', format: 'uuid', description: 'The erasure request that had purged the person' },
    reappeared_at: { type: 'string', format: 'date-time' },
  },
  required: ['how', 'group_id', 'group_name', 'import_run_id', 'request_id', 'reappeared_at'],
})
