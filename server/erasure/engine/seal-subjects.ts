import { hashIdentifier, identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { hashEventRef } from '../../tombstones/event-cutoffs.ts'
import { commitTo, openingOf } from '../proof/commitments.ts'
import { sealIdentifiers } from '../sealed-identifiers.ts'
import type { Batch } from './claim-batch.ts'
import type { Counted } from './count-rows.ts'
import type { BatchSubjects } from './lock-and-check.ts'
import type { SealedSubject } from './record.ts'

/**
 * Seals the identifiers of the people of a batch for the search, and hashes those of purged people for their tombstones.
 * An anonymized person may come back as a new one, so nothing remembers those identifiers. Only the refs are hashed for a
 * day, so that late events do not bring the person back.
 */
export async function sealSubjects(
  tx: TenantTransaction,
  batch: Batch,
  { ids, identifiers, erasedBefore, requestKey }: BatchSubjects,
  counted: Pick<Counted, 'heldByOthers'>,
): Promise<SealedSubject[]> {
  const hashKey = batch.operation === 'purge' ? await identifierHashKey(tx) : undefined
  const refs = hashKey === undefined ? [...identifiers.values()].flat().filter(({ kind }) => kind === 'ref') : []
  const cutoffKey = refs.length > 0 ? await identifierHashKey(tx) : undefined
  const held = await counted.heldByOthers
  return ids.map((id) => {
    const theirs = identifiers.get(id) ?? []
    // A follow-up may look for the internal id too; that one is in the ledger.
    const remembered = theirs.filter(({ value }) => !held.has(value) && value !== id)
    return {
      id,
      sealed: sealIdentifiers(requestKey, theirs),
      hashes:
        hashKey === undefined
          ? []
          : remembered.map((identifier) => ({ kind: identifier.kind, hash: hashIdentifier(hashKey, identifier) })),
      refHashes:
        cutoffKey === undefined
          ? []
          : remembered.flatMap(({ kind, value }) => (kind === 'ref' ? [hashEventRef(cutoffKey, value)] : [])),
      commitments: hashKey === undefined ? null : commitTo(openingOf(hashKey, id), remembered),
      // A person who is tried again was counted the first time.
      heldByOthers: erasedBefore.has(id) ? 0 : theirs.filter(({ value }) => held.has(value)).length,
    }
  })
}
