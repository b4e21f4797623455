import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { findTombstones } from '../../tombstones/find-tombstones.ts'
import { generateIdentity } from './generated-identity.ts'

/**
 * Which of these learners of a source, of whom the tenant has no user, were purged: a tombstone holds the hash of their
 * ref or of their e-mail address. They must not come back through an old file.
 */
export async function findPurged(tx: TenantTransaction, source: string, learners: number[]): Promise<Set<number>> {
  const purged = await findTombstones(tx, learners, (id) => {
    const { ref, email } = generateIdentity(source, id)
    return [
      { kind: 'ref', value: ref },
      { kind: 'email', value: email },
    ]
  })
  return new Set(purged.keys())
}
