import { STATUS_CODES } from 'node:http'
import { type TSchema, Type } from 'typebox'
import type { ErrorKind, LetheError } from '../../platform/errors.ts'
import { sharedSchema } from '../openapi/shared-schema.ts'
import { ErrorCode } from './error-code.ts'
import type { ErrorFormat } from './error-format.ts'
import { usualStatuses } from './statuses.ts'

const titles: Record<ErrorKind, string> = {
  malformed: 'The request cannot be read',
  unauthenticated: 'No valid credential',
  forbidden: 'Not permitted',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  gone: 'Gone',
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

/** What each status means where an API says nothing else. */
export const usualReasons = {
  400: 'The request cannot be read: no JSON, no UTF-8, or an address that is not encoded as it should be',
  401: 'No valid credential',
  403: 'The credential may not do this',
  404: 'There is no such thing in this tenant',
  409: 'Conflict with what is there',
  410: 'It was here, and its content is destroyed',
  413: 'The body is too large',
  415: 'The content type or its charset is not read here',
  422: 'Something is not valid; `field` names it',
  429: 'Too many requests; Retry-After says when to try again',
  503: 'Not available at the moment; Retry-After says when to try again',
} as const

/** Members of a problem beside those that every problem has (RFC 9457, section 3.2). */
export type ExtensionMembers = {
  schemas: Record<string, TSchema>
  /** The members of this error that there are. */
  of(error: LetheError): object
}

/** Problem details (RFC 9457) with a stable `code`, and the members that `extension` adds. */
export function problemDetails(extension: ExtensionMembers = { schemas: {}, of: () => ({}) }): ErrorFormat {
  return {
    mediaType: 'application/problem+json',
    statuses: usualStatuses,
    reasons: usualReasons,
    schema: sharedSchema(
      'Problem',
      Type.Object(
        {
          type: Type.String({ description: 'urn:lethe:problem: and the code' }),
          title: Type.String(),
          status: Type.Integer(),
          detail: Type.String({
            description: 'A sentence that explains how to fix the request, without personal data',
          }),
          code: ErrorCode,
          field: Type.Optional(
            Type.String({ description: 'The field or parameter that is wrong, if it is exactly one' }),
          ),
          details: Type.Optional(Type.Object({}, { additionalProperties: true })),
          ...extension.schemas,
          request_id: Type.String(),
        },
        { description: 'Problem details (RFC 9457)' },
      ),
    ),
    body(error, { status, requestId }) {
      const { field, retryAfter: _, challenge: __, ...details } = (error.details ?? {}) as Record<string, unknown>
      return {
        type: typeOf(error.code),
        title: titles[error.kind],
        status,
        detail: error.message,
        code: error.code,
        ...(typeof field === 'string' && { field }),
        ...(Object.keys(details).length > 0 && status < 500 && { details }),
        ...extension.of(error),
        request_id: requestId,
      }
    },
    unreadable: (status) => ({
      type: typeOf('request.malformed'),
      title: STATUS_CODES[status],
      status,
      detail: 'The request cannot be read.',
      code: 'request.malformed',
    }),
  }
}

function typeOf(code: string): string {
  return `urn:lethe:problem:${code}`
}
