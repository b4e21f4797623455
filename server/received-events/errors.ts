import { defineErrors } from '../platform/errors.ts'

/** What is wrong with an event that another system sent. */
export const eventError = defineErrors({
  'event.other_body': {
    kind: 'conflict',
    message: () =>
      'An event with this id came before, with another body. Send each event with an id of its own, and repeat an event unchanged.',
  },
})
