import { defineErrors } from '../../platform/errors.ts'

/** What only the native API can find wrong. */
export const nativeError = defineErrors({
  'skill.award_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This user has no skill award ${d.id}.`,
  },
})
