import { Type } from 'typebox'
import { ErrorCode } from '../../http/errors/error-code.ts'
import type { ErrorFormat } from '../../http/errors/error-format.ts'
import { usualReasons } from '../../http/errors/problem-details.ts'
import { usualStatuses } from '../../http/errors/statuses.ts'
import { sharedSchema } from '../../http/openapi/shared-schema.ts'
import { type Candidate, candidatesOf } from '../../people/accounts/candidates.ts'
import type { LetheError } from '../../platform/errors.ts'

/** Errors as the clients of Learn365 expect them. */
export const odataErrorFormat: ErrorFormat = {
  mediaType: 'application/json',
  /** What is not valid is 400, as OData has it, and a login name that several people have is 500, as Learn365 has it. */
  statuses: { ...usualStatuses, input: 400, ambiguous: 500 },
  reasons: {
    ...usualReasons,
    400: 'The request is not valid; `target` names what is not',
    500: 'Several users have this login name; `details` has the key of each',
  },
  schema: sharedSchema(
    'ODataError',
    Type.Object(
      {
        error: Type.Object({
          code: ErrorCode,
          message: Type.String({
            description: 'A sentence that explains how to fix the request, without personal data',
          }),
          target: Type.Optional(
            Type.String({ description: 'The field or parameter that is wrong, if it is exactly one' }),
          ),
          details: Type.Optional(
            Type.Array(Type.Object({ code: Type.String(), message: Type.String(), target: Type.String() }), {
              description:
                'The users that an ambiguous name matches, for callers who may read users: the state, a description, and the key of exactly this user',
            }),
          ),
        }),
      },
      { description: 'An OData error' },
    ),
  ),
  body: odataErrorBody,
  unreadable: () => ({ error: { code: 'request.malformed', message: 'The request cannot be read.' } }),
}

/** The body of an error, as OData has it (JSON Format 4.01, section 21). */
type ODataErrorBody = {
  error: {
    code: string
    message: string
    target?: string
    details?: { code: string; message: string; target: string }[]
  }
}

/**
 * The body of an error. It names no person, except the candidates where the caller may read users. Each has its state as
 * `code`, and as `target` the key that means this one and no namesake.
 */
function odataErrorBody(error: LetheError): ODataErrorBody {
  const { field, option } = (error.details ?? {}) as Record<string, unknown>
  const target = field ?? option
  const details = candidatesOf(error)?.map((candidate) => ({
    code: candidate.state,
    message: describe(candidate),
    target: candidate.directory_object_id ?? candidate.id,
  }))
  return {
    error: {
      code: error.code,
      message: error.kind === 'ambiguous' ? severalUsers : error.message,
      ...(typeof target === 'string' && { target }),
      ...(details !== undefined && { details }),
    },
  }
}

function describe({ display_name, state, department, last_seen_at }: Candidate): string {
  const seen = last_seen_at === null ? 'never seen' : `last seen ${last_seen_at.toISOString().slice(0, 10)}`
  return [display_name ?? 'no name', state, department ?? 'no department', seen].join(', ')
}

const severalUsers =
  'Several users have this login name, so it does not identify one user. Take the key from the details of this error, or from Users/IncludeDeletedUsers(), where IsDeleted and LastSeenDate tell them apart. The plain list of Users leaves out deleted people. DirectoryObjectId and Id are unique keys.'
