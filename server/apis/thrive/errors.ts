import { defineErrors } from '../../platform/errors.ts'

/** What is wrong with a call of Thrive's API only. */
export const thriveError = defineErrors({
  'ref.missing': {
    kind: 'malformed',
    message: () => 'The path parameter ref is required. Put the ref of the user behind /users/ref/.',
  },
})
