import pg from 'pg'
import { isTransient } from '../../platform/database/failures.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { isLetheError } from '../../platform/errors.ts'
import { type BatchHint, type BatchLock, batchSize, claimBatch } from './claim-batch.ts'
import { eraseBatch } from './erase-batch.ts'
import { type Failure, markFailed } from './record.ts'

/**
 * Erases the next people of a request in one transaction, together with the record of it. Returns `more` while there may
 * be others, and `none` if no person can be taken now. Returns `finished` after the last people: the same transaction has
 * certified the request. If the whole batch cannot be erased, each of its people is tried alone, and a
 * person who fails is marked with the reason. So one person never stalls the others. Throws transient errors.
 */
export async function eraseNextBatch(
  database: Database,
  tenant: string,
  request: string,
  { lock, hint }: { lock: BatchLock; hint?: BatchHint | undefined },
): Promise<'more' | 'none' | 'finished'> {
  let claimed: string[] = []
  let attempts = 0
  const more = () => (claimed.length === batchSize ? 'more' : 'none')
  try {
    return await inTenant(database, tenant, async (tx) => {
      if (++attempts > 1) lock.alone = true
      // A request of one person, which the hint names, has no other batch to share a lock with.
      const batch = await claimBatch(tx, request, hint === undefined ? { limit: batchSize, lock } : { limit: 1, hint })
      claimed = batch?.subjects.map(({ id }) => id) ?? []
      if (batch === undefined) return 'none'
      await eraseBatch(tx, batch)
      return batch.isLastBatch ? 'finished' : more()
    })
  } catch (error) {
    if (isTransient(error) || claimed.length === 0) throw error
    for (const person of claimed) await eraseAlone(database, tenant, request, person)
    return more()
  }
}

async function eraseAlone(database: Database, tenant: string, request: string, person: string): Promise<void> {
  try {
    await inTenant(database, tenant, async (tx) => {
      const batch = await claimBatch(tx, request, { limit: 1, person })
      // What comes after the last batch is done once for all of these people.
      if (batch !== undefined) await eraseBatch(tx, { ...batch, isLastBatch: false })
    })
  } catch (error) {
    if (isTransient(error)) throw error
    await inTenant(database, tenant, (tx) => markFailed(tx, request, person, failureOf(error)))
  }
}

/** The reason in words: table and constraint of a database error, never its message or detail, which hold values. */
function failureOf(error: unknown): Failure {
  if (isLetheError(error)) return { code: error.code, reason: error.message }
  if (error instanceof pg.DatabaseError) {
    const place = [error.table && `table ${error.table}`, error.constraint && `constraint ${error.constraint}`]
      .filter((part) => part)
      .join(', ')
    return {
      code: `sqlstate.${error.code}`,
      reason: `the database refused the erasure${place === '' ? '' : ` (${place})`}`,
    }
  }
  return { code: 'internal.unexpected', reason: 'an unexpected error; the log shows where' }
}
