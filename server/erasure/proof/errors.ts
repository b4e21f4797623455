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
  'certificate.not_covered': {
    kind: 'not_found',
    message: (d: { request: string }) => `The certificate of erasure request ${d.request} does not cover this person.`,
  },
  'certificate.about_another': {
    kind: 'failed',
    message: (d: { request: string }) =>
      `The proof verifies, but it is not about this person. It is about another person of erasure request ${d.request}, or an identifier that the person did not have.`,
  },
  'certificate.several_covered': {
    kind: 'ambiguous',
    message: (d: { request: string }) =>
      `Several people of erasure request ${d.request} had this identifier. Name the person by another one, or by the internal id.`,
  },
  'certificate.no_proofs': {
    kind: 'conflict',
    message: (d: { request: string }) =>
      `The certificate of erasure request ${d.request} is from before there were proofs about one person.`,
    hint: () => '"lethe certificate show" prints the whole certificate.',
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
