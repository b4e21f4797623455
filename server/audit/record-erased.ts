import type { Operation } from '../datamap/compile.ts'
import type { Identifier } from '../datamap/identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { record } from './record.ts'
import { destroyContactKeys } from './subject-keys.ts'

/**
 * Records who was erased, in the transaction that does it, and destroys the keys of contacts that were known by the same
 * identifiers. The people's own keys go with everything else that the data map says is about them.
 */
export async function recordErased(
  tx: TenantTransaction,
  erased: { operation: Operation; request: string; people: readonly string[]; identifiers: readonly Identifier[] },
): Promise<void> {
  const activity = erased.operation === 'purge' ? 'UserPurged' : 'UserAnonymized'
  const details = { request: erased.request }
  await Promise.all([
    record(
      tx,
      erased.people.map((object) => ({ activity, object, details })),
    ),
    destroyContactKeys(tx, erased.identifiers),
  ])
}
