import type { FindAlsoErased } from '../../personal-data/actions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { stateSets } from '../states.ts'
import type { Batch } from './claim-batch.ts'

/**
 * Tells which people the request erases too, in this batch or in another one. A last batch needs no query: all others
 * are erased and verified. `people`: those of the batch.
 */
export function alsoErasedFinder(
  tx: TenantTransaction,
  { request, isLastBatch }: Pick<Batch, 'request' | 'isLastBatch'>,
  people: string[],
): FindAlsoErased {
  if (isLastBatch) {
    const ofBatch = new Set(people)
    return (owners) => Promise.resolve(new Set(owners.filter((owner) => ofBatch.has(owner))))
  }
  return async (owners) => {
    const { rows } = await tx.query<{ user_id: string }>(
      `select user_id from erasure_subjects
       where tenant_id = $1 and request_id = $2 and user_id = any($3) and state in ${stateSets.goneByRequest}`,
      [tx.tenantId, request, owners],
      'find_also_erased',
    )
    return new Set(rows.map(({ user_id }) => user_id))
  }
}
