import type { Identifier } from '../../identifiers/identifier-key.ts'
import { openWith } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { openIdentifiers } from '../sealed-identifiers.ts'
import type { RestingState } from '../states.ts'
import type { Batch } from './claim-batch.ts'
import { markFailed, markResting } from './record.ts'

/** The people of a batch who may be erased now, under lock. */
export type BatchSubjects = {
  ids: string[]
  /** The identifiers of each of them, by internal id. */
  identifiers: Map<string, Identifier[]>
  /** The `ref` of today of each of them who has rows, by internal id. */
  refs: ReadonlyMap<string, string | null>
  /** People whose rows an earlier attempt erased; they are tried again because residual data was found. */
  erasedBefore: ReadonlySet<string>
  /** Seals the identifiers of the request. */
  requestKey: Buffer
}

/**
 * The first phase: locks the people of a batch and checks again, right before the engine acts, that each of them may be
 * erased. The request was checked when it was made, but people may have changed since. A person who may not be erased
 * fails with a reason and does not stop the others.
 *
 * A person that a legal hold covers is `held`. If the request lacks its approval, or its cooling-off period has not ended,
 * all of its people go back to wait for that. Approval and period were there before an
 * earlier attempt that erased something.
 *
 * Throws `master_key.wrong`.
 */
export async function lockAndCheck(tx: TenantTransaction, batch: Batch): Promise<BatchSubjects> {
  const { request, sealedKey, subjects, prefetched } = batch
  if (sealedKey === null) throw new Error('the request has subjects but no key')
  const requestKey = openWith(tx.masterKey, sealedKey, 'request key')
  const identifiers = new Map<string, Identifier[]>()
  const erasedBefore = new Map<string, Identifier[]>()
  for (const { id, sealedIdentifiers } of subjects) {
    if (sealedIdentifiers !== null) erasedBefore.set(id, openIdentifiers(requestKey, sealedIdentifiers))
  }
  const held = await prefetched.held
  const resting = new Map<RestingState, string[]>()
  const rest = (state: RestingState, id: string) => resting.set(state, [...(resting.get(state) ?? []), id])
  const locked = new Map((await prefetched.subjects).map((subject) => [subject.id, subject]))
  for (const { id, erased } of subjects) {
    const subject = locked.get(id)
    const sealed = erasedBefore.get(id)
    const state = restingStateOf(batch, { erased, held: held.has(id) })
    if (state !== undefined) rest(state, id)
    else if (sealed !== undefined) identifiers.set(id, sealed)
    else if (subject?.state === 'deleted') identifiers.set(id, subject.identifiers)
    else if (subject !== undefined) {
      await markFailed(tx, request, id, { code: 'user.not_deleted', reason: 'not deleted' })
    } else {
      const reason = 'the user was already gone when the request reached it'
      await markFailed(tx, request, id, { code: 'user.not_found', reason })
    }
  }
  const refs = new Map(
    [...identifiers.keys()].flatMap((id) => {
      const subject = locked.get(id)
      return subject === undefined || erasedBefore.has(id) ? [] : [[id, subject.ref] as const]
    }),
  )
  for (const [state, people] of resting) await markResting(tx, request, { state, people })
  return { ids: [...identifiers.keys()], identifiers, refs, erasedBefore: new Set(erasedBefore.keys()), requestKey }
}

/** What a person must wait for; undefined if the person may be erased now. */
function restingStateOf(
  { unapproved, early }: Pick<Batch, 'unapproved' | 'early'>,
  { erased, held }: { erased: boolean; held: boolean },
): RestingState | undefined {
  if (unapproved && !erased) return 'awaiting_approval'
  if (early && !erased) return 'scheduled'
  return held ? 'held' : undefined
}
