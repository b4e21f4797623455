import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Activity } from './activities.ts'
import { record } from './record.ts'

/** Records one entry for each of these users, with how many of the records are about that user. */
export async function recordEach(tx: TenantTransaction, activity: Activity, userIds: readonly string[]): Promise<void> {
  const byUser = new Map<string, number>()
  for (const id of userIds) byUser.set(id, (byUser.get(id) ?? 0) + 1)
  await record(
    tx,
    [...byUser].map(([object, records]) => ({ activity, object, details: { records } })),
  )
}
