import { defineErrors } from '../../platform/errors.ts'

/** What only the native API can find wrong. */
export const nativeError = defineErrors({
  'skill.award_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This user has no skill award ${d.id}.`,
  },
  'erasure.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The erasure request would cover ${d.found} ${d.found === 1 ? 'person' : 'people'}, not ${d.expected}. Nothing was requested. Preview it again.`,
  },
})
