import { defineErrors } from '../../platform/errors.ts'

/** What is wrong with a wish to be erased. */
export const wishError = defineErrors({
  'wish.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no wish ${d.id} to be erased in this tenant.`,
    hint: () => '"lethe wish list" lists the wishes.',
  },
  'wish.none_open': {
    kind: 'conflict',
    message: () => 'This user has no open wish to be erased.',
  },
  'wish.open': {
    kind: 'conflict',
    message: () => 'This user already has an open wish to be erased. Wait for the decision, or withdraw the wish.',
  },
  'wish.too_many': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `This user made too many wishes to be erased. Try again in ${Math.ceil(d.retryAfter / 86_400)} days.`,
  },
  'wish.decided': {
    kind: 'conflict',
    message: (d: { state: string }) => `This wish is ${d.state} already. Only an open wish can be accepted or refused.`,
  },
})
