import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'
import { ErrorCode } from '../../http/errors/error-code.ts'
import type { ErrorAnswer, ErrorFormat } from '../../http/errors/error-format.ts'
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

/** The types that the bodies of errors have in Thrive. None of them is a delete: `user_suspended` comes closest. */
const eventTypesOfErrors = ['user_joined', 'user_updated', 'user_suspended'] as const

const event = {
  id: Type.String({ description: 'The id of the event, or of the request' }),
  timestamp: Type.String({ description: 'That of the event, or now' }),
  eventType: Type.Enum([...eventTypesOfErrors], {
    description: 'That of the event; `user_suspended` for a delete, and where the event has no such type',
  }),
  ...added,
}

const Nested = Type.Object({ status: Type.Integer(), error: Type.String(), message: Type.Optional(Type.String()) })

/** Errors as the clients of Thrive expect them. Deletes and events have two bodies that no other call has. */
export const thriveErrorFormat: ErrorFormat = {
  mediaType: 'application/json',
  /** Thrive documents no conflict: what the tenant's data refuses is 422, as what is not valid. */
  statuses: { ...usualStatuses, ambiguous: 422, conflict: 422 },
  /** A wrong address or parameter is 400, and so is an event that is not valid. */
  statusesOf: { GET: { input: 400 }, HEAD: { input: 400 }, DELETE: { input: 400 }, 'POST /webhooks': { input: 400 } },
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
        Type.Object({ ...event, error: Nested }, { description: 'Of a delete or an event: it is not valid' }),
        Type.Object({ ...event, message: Nested }, { description: 'Of a delete or an event: the server cannot do it' }),
      ],
      { description: 'An error of Thrive' },
    ),
  ),
  body(error, answer) {
    const standard = standardOf(error, answer.status)
    const isOfEvent = answer.method === 'DELETE' || answer.route === '/webhooks'
    return isOfEvent && !statusesInStandardShape.includes(answer.status) ? eventBody(standard, answer) : standard
  },
  unreadable: (status) => ({
    status,
    error: STATUS_CODES[status],
    message: 'The request cannot be read.',
    code: 'request.malformed',
  }),
}

/** The errors of a delete or an event that look like those of all other calls. */
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
 * The two bodies of the pages "Delete a user" and "Provision and manage user accounts". What the caller can fix stands under
 * `error`, all else under `message`.
 */
function eventBody({ code, field, ...nested }: StandardBody, answer: ErrorAnswer): object {
  const { message: _, ...nameless } = nested
  return {
    ...namesOf(answer),
    ...(nested.status === 400 ? { error: nested } : { message: nested.status === 500 ? nameless : nested }),
    code,
    ...(field !== undefined && { field }),
  }
}

/** What names the event that was refused: its own id and time, as far as they could be read. */
function namesOf({ requestId, sent }: ErrorAnswer): { id: string; timestamp: string; eventType: string } {
  const { id, timestamp, eventType } = (typeof sent === 'object' ? (sent ?? {}) : {}) as Record<string, unknown>
  return {
    id: isShort(id) ? id : requestId,
    timestamp: isShort(timestamp) ? timestamp : new Date().toISOString(),
    eventType: eventTypesOfErrors.find((type) => type === eventType) ?? 'user_suspended',
  }
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 255
}
