import { setImmediate } from 'node:timers/promises'
import type { Operation } from '../../datamap/compile.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { openWith } from '../../keyring/identifier-hash-key.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { openIdentifiers } from '../sealed-identifiers.ts'
import { stateSets } from '../states.ts'
import { finishRequest, lockRequest } from './finish-request.ts'
import { findIdentifiersHeldByOthers } from './identifiers-held-by-others.ts'
import { recordResidualData, recordScrubbed, recordVerified } from './record.ts'
import { scrub } from './scrub.ts'
import { residualDataOf } from './verify.ts'

/** More than one batch: the search for mentions reads whole tables, whatever the number of people. */
const verifiedAtATime = 10_000

const openedAtATime = 500

/**
 * Finishes what the batches began, once no person is left to erase: scrubs mentions, verifies that none is left, and
 * certifies. Several jobs may call it at any time: the request's row is locked, and the second job finds the work done.
 * Returns `waiting` while people wait to be erased.
 */
export async function finishErased(
  database: Database,
  tenant: string,
  request: string,
): Promise<'finished' | 'waiting'> {
  for (;;) {
    const outcome = await inTenant(database, tenant, async (tx) => {
      const [state, erased] = await Promise.all([lockAndRead(tx, request), readErased(tx, request)])
      if (state === undefined || state.finished) return 'finished'
      if (state.queued > 0) return 'waiting'
      // Nothing is found of most of them. The server writes that down while their identifiers are opened.
      recordVerified(
        tx,
        request,
        erased.map(({ user_id }) => user_id),
      )
      if (erased.length > 0) {
        const { effects, residual } = await scrubErased(tx, { request, ...state }, erased)
        recordScrubbed(tx, request, effects)
        recordResidualData(tx, request, residual)
      }
      if (state.running > erased.length) return 'more'
      await finishRequest(tx, request)
      return 'finished'
    })
    if (outcome !== 'more') return outcome
  }
}

type RequestState = {
  operation: Operation
  sealedKey: Buffer | null
  /** The request has ended, or it is certified and waits for the search. */
  finished: boolean
  queued: number
  running: number
}

async function lockAndRead(tx: TenantTransaction, request: string): Promise<RequestState | undefined> {
  // A statement of its own: one that waits for the lock sees what was there before it waited.
  lockRequest(tx, request)
  const { rows } = await tx.query<RequestState>(
    `select r.operation, r.sealed_key as "sealedKey",
       r.finished_at is not null
         or exists (
           select from erasure_steps t
           where t.tenant_id = $1 and t.request_id = $2 and t.step = 'certify' and t.state = 'done'
         ) as finished,
       count(*) filter (where s.state in ${stateSets.claimable})::int as queued,
       count(*) filter (where s.state in ${stateSets.unverified})::int as running
     from erasure_requests r
     left join erasure_subjects s on s.tenant_id = $1 and s.request_id = $2 and s.state in ${stateSets.beingErased}
     where r.tenant_id = $1 and r.id = $2
     group by r.operation, r.sealed_key, r.finished_at`,
    [tx.tenantId, request],
    'read_progress',
  )
  return rows[0]
}

type ErasedSubject = { user_id: string; sealed_identifiers: Buffer | null }

/** The next people whose rows are erased and who are not verified yet. */
async function readErased(tx: TenantTransaction, request: string): Promise<ErasedSubject[]> {
  const { rows } = await tx.query<ErasedSubject>(
    `select user_id, sealed_identifiers from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.unverified} order by user_id limit $3`,
    [tx.tenantId, request, verifiedAtATime],
    'subjects_to_verify',
  )
  return rows
}

/** Scrubs the mentions of these people. Returns the lines of the receipt, and the residual data of each person. */
async function scrubErased(
  tx: TenantTransaction,
  { request, operation, sealedKey }: { request: string; operation: Operation; sealedKey: Buffer | null },
  erased: ErasedSubject[],
): Promise<{ effects: Effect[]; residual: Map<string, Effect[]> }> {
  if (sealedKey === null) throw new Error('the request has erased people but no key')
  const requestKey = openWith(tx.masterKey, sealedKey, 'request key')
  const identifiers = new Map<string, Identifier[]>()
  for (const [index, { user_id, sealed_identifiers }] of erased.entries()) {
    // Other work of the process has its turn meanwhile, and sent statements leave.
    if (index % openedAtATime === 0) await setImmediate()
    if (sealed_identifiers === null) throw new Error('an erased person has no sealed identifiers')
    identifiers.set(user_id, openIdentifiers(requestKey, sealed_identifiers))
  }
  const held = await findIdentifiersHeldByOthers(tx, {
    request,
    identifiers: [...identifiers.values()].flat(),
    people: [...identifiers.keys()],
  })
  const heldByOthers = Promise.resolve(held)
  const batch = { request, operation, isLastBatch: false }
  const { effects, left } = await scrub(tx, batch, { identifiers }, { heldByOthers })
  return { effects, residual: residualDataOf({ mentions: left }, identifiers) }
}
