import { Type } from 'typebox'
import { problemDetails } from '../http/errors/problem-details.ts'
import { candidatesOf } from '../people/accounts/candidates.ts'

/** Errors as every API of Lethe's own answers them: problem details, with the people whom an ambiguous name fits. */
export const problems = problemDetails({
  schemas: {
    candidates: Type.Optional(
      Type.Array(Type.Object({}, { additionalProperties: true }), {
        description:
          'The users that an ambiguous name matches, with name, state, department and when last seen; for callers who may read users',
      }),
    ),
  },
  of(error) {
    const candidates = candidatesOf(error)
    return candidates === undefined ? {} : { candidates }
  },
})
