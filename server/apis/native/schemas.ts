import { Type } from 'typebox'

/** A time as the database gives it, which becomes ISO 8601 in JSON. */
export const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })
export const NullableTime = Type.Unsafe<Date | null>({ type: ['string', 'null'], format: 'date-time' })
export const Id = Type.String({ format: 'uuid' })
export const NullableId = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'uuid' })
export const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })

/** The path of one thing. */
export const IdParams = Type.Object({ id: Id })

/** Where the next page begins; null at the end. */
export const Next = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: '`after` of the next page; null at the end',
})
