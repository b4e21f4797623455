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
  /** Statuses of kinds of errors at one method of HTTP, or at one route such as `POST /webhooks`, where they differ. */
  statusesOf?: Readonly<Record<string, Partial<Record<ErrorKind, number>>>>
  /** What each status means in this API, for the document. A route may declare only statuses that stand here. */
  reasons: Readonly<Record<number, string>>
  /** The body for an error. It holds nothing personal, except what this caller may read. */
  body(error: LetheError, answer: ErrorAnswer): object
  /** The body for what could not be read as a request of HTTP, with this status. */
  unreadable(status: number): object
}

/** `route`: the address of the route, with the names of its parameters. `sent`: the body of the request, if it was read. */
export type ErrorAnswer = {
  status: number
  requestId: string
  method?: string
  route?: string | undefined
  sent?: unknown
}

/** The status of a kind of error at a route. */
export function statusOf(
  { statuses, statusesOf }: Pick<ErrorFormat, 'statuses' | 'statusesOf'>,
  kind: ErrorKind,
  { method, route }: { method: string; route: string | undefined },
): number {
  return statusesOf?.[`${method} ${route}`]?.[kind] ?? statusesOf?.[method]?.[kind] ?? statuses[kind]
}
