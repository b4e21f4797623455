import { defineErrors } from '../platform/errors.ts'

/** What is wrong with the confirmation of an identity, or with an identity provider. */
export const identityError = defineErrors({
  'identity.no_address': {
    kind: 'conflict',
    message: () => 'This user has no e-mail address to confirm. Give the user an address first.',
  },
  'identity.confirmed_already': {
    kind: 'conflict',
    message: () => 'The e-mail address of this user is confirmed already.',
  },
  'identity.too_many_links': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `Too many confirmation links were sent to this user. Wait ${Math.ceil(d.retryAfter / 60)} minutes, then try again.`,
  },
  'identity.no_public_url': {
    kind: 'conflict',
    message: () => 'The server does not know its public address, so it cannot mail links. Its operator sets it.',
    hint: () => 'Set LETHE_PUBLIC_URL, or start "lethe serve" with --public-url.',
  },
  'identity.link_invalid': {
    kind: 'not_found',
    message: () => 'This link is not valid. It was used already, it has expired, or the address has changed.',
  },
  'identity.no_such_account': {
    kind: 'not_found',
    message: () =>
      'The assertion names no active user of the tenant, or the user has another e-mail address or identity id.',
  },
  'identity_provider.not_found': {
    kind: 'not_found',
    message: () => 'There is no identity provider with this issuer.',
    hint: () => '"lethe identity-provider list" lists them.',
  },
  'identity_provider.token_invalid': {
    kind: 'unauthenticated',
    // One answer for every fault: it must not tell which.
    message: () =>
      'The token is not valid. It must be signed by a configured identity provider, name this server as its audience, live at most five minutes, and be sent once.',
  },
})
