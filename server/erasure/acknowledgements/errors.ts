import { defineErrors } from '../../platform/errors.ts'

/** What is wrong with the acknowledgement of an erasure by a receiver of data. */
export const acknowledgementError = defineErrors({
  'acknowledgement.link_invalid': {
    kind: 'not_found',
    message: () =>
      'This link is not valid. It has expired or was withdrawn. Ask the administrators of the tenant for another link.',
  },
  'acknowledgement.link_not_found': {
    kind: 'not_found',
    message: (d: { request: string; link: string }) =>
      `There is no open link ${d.link} of erasure request ${d.request}. It was used, it expired, or it was withdrawn.`,
    hint: (d: { request: string }) => `"lethe erasure show ${d.request}" lists the receivers and their open links.`,
  },
  'acknowledgement.nothing_erased': {
    kind: 'conflict',
    message: (d: { request: string }) =>
      `Erasure request ${d.request} has not erased any person yet, so there is nothing to acknowledge. Ask the receiver when it has.`,
    hint: (d: { request: string }) => `"lethe erasure show ${d.request}" shows the progress.`,
  },
  'acknowledgement.no_public_url': {
    kind: 'environment',
    message: () => 'The server does not know its public address, so it cannot make links. Its operator sets it.',
    hint: () => 'Set LETHE_PUBLIC_URL, or start "lethe serve" with --public-url.',
  },
})
