import type { Operation } from '../datamap/plan.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { record } from './record.ts'

/** Records who is erased, in the transaction that does it. The data map says that the people's own keys go with them. */
export async function recordErased(
  tx: TenantTransaction,
  { operation, request, people }: { operation: Operation; request: string; people: readonly string[] },
): Promise<void> {
  const activity = operation === 'purge' ? 'UserPurged' : 'UserAnonymized'
  const details = { request }
  await record(
    tx,
    people.map((object) => ({ activity, object, details })),
  )
}
