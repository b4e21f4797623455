import type { FastifyError, FastifyRequest } from 'fastify'
import { transientFailure } from '../../platform/database/failures.ts'
import { isLetheError, type LetheError, platformError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { httpError } from '../errors.ts'

/** Finds the error of the table that another error is; undefined where it is none that is known. */
export type Recognize = (error: unknown) => LetheError | undefined

/**
 * The error of the table that any error is in HTTP. `ofRooms` knows the errors of the database that only the rooms can tell
 * apart. What is not known becomes `internal.unexpected`.
 */
export function recognizeError(error: unknown, request: FastifyRequest, ofRooms: Recognize): LetheError {
  if (isLetheError(error)) return error
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation !== undefined) return invalidInput(validation, validationContext ?? 'body')
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return httpError('request.too_large', { limit: request.routeOptions.bodyLimit ?? 0 }, error)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return httpError('request.unsupported_media_type', undefined, error)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return httpError('request.malformed', { reason: 'the body is empty, but JSON is expected' }, error)
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return httpError('request.malformed', { reason: 'the length of the body differs from Content-Length' }, error)
    case 'FST_ERR_BAD_URL':
      return httpError('request.malformed', { reason: 'the encoding of the address is wrong' }, error)
    case 'FST_ERR_HANDLER_TIMEOUT':
      return platformError('service.unavailable', undefined, error)
  }
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return httpError('request.malformed', { reason: 'the body is not JSON' }, error)
  }
  const known = ofRooms(error) ?? transientFailure(error)
  if (known !== undefined) return known
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return httpError('request.malformed', { reason: 'it is not valid HTTP' }, error)
  }
  return platformError('internal.unexpected', { reason: 'the log of the server has the details' }, error)
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
    return inputError('input.unknown_field', { field: fieldOf(`${unknown.instancePath}/${String(names[0])}`) })
  }
  const [first] = violations
  if (first === undefined)
    return inputError('input.invalid', { field: parts[context] ?? context, expected: 'it does not fit its schema' })
  if (first.keyword === 'required' && Array.isArray(first.params.requiredProperties)) {
    const missing = String(first.params.requiredProperties[0])
    return inputError('input.invalid', {
      field: fieldOf(`${first.instancePath}/${missing}`),
      expected: 'it is missing',
    })
  }
  const field = first.instancePath === '' ? (parts[context] ?? context) : fieldOf(first.instancePath)
  return inputError('input.invalid', { field, expected: `it ${first.message ?? 'does not fit'}` })
}

/** A JSON pointer in the words of the API: `subjects.0.email`. A name that the client made up is cut short. */
function fieldOf(pointer: string): string {
  return pointer.slice(1).replaceAll('/', '.').slice(0, 64) || '(a name without characters)'
}
