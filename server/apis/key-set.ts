import { Type } from 'typebox'

/** Public keys (RFC 7517, section 5). */
export const KeySet = Type.Object(
  { keys: Type.Array(Type.Object({}, { additionalProperties: true })) },
  { description: 'A JSON Web Key Set' },
)
