import { createHmac, hkdfSync } from 'node:crypto'
import { identifierKey } from '../identifiers/identifier-key.ts'

/** What can be confirmed: an e-mail address, or the id at an identity provider, which only counts with its issuer. */
export type ConfirmableIdentity =
  | { kind: 'email'; value: string }
  | { kind: 'external_identity_id'; value: string; issuer: string }

/**
 * The keyed hash that a confirmed identity is known by, 32 bytes. It is the same in each tenant of the installation, so
 * that one person is found in several. The key follows from the master key.
 */
export function identityHash(masterKey: Buffer, identity: ConfirmableIdentity): Buffer {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'lethe confirmed identities', 32))
  const issuer = identity.kind === 'email' ? '' : identity.issuer
  const parts = [identity.kind, issuer, identifierKey(identity.kind, identity.value)]
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest()
}
