import { type TSchema, Type } from 'typebox'
import { type UserState, userStates } from '../../people/accounts/user.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireDay, requireTime } from '../../platform/validation/require-time.ts'

/** The parameters of every list. `limit` is an older name of `perPage`. */
export const paging = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
  perPage: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default: 100' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Another name of perPage' })),
}

export type Paging = { page?: number; perPage?: number; limit?: number }

/** The page that a caller asks for, from 1, and how much is on it. */
export function pageOf({ page = 1, perPage, limit }: Paging, usual = 100): { page: number; perPage: number } {
  return { page, perPage: perPage ?? limit ?? usual }
}

/** The envelope of most lists. */
export function resultsOf<Item extends TSchema>(item: Item) {
  return Type.Object(
    {
      results: Type.Array(item),
      pagination: Type.Object({
        totalResults: Type.Integer(),
        totalPages: Type.Integer(),
        page: Type.Integer(),
        perPage: Type.Integer(),
      }),
    },
    { description: 'A page' },
  )
}

/** Puts a page into the envelope. */
export function inEnvelope<Item>(results: Item[], total: number, { page, perPage }: { page: number; perPage: number }) {
  return {
    results,
    pagination: { totalResults: total, totalPages: Math.ceil(total / perPage), page, perPage },
  }
}

/** A day or a point in time, in UTC unless it says otherwise. */
export const Moment = Type.String({ maxLength: 64, examples: ['2026-03-01T00:00:00.000Z'] })

/** Reads a day or a point in time (ISO 8601). Throws `input.invalid`, naming the field. */
export function readMoment(field: string, text: string): Date {
  const isWritten = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)
  // A day that a month does not have would move into the next month.
  if (isWritten) requireDay(field, text.slice(0, 10))
  const zoned = /[T ]/.test(text) && !/(Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text
  return requireTime(field, new Date(isWritten ? zoned.replace(' ', 'T') : Number.NaN))
}

/** The states that a status of Thrive stands for. No user of Lethe is `expired` or `new`. */
const statesOf: Record<string, readonly UserState[]> = {
  active: ['active'],
  inactive: ['suspended'],
  expired: [],
  new: [],
}
const present: readonly UserState[] = ['active', 'suspended']

/**
 * The states that the filters of a list of users let through, of those of people who are not deleted. Throws
 * `input.invalid` for a status that Thrive does not have.
 */
export function readStates(query: { status?: string; statuses?: string; omitStatuses?: string }): UserState[] {
  const chosen = (['status', 'statuses'] as const).map((field) => query[field] && statesNamed(field, query[field]))
  const omitted = query.omitStatuses === undefined ? [] : statesNamed('omitStatuses', query.omitStatuses)
  return userStates.filter(
    (state) =>
      present.includes(state) &&
      chosen.every((states) => !states || states.includes(state)) &&
      !omitted.includes(state),
  )
}

function statesNamed(field: string, names: string): UserState[] {
  return names.split(',').flatMap((name) => {
    const states = Object.hasOwn(statesOf, name.trim()) ? statesOf[name.trim()] : undefined
    if (states !== undefined) return states
    throw inputError('input.invalid', { field, expected: `some of ${Object.keys(statesOf).join(', ')}, with commas` })
  })
}
