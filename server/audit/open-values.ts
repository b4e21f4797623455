import { open } from '../platform/crypto/seal.ts'
import type { JsonObject } from '../platform/database/generated/schema.gen.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { openSubjectKey } from './subject-keys.ts'
import { valuesPurpose } from './values-purpose.ts'

/** Null where the key is not the one it was sealed with: the person was erased, and came back with a new key. */
export function openValues(key: Buffer, sealed: Buffer): JsonObject | null {
  try {
    return JSON.parse(open(key, sealed, valuesPurpose).toString('utf8')) as JsonObject
  } catch {
    // To whoever reads, that is the same as a key that is gone; altered bytes are what the verification finds.
    return null
  }
}

/**
 * What opens the values that were recorded about a user; it answers null where they cannot be opened, as after an erasure,
 * which destroys the key. Throws `master_key.wrong`.
 */
export async function valuesOpener(
  tx: TenantTransaction,
  userId: string,
): Promise<(sealed: Buffer) => JsonObject | null> {
  const { rows } = await tx.query<{ sealed_key: Buffer }>(
    'select sealed_key from person_keys where tenant_id = $1 and user_id = $2',
    [tx.tenantId, userId],
  )
  const [found] = rows
  if (found === undefined) return () => null
  const key = openSubjectKey(tx.masterKey, found.sealed_key)
  return (sealed) => openValues(key, sealed)
}
