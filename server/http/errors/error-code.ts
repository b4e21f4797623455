import { type TSchema, Type } from 'typebox'
import { sharedSchema } from '../openapi/shared-schema.ts'

const shared = sharedSchema(
  'ErrorCode',
  Type.String({
    description: 'Stable; programs rely on it. A later version may have more codes.',
    examples: ['user.not_found'],
  }),
)

/** The code of an error, for the schemas of all formats of errors. */
export const ErrorCode = shared.ref

/**
 * The schema behind {@link ErrorCode}, with these codes for the document. The list is open: a client must accept a code that it
 * does not know (Zalando RESTful API Guidelines, rule 112).
 */
export function errorCodeSchema(codes: readonly string[]): TSchema {
  return Object.assign({ 'x-extensible-enum': codes }, shared.schema)
}
