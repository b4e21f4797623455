import { defineErrors } from '../../platform/errors.ts'

/** What is wrong with a certificate of erasure. */
export const certificateError = defineErrors({
  'certificate.not_found': {
    kind: 'not_found',
    message: (d: { request: string }) => `Erasure request ${d.request} has no certificate yet.`,
    hint: (d: { request: string }) => `"lethe erasure show ${d.request}" shows the progress.`,
  },
  'certificate.invalid': {
    kind: 'failed',
    message: (d: { reason: string }) => `The certificate does not verify: ${d.reason}.`,
  },
  'certificate.salt_needed': {
    kind: 'input',
    message: () =>
      'This certificate is about an anonymization. It names people under a salt, which was shown once, with the erasure request.',
    hint: () => 'Give the salt with --salt.',
  },
  'certificate.no_salt': {
    kind: 'input',
    message: (_: { request: string }) =>
      'This certificate is about a purge. It names people under a key of the tenant, not under a salt.',
    hint: (d: { request: string }) => `Ask the installation that has the key: "lethe certificate check ${d.request}".`,
  },
})
