import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'
import { ErrorCode } from '../../http/errors/error-code.ts'
import type { ErrorFormat } from '../../http/errors/error-format.ts'
import { usualReasons } from '../../http/errors/problem-details.ts'
import { usualStatuses } from '../../http/errors/statuses.ts'
import { sharedSchema } from '../../http/openapi/shared-schema.ts'
import type { LetheError } from '../../platform/errors.ts'

/** The members that Lethe adds to each body. Thrive has none of them. */
const added = {
  code: ErrorCode,
  field: Type.Optional(Type.String({ description: 'The field or parameter that is wrong, if it is exactly one' })),
}

const Standard = Type.Object(
  {
    status: Type.Integer(),
    error: Type.String({ description: 'The reason phrase of the status', examples: ['Not Found'] }),
    message: Type.String({ description: 'A sentence that explains how to fix the request, without personal data' }),
    ...added,
  },
  { description: 'The standard error of Thrive' },
)

const event = {
  id: Type.String({ description: 'The id of the request' }),
  timestamp: Type.String({ format: 'date-time' }),
  eventType: Type.Literal('user_suspended'),
  ...added,
}

const Nested = Type.Object({ status: Type.Integer(), error: Type.String(), message: Type.Optional(Type.String()) })

/** Errors as the clients of Thrive expect them. The page "Delete a user" has two bodies that no other call has. */
export const thriveErrorFormat: ErrorFormat = {
  mediaType: 'application/json',
  /** Thrive documents no conflict: what the tenant's data refuses is 422, as what is not valid. */
  statuses: { ...usualStatuses, ambiguous: 422, conflict: 422 },
  /** A wrong address or parameter is 400. */
  statusesOf: { GET: { input: 400 }, HEAD: { input: 400 }, DELETE: { input: 400 } },
  reasons: {
    ...usualReasons,
    400: 'The request cannot be read, or something in its address is not valid',
    422: 'Something is not valid, or conflicts with what is there',
    500: 'The server failed; its log has the details',
  },
  schema: sharedSchema(
    'ThriveError',
    Type.Union(
      [
        Standard,
        Type.Object({ ...event, error: Nested }, { description: 'Of a delete: the request is not valid' }),
        Type.Object({ ...event, message: Nested }, { description: 'Of a delete: the server cannot do it' }),
      ],
      { description: 'An error of Thrive' },
    ),
  ),
  body(error, { status, requestId, method }) {
    const standard = standardOf(error, status)
    return method === 'DELETE' && !statusesInStandardShape.includes(status) ? eventOf(standard, requestId) : standard
  },
  unreadable: (status) => ({
    status,
    error: STATUS_CODES[status],
    message: 'The request cannot be read.',
    code: 'request.malformed',
  }),
}

/** The errors of a delete that look like those of all other calls. */
const statusesInStandardShape: readonly number[] = [401, 403, 404, 405, 422]

type StandardBody = { status: number; error: string; message: string; code: string; field?: string }

function standardOf(error: LetheError, status: number): StandardBody {
  const { field } = (error.details ?? {}) as Record<string, unknown>
  return {
    status,
    error: STATUS_CODES[status] ?? 'Error',
    message: error.message,
    code: error.code,
    ...(typeof field === 'string' && { field }),
  }
}

/**
 * The two bodies of the page "Delete a user". What the caller can fix stands under `error`, all else under `message`. An
 * `eventType` is one of three there, and none of them is a delete: `user_suspended` comes closest.
 */
function eventOf({ code, field, ...nested }: StandardBody, requestId: string): object {
  const { message: _, ...nameless } = nested
  return {
    id: requestId,
    timestamp: new Date().toISOString(),
    eventType: 'user_suspended',
    ...(nested.status === 400 ? { error: nested } : { message: nested.status === 500 ? nameless : nested }),
    code,
    ...(field !== undefined && { field }),
  }
}
