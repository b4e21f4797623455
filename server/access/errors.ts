import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with a credential. The answers to a sign-in do not tell which accounts exist. */
export const accessError = defineErrors({
  'access.unauthenticated': {
    kind: 'unauthenticated',
    // One answer for a credential that is missing, unknown, wrong, expired or revoked: it must not tell which.
    message: (_: { challenge: 'Basic' | 'Bearer' | 'session' }) =>
      'No valid credential was sent. Send an API key, a token that is not expired, or sign in.',
  },
  'access.sign_in_failed': {
    kind: 'unauthenticated',
    message: () => 'The name or the password is wrong, or the account may not sign in.',
  },
  'access.too_many_attempts': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `Too many sign-in attempts failed. Wait ${d.retryAfter} ${d.retryAfter === 1 ? 'second' : 'seconds'}, then try again.`,
  },
  'access.csrf': {
    kind: 'forbidden',
    message: () =>
      'The CSRF token is missing, or does not belong to this session. Send the token that the sign-in returned.',
  },
  'key.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no API key ${d.id} in this tenant.`,
    hint: () => '"lethe key list" lists the keys.',
  },
  'client.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no OAuth client ${d.id} in this tenant.`,
    hint: () => '"lethe client list" lists the clients.',
  },
  'operator.not_found': {
    kind: 'not_found',
    message: () => 'There is no operator with this name.',
    hint: () => '"lethe operator list" lists the operators.',
  },
  'operator.name_taken': {
    kind: 'conflict',
    message: () => 'An operator with this name already exists. Choose another name.',
  },
  // The codes of RFC 6749, section 5.2, behind the point.
  'oauth.invalid_request': {
    kind: 'input',
    message: (d: { missing: string }) => `The parameter ${d.missing} is missing.`,
  },
  'oauth.unsupported_grant_type': {
    kind: 'input',
    message: () => 'Only the grant type client_credentials is supported.',
  },
  'oauth.invalid_client': {
    kind: 'unauthenticated',
    message: () => 'This tenant has no client with this id and this secret.',
  },
  'oauth.invalid_scope': {
    kind: 'input',
    message: (d: { scopes: string[] }) => `The client does not have every requested scope. It has ${listed(d.scopes)}.`,
  },
})
