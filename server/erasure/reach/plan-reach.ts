import { v5 as idOf, v7 as newId } from 'uuid'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { Batch } from '../engine/claim-batch.ts'
import type { BatchSubjects } from '../engine/lock-and-check.ts'
import { reachPersonOf, sealPeople } from './reach-people.ts'

/**
 * Keeps who is erased, in the transaction that erases, until a worker has looked for the same people in trial tenants.
 * Sends its statements at once. Does nothing where the request reaches no further, or where there is no other trial
 * tenant (`batch.reachesTrials`). People whose rows an earlier attempt erased were kept then; contacts have no rows.
 */
export function planReach(tx: TenantTransaction, batch: Batch, { identifiers, erasedBefore }: BatchSubjects): void {
  if (!batch.reachesTrials) return
  const isContact = batch.about === 'contacts'
  const entries = [...identifiers].filter(([id]) => isContact || !erasedBefore.has(id))
  const people = entries
    .map(([, theirs]) => reachPersonOf(theirs))
    .filter(({ addresses, identities }) => addresses.length + identities.length > 0)
  const [first] = entries
  if (first === undefined || people.length === 0) return
  // A contact that is tried again is looked for once.
  const id = isContact ? idOf(first[0], batch.request) : newId()
  const confirmed = batch.subjects.flatMap((subject) => (identifiers.has(subject.id) ? subject.confirmedHashes : []))
  tx.send(
    `insert into erasure_reaches (tenant_id, id, request_id, sealed_people, confirmed_hashes)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [tx.tenantId, id, batch.request, sealPeople(tx.masterKey, people), confirmed],
    'plan_reach',
  )
  enqueue(tx, 'reach', { tenant: tx.tenantId, reach: id })
}
