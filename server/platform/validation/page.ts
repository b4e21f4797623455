import { requireWholeNumber } from './require-number.ts'
import { requireUuid } from './require-uuid.ts'

/** What part of a list in the order of ids is wanted: at most `limit` (50, up to 1000) behind the id `after`. */
export type Paging = { limit?: number | undefined; after?: string | undefined }

/** The part that is wanted, with `after` for a statement: null from the beginning. Throws `input.invalid`. */
export function readPaging({ limit = 50, after }: Paging): { limit: number; after: string | null } {
  return {
    limit: requireWholeNumber('limit', limit, { from: 1, to: 1000 }),
    after: after === undefined ? null : requireUuid('after', after),
  }
}

/** Of rows (or ids) of which one more than `limit` was read: the page, and behind which id it goes on, if it does. */
export function cutPage<Row extends { id: string } | string>(
  rows: Row[],
  limit: number,
): { page: Row[]; next: string | undefined } {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return { page, next: typeof last === 'object' ? last.id : last }
}
