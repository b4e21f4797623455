import { isDeepStrictEqual } from 'node:util'
import type { Operation } from '../../datamap/plan.ts'
import { hasErasureListeners } from '../../events/announce-erased.ts'
import { heldPeople } from '../../holds/held-people.ts'
import {
  type AffectedRows,
  countAffectedRows,
  countPlannedRows,
  type PlannedRows,
} from '../../personal-data/affected-rows.ts'
import { lockSubjects, type Subject } from '../../personal-data/subjects.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { isEarly, isUnapproved } from '../safeguards/conditions.ts'
import { stateSets } from '../states.ts'
import { suppressUnhandled } from './suppress-unhandled.ts'

/**
 * People erased in one transaction. They are enough for set-based deletes. They are few enough that other transactions
 * wait for a short time only, and that two jobs end at about the same time.
 */
export const batchSize = 500

/** What a request erases. `plan`: the id of the plan that the people are erased under; null without one. */
export type BatchHint = { operation: Operation; people: string[]; plan: string | null }

/**
 * People under lock, whom of them a legal hold covers, and the rows about them. All were asked for together, in this
 * order, and may still be under way. The holds are read after the lock: see `isHeld`. `planned`: the same rows with what
 * the plan covers; undefined without a plan.
 */
export type Prefetched = BatchHint & {
  subjects: Promise<Subject[]>
  held: Promise<Set<string>>
  affected: Promise<AffectedRows[]>
  planned: Promise<PlannedRows[]> | undefined
}

/** The plan of the people of a batch. */
export type BatchPlan = { id: string; people: number; coversMentions: boolean }

/** People of a request that one transaction erases. */
export type Batch = {
  request: string
  operation: Operation
  /** The request's key, wrapped by the master key; null where the request has ended. */
  sealedKey: Buffer | null
  /** Users, or contacts, who have no row of their own. */
  about: 'users' | 'contacts'
  requestedBy: string | null
  requestedByCredential: string | null
  /** The request needs an approval and has none. */
  unapproved: boolean
  /** The cooling-off period has not ended. */
  early: boolean
  /** All people of a batch have the same plan, or none. */
  plan: BatchPlan | null
  /** Another trial tenant may have the same people. */
  reachesTrials: boolean
  /** An endpoint of the tenant may listen to erasures. */
  isAnnounced: boolean
  /**
   * `sealedIdentifiers`: what an earlier attempt sealed that erased the person's rows, or what the request knows of a
   * person without rows. `erased`: an earlier attempt erased rows or texts. `plannedDigest`: of the person's part of the
   * plan; null without a plan, and where the plan does not have the person any more. `confirmedHashes`: of the person's
   * confirmed identities.
   */
  subjects: {
    id: string
    sealedIdentifiers: Buffer | null
    erased: boolean
    plannedDigest: Buffer | null
    confirmedHashes: Buffer[]
  }[]
  /** No other person of the request is queued or awaits verification, so this batch also scrubs and finishes. */
  isLastBatch: boolean
  prefetched: Prefetched
}

/**
 * The lock that the batches of a request share. Several jobs work on a request at once until two of them meet in a
 * deadlock, because people of one batch refer to people of the other. From then on each batch works alone.
 */
export type BatchLock = { alone: boolean }

/**
 * Takes the next people of a request that a worker may take, or `person` alone, and skips people that another job has
 * taken. Returns undefined if there are none. `lock`: see {@link BatchLock}. `hint`: what the job expects to take. Its
 * people are locked and counted along with the claim, which saves a round trip if the hint is right.
 */
export async function claimBatch(
  tx: TenantTransaction,
  request: string,
  options: { limit: number; person?: string; lock?: BatchLock; hint?: BatchHint },
): Promise<Batch | undefined> {
  const { limit, person, lock, hint } = options
  const claiming = Promise.all([lock && acquireBatchLock(tx, request, lock), claimSubjects(tx, request, limit, person)])
  const hinted = hint && prefetch(tx, hint)
  const [, claimed] = await claiming
  const [first] = claimed
  if (first === undefined) return undefined
  const { operation, about, sealedKey, requestedBy, requestedByCredential, waiting, unverified, plan, reachesTrials } =
    first
  const { unapproved, early, isAnnounced } = first
  // People of another plan come with another batch; they are free again when this transaction ends.
  const rows = claimed.filter((row) => row.plan?.id === plan?.id)
  const expected: BatchHint = { operation, people: rows.map(({ id }) => id), plan: plan?.id ?? null }
  return {
    request,
    operation,
    sealedKey,
    about,
    requestedBy,
    requestedByCredential,
    unapproved,
    early,
    plan,
    reachesTrials,
    isAnnounced,
    subjects: rows.map(({ id, sealedIdentifiers, erased, plannedDigest, confirmedHashes }) => ({
      id,
      sealedIdentifiers,
      erased,
      plannedDigest,
      confirmedHashes,
    })),
    isLastBatch: waiting === rows.length && !unverified,
    prefetched: isDeepStrictEqual(hint, expected) && hinted ? hinted : prefetch(tx, expected),
  }
}

function prefetch(tx: TenantTransaction, hint: BatchHint): Prefetched {
  const { operation, people, plan } = hint
  const subjects = suppressUnhandled(lockSubjects(tx, people))
  const held = suppressUnhandled(heldPeople(tx, people))
  const planned = plan === null ? undefined : suppressUnhandled(countPlannedRows(tx, operation, { people, plan }))
  return {
    ...hint,
    subjects,
    held,
    planned,
    affected: planned ?? suppressUnhandled(countAffectedRows(tx, operation, people)),
  }
}

/** Waits until no other batch of the request works alone; and, to work alone, until no other batch works at all. */
async function acquireBatchLock(tx: TenantTransaction, request: string, { alone }: BatchLock): Promise<void> {
  const lock = alone ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared'
  await tx.query(`select ${lock}(hashtextextended($1, 0))`, [request], lock)
}

type ClaimedRow = Omit<Batch, 'request' | 'subjects' | 'isLastBatch' | 'prefetched'> & {
  id: string
  sealedIdentifiers: Buffer | null
  plannedDigest: Buffer | null
  confirmedHashes: Buffer[]
  erased: boolean
  waiting: number
  unverified: boolean
}

async function claimSubjects(
  tx: TenantTransaction,
  request: string,
  limit: number,
  person: string | undefined,
): Promise<ClaimedRow[]> {
  const { rows } = await tx.query<ClaimedRow>(
    `select s.user_id as id, s.sealed_identifiers as "sealedIdentifiers",
       s.erased_at is not null as erased,
       r.operation, r.about, r.sealed_key as "sealedKey", r.requested_by as "requestedBy",
       r.requested_by_credential as "requestedByCredential",
       ${isUnapproved('r')} as unapproved, ${isEarly('r')} as early,
       case when s.plan_id is not null then jsonb_build_object(
         'id', s.plan_id, 'people', coalesce(p.people, 0), 'coversMentions', coalesce(p.covers_mentions, false)
       ) end as plan,
       of_person.digest as "plannedDigest",
       array(
         select c.hash from confirmed_identities c where c.tenant_id = $1 and c.user_id = s.user_id
       ) as "confirmedHashes",
       r.operation = 'purge' and not r.from_outside and r.initiated_from <> 'ledger' and exists (
         select from trial_tenant_ids() as trial (id) where trial.id <> $1
       ) as "reachesTrials",
       ${hasErasureListeners} as "isAnnounced",
       (
         select count(*)::int from (
           select from erasure_subjects
           where tenant_id = $1 and request_id = $2 and state in ${stateSets.claimable} limit $4::int + 1
         ) x
       ) as waiting,
       exists (
         select from erasure_subjects where tenant_id = $1 and request_id = $2 and state in ${stateSets.unverified}
       ) as unverified
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     left join erasure_plans p on p.tenant_id = s.tenant_id and p.id = s.plan_id
     left join erasure_plan_subjects of_person
       on of_person.tenant_id = s.tenant_id and of_person.plan_id = s.plan_id and of_person.user_id = s.user_id
     where s.tenant_id = $1 and s.request_id = $2 and s.state in ${stateSets.claimable}
       and ($3::uuid is null or s.user_id = $3)
     order by s.user_id limit $4 for update of s skip locked`,
    [tx.tenantId, request, person ?? null, limit],
    'claim_subjects',
  )
  return rows
}

/** Waits until a worker can take a person of this request, or no person waits any more. */
export async function waitForClaimableSubject(tx: TenantTransaction, request: string): Promise<void> {
  await tx.query(
    `select from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.claimable} order by user_id limit 1 for update`,
    [tx.tenantId, request],
  )
}
