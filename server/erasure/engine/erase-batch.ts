import { announceErased } from '../../events/announce-erased.ts'
import { canLookUp } from '../../personal-data/find-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { planReach } from '../reach/plan-reach.ts'
import { act } from './act.ts'
import { checkPlan } from './check-plan.ts'
import type { Batch } from './claim-batch.ts'
import { countRows } from './count-rows.ts'
import { finishRequest, lockRequest } from './finish-request.ts'
import { type BatchSubjects, lockAndCheck } from './lock-and-check.ts'
import { recordBatch } from './record.ts'
import { type Scrubbed, scrub } from './scrub.ts'
import { sealSubjects } from './seal-subjects.ts'
import { residualDataOf, verify } from './verify.ts'

/**
 * Erases the people of a batch, in the transaction that claimed them. The phases run in this order; each has a file of its
 * own. After the last batch of a request the same transaction scrubs, verifies and certifies; after other batches that comes
 * once all people are erased (`finishErased`).
 *
 * Legal holds, approvals and cooling-off periods are checked in {@link lockAndCheck}, under lock right before the engine
 * acts. People who are known to wait for one of them are never claimed: see `stateSets.claimable` (erasure/states.ts).
 */
export async function eraseBatch(tx: TenantTransaction, batch: Batch): Promise<void> {
  // No client waits for such a commit. The one with the certificate writes it to disk too.
  if (!batch.isLastBatch) tx.send('set local synchronous_commit = off')
  const { subjects, heldByOthers, mentions } = await checkPlan(tx, batch, await lockAndCheck(tx, batch))
  if (subjects.ids.length > 0) {
    const counted = await countRows(tx, batch, subjects, heldByOthers)
    planReach(tx, batch, subjects)
    announceBatch(tx, batch, subjects)
    const [acted, left, scrubbed, sealed] = await inOrder(
      () => act(tx, batch, subjects, counted),
      () => verify(tx, batch, subjects),
      () => (batch.isLastBatch ? scrub(tx, batch, subjects, { ...counted, mentions }) : scrubLater),
      () => sealSubjects(tx, batch, subjects, counted),
      { together: !batch.isLastBatch || canLookUp([...subjects.identifiers.values()].flat()) },
    )
    recordBatch(tx, batch, {
      subjects: sealed,
      affected: counted.affected,
      effects: [...acted, ...scrubbed.effects],
      residual: residualDataOf({ rows: left, mentions: scrubbed.left }, subjects.identifiers),
    })
  } else if (batch.isLastBatch) lockRequest(tx, batch.request)
  if (batch.isLastBatch) await finishRequest(tx, batch.request)
}

/** Tells the endpoints that listen, while the rows of the people are still there. Contacts are no users. */
function announceBatch(tx: TenantTransaction, batch: Batch, { refs }: BatchSubjects): void {
  const { operation, request, about } = batch
  if (!batch.isAnnounced || about === 'contacts') return
  announceErased(tx, { operation, request, people: [...refs].map(([id, ref]) => ({ id, ref })) })
}

const scrubLater: Promise<Scrubbed> = Promise.resolve({ effects: [], left: [] })

/**
 * Runs steps that all send their first statements at once. `together`: without waiting for one before the next, which
 * costs one round trip for all of them. The server answers statements in the order in which they were sent, so the
 * result is the same.
 */
async function inOrder<A, B, C, D>(
  first: () => Promise<A>,
  second: () => Promise<B>,
  third: () => Promise<C>,
  fourth: () => Promise<D>,
  { together }: { together: boolean },
): Promise<[A, B, C, D]> {
  if (together) return await Promise.all([first(), second(), third(), fourth()])
  return [await first(), await second(), await third(), await fourth()]
}
