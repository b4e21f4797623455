import type { TSchema } from 'typebox'
import type { ErrorKind, LetheError } from '../../platform/errors.ts'
import type { SharedSchema } from '../openapi/shared-schema.ts'

/** How an API answers errors. The frame finds out which error it is; the format says what the answer looks like. */
export type ErrorFormat = {
  /** The content type of the answers. */
  mediaType: string
  /** The schema of the body; the document has it once, under its name. */
  schema: SharedSchema<TSchema>
  /** The status of each kind of error. */
  statuses: Readonly<Record<ErrorKind, number>>
  /** Statuses of kinds of errors at one method of HTTP, where they differ. */
  statusesOf?: Readonly<Record<string, Partial<Record<ErrorKind, number>>>>
  /** What each status means in this API, for the document. A route may declare only statuses that stand here. */
  reasons: Readonly<Record<number, string>>
  /** The body for an error. It holds nothing personal, except what this caller may read. */
  body(error: LetheError, answer: { status: number; requestId: string; method?: string }): object
  /** The body for what could not be read as a request of HTTP, with this status. */
  unreadable(status: number): object
}
