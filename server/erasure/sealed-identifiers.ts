import type { Identifier } from '../identifiers/identifier-key.ts'
import { open, seal } from '../platform/crypto/seal.ts'

/** Encrypts a subject's identifiers under the request's key, for verification after the person's row is gone. */
export function sealIdentifiers(requestKey: Buffer, identifiers: Identifier[]): Buffer {
  return seal(requestKey, Buffer.from(JSON.stringify(identifiers)), 'identifiers')
}

/** Opens what {@link sealIdentifiers} made. */
export function openIdentifiers(requestKey: Buffer, sealed: Buffer): Identifier[] {
  return JSON.parse(open(requestKey, sealed, 'identifiers').toString('utf8')) as Identifier[]
}
