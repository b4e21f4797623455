import { open, seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

const purpose = 'webhook reference'

/**
 * Seals what a receiver knows a person by. The same ciphertext opens wherever it is copied to inside of the tenant's tables,
 * so SQL may copy it.
 */
export function sealReference(tx: TenantTransaction, reference: string): Buffer {
  return seal(tx.masterKey, Buffer.from(reference), `${purpose} ${tx.tenantId}`)
}

/** Opens what {@link sealReference} made. */
export function openReference(tx: TenantTransaction, sealed: Buffer): string {
  return open(tx.masterKey, sealed, `${purpose} ${tx.tenantId}`).toString('utf8')
}
