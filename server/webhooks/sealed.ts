import { randomBytes } from 'node:crypto'
import { openWith } from '../keyring/identifier-hash-key.ts'
import { seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** What of an endpoint is kept under the master key. The id is bound to it: no ciphertext opens for another endpoint. */
type Part = 'url' | 'secret'

const purposeOf = (part: Part, endpointId: string) => `webhook ${part} ${endpointId}`

/** Seals the address or a secret of an endpoint. */
export function sealPart(tx: TenantTransaction, part: Part, endpointId: string, text: string): Buffer {
  return seal(tx.masterKey, Buffer.from(text), purposeOf(part, endpointId))
}

/** Opens what {@link sealPart} made. Throws `master_key.wrong`. */
export function openPart(masterKey: Buffer, part: Part, endpointId: string, sealed: Buffer): string {
  return openWith(masterKey, sealed, purposeOf(part, endpointId)).toString('utf8')
}

/** A secret in the form of the Standard Webhooks specification: 32 random bytes in base64 behind a prefix. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
