import { defineErrors } from '../platform/errors.ts'

/** What is wrong with a directory group. */
export const directoryError = defineErrors({
  'group.not_found': {
    kind: 'not_found',
    message: (d: { id?: string }) => `There is no group ${d.id === undefined ? 'with this id' : d.id} in this tenant.`,
  },
  'group.taken': {
    kind: 'conflict',
    message: () =>
      'Another group of this tenant already has this directory object id. Change that group, or use its id.',
  },
})
