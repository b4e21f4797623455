import type { ErrorKind } from '../../platform/errors.ts'

/** The status of each kind of error in HTTP (RFC 9110, section 15). */
export const usualStatuses: Record<ErrorKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  ambiguous: 409,
  conflict: 409,
  gone: 410,
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
