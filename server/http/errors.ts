import { defineErrors } from '../platform/errors.ts'

/** What is wrong with a request, whatever it asks for, and with the server itself. */
export const httpError = defineErrors({
  'service.not_ready': {
    kind: 'unavailable',
    message: (d: { reasons: string[] }) => d.reasons.join(' '),
  },
  'request.malformed': {
    kind: 'malformed',
    message: (d: { reason: string }) => `The request cannot be read: ${d.reason}.`,
  },
  'request.too_large': {
    kind: 'too_large',
    message: (d: { limit: number }) =>
      `The body is larger than the limit of ${d.limit.toLocaleString('en-US')} bytes. Send less at a time.`,
  },
  'request.unsupported_media_type': {
    kind: 'unsupported_media_type',
    message: () => 'This content type is not supported. Send JSON, with the header "Content-Type: application/json".',
  },
  'request.unsupported_charset': {
    kind: 'unsupported_media_type',
    message: () => 'This charset is not supported. Send UTF-8.',
  },
  'request.unknown_route': {
    kind: 'not_found',
    message: () => 'There is no route at this address. /docs lists the routes.',
  },
  'request.method_not_allowed': {
    kind: 'method_not_allowed',
    message: (d: { allowed: string[] }) => `This address supports ${d.allowed.join(', ')} only.`,
  },
  'request.rate_limited': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `Too many requests. Try again in ${d.retryAfter} ${d.retryAfter === 1 ? 'second' : 'seconds'}.`,
  },
  'idempotency.other_request': {
    kind: 'input',
    message: () =>
      'This Idempotency-Key was used for another request within the last day. Use a new key for a new request.',
  },
  'idempotency.erased': {
    kind: 'conflict',
    message: () =>
      'The person that the first request with this Idempotency-Key was about has been erased. Use a new key.',
  },
  'server.address_unusable': {
    kind: 'environment',
    message: (d: { host: string; port: number; reason: string }) =>
      `The server cannot listen on ${d.host}, port ${d.port}: ${d.reason}.`,
    hint: () => 'Name another address with --host and --port.',
  },
  'server.public_url_invalid': {
    kind: 'environment',
    message: () => 'The public address is not valid.',
    hint: () =>
      'Give --public-url or LETHE_PUBLIC_URL a value such as https://lethe.example.org. Add a path only if a proxy adds one; leave out query and fragment.',
  },
})
