import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isODataAddress, odataErrorBody, odataStatusOf } from '../../apis/learn365/odata-error.ts'
import { type Candidate, candidatesOf } from '../../people/accounts/candidates.ts'
import { lostReference } from '../../people/accounts/lost-reference.ts'
import { transientFailure } from '../../platform/database/failures.ts'
import { type ErrorKind, isLetheError, LetheError } from '../../platform/errors.ts'

/** The one table of what each kind of error is in HTTP. */
export const statusOfKind: Record<ErrorKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  ambiguous: 409,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  input: 422,
  rate_limited: 429,
  failed: 500,
  // Only the command line tells these two.
  outstanding: 500,
  found: 500,
  unavailable: 503,
  environment: 503,
}

const titles: Record<ErrorKind, string> = {
  malformed: 'The request cannot be read',
  unauthenticated: 'No valid credential',
  forbidden: 'Not permitted',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  ambiguous: 'Ambiguous',
  conflict: 'Conflict with what is there',
  too_large: 'Too large',
  unsupported_media_type: 'Content type not supported',
  input: 'Not valid',
  rate_limited: 'Too many requests',
  failed: 'Failed',
  outstanding: 'Outstanding',
  found: 'Residual data was found',
  unavailable: 'Not available',
  environment: 'Not available',
}

/** An error as the native API answers it: problem details (RFC 9457) with a stable `code`. */
export type ProblemBody = {
  type: string
  title: string
  status: number
  detail: string
  code: string
  /** What of the request is wrong, where it is one thing: a field of the body, a parameter. */
  field?: string
  /** What a program needs to go on, such as the ids of the candidates. */
  details?: Record<string, unknown>
  /** Whom an ambiguous name fits; only for callers who may read users. */
  candidates?: Candidate[]
  request_id: string
}

/**
 * Answers an error in the shape that the clients of the API expect: problem details, or an OData error. Whatever nobody
 * foresaw is a 500 that says nothing of what happened.
 */
export function replyWithError(error: LetheError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { retryAfter, challenge } = (error.details ?? {}) as Record<string, unknown>
  const odata = isODataAddress(request.url)
  const usual = statusOfKind[error.kind]
  const status = odata ? odataStatusOf(error, usual) : usual
  if (typeof retryAfter === 'number') reply.header('retry-after', retryAfter)
  if (status === 503) reply.header('retry-after', 5)
  if (status === 401) reply.header('www-authenticate', challengeOf(challenge))
  reply.code(status).type(odata ? 'application/json' : 'application/problem+json')
  return reply.send(JSON.stringify(odata ? odataErrorBody(error) : problemBody(error, status, request)))
}

function problemBody(error: LetheError, status: number, request: FastifyRequest): ProblemBody {
  const candidates = candidatesOf(error)
  const { field, retryAfter: _, challenge: __, ...details } = (error.details ?? {}) as Record<string, unknown>
  return {
    type: `urn:lethe:problem:${error.code}`,
    title: titles[error.kind],
    status,
    detail: withoutCommands(error.message),
    code: error.code,
    ...(typeof field === 'string' && { field }),
    ...(Object.keys(details).length > 0 && status < 500 && { details }),
    ...(candidates !== undefined && { candidates }),
    request_id: request.id,
  }
}

/** A message without the sentences that send people to the command line, which callers of an API do not have. */
function withoutCommands(message: string): string {
  return message.replaceAll(/ [^.]*"lethe [^"]*"[^.]*\./g, '')
}

/** The error of the table that any other error becomes in HTTP. */
export function problemOf(error: unknown, request: FastifyRequest): LetheError {
  if (isLetheError(error)) return error
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation !== undefined) return invalidInput(validation, validationContext ?? 'body')
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new LetheError('request.too_large', { limit: request.routeOptions.bodyLimit ?? 0 }, error)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new LetheError('request.unsupported_media_type', undefined, error)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new LetheError('request.malformed', { reason: 'the body is empty, but JSON is expected' }, error)
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new LetheError(
        'request.malformed',
        { reason: 'the length of the body differs from Content-Length' },
        error,
      )
    case 'FST_ERR_BAD_URL':
      return new LetheError('request.malformed', { reason: 'the encoding of the address is wrong' }, error)
    case 'FST_ERR_HANDLER_TIMEOUT':
      return new LetheError('service.unavailable', undefined, error)
  }
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new LetheError('request.malformed', { reason: 'the body is not JSON' }, error)
  }
  const lost = lostReference(error)
  if (lost !== undefined) return lost
  const passing = transientFailure(error)
  if (passing !== undefined) return passing
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new LetheError('request.malformed', { reason: 'it is not valid HTTP' }, error)
  }
  return new LetheError('internal.unexpected', { reason: 'the log of the server has the details' }, error)
}

const parts: Record<string, string> = { querystring: 'query', params: 'path', headers: 'header', body: 'body' }

type Violation = { keyword: string; instancePath: string; params: Record<string, unknown>; message?: string }

/** Names the first field that is wrong, and what is expected; never the value. */
function invalidInput(given: unknown[], context: string): LetheError {
  const violations = given as Violation[]
  // Where a list of choices fails, the last violation of a place says what the place should be; unknown names come first.
  const unknown = violations.find(({ keyword }) => keyword === 'additionalProperties')
  const names = unknown?.params.additionalProperties
  if (unknown !== undefined && Array.isArray(names)) {
    return new LetheError('input.unknown_field', { field: fieldOf(`${unknown.instancePath}/${String(names[0])}`) })
  }
  const [first] = violations
  if (first === undefined)
    return new LetheError('input.invalid', { field: parts[context] ?? context, expected: 'it does not fit its schema' })
  if (first.keyword === 'required' && Array.isArray(first.params.requiredProperties)) {
    const missing = String(first.params.requiredProperties[0])
    return new LetheError('input.invalid', {
      field: fieldOf(`${first.instancePath}/${missing}`),
      expected: 'it is missing',
    })
  }
  const field = first.instancePath === '' ? (parts[context] ?? context) : fieldOf(first.instancePath)
  return new LetheError('input.invalid', { field, expected: `it ${first.message ?? 'does not fit'}` })
}

/** A JSON pointer in the words of the API: `subjects.0.email`. A name that the client made up is cut short. */
function fieldOf(pointer: string): string {
  return pointer.slice(1).replaceAll('/', '.').slice(0, 64) || '(a name without characters)'
}

function challengeOf(challenge: unknown): string {
  // A scheme of its own: at Basic, a browser would ask for a password.
  if (challenge === undefined || challenge === 'session') return 'Session realm="Lethe"'
  return challenge === 'Bearer' ? 'Bearer realm="Lethe"' : 'Basic realm="Lethe", charset="UTF-8"'
}
