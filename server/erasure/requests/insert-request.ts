import { v7 as newId } from 'uuid'
import { compiledMap } from '../../datamap/compiled.ts'
import type { Operation } from '../../datamap/plan.ts'
import type { SubjectState } from '../../people/lifecycle/erasure-states.ts'
import { seal } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { suppressUnhandled } from '../engine/suppress-unhandled.ts'
import { runAt, stateAfterApproval } from '../safeguards/conditions.ts'
import { type RequestState, restingStates, stepsOfNewRequest } from '../states.ts'
import { notifyAccepted } from './notify-requester.ts'

export type NewRequest = {
  operation: Operation
  reason: string | undefined
  /** Users unless given. A contact has an id of its own, which is made for the request. */
  about?: 'users' | 'contacts'
  /** It is the part of an erasure that began outside of this tenant, so it reaches no other tenant. */
  fromOutside?: boolean | undefined
  /** The job tells its people by e-mail, where they made a wish, before it erases them. So it looks before it begins. */
  tellsPeopleFirst?: boolean | undefined
  /** Seals what is known of its people while it is worked on; destroyed with the request's end. */
  key: Buffer
  /** When the event happened that asks for it, by the clock of the system that sent it. */
  eventAt?: Date | undefined
  /** The id of the plan under which they are erased. */
  plan?: string | undefined
  subjects: {
    id: string
    /** Of an anonymization. */
    saltedLine?: string
    commitments?: string
    /** Where the person's rows are erased already. */
    sealedIdentifiers?: Buffer
  }[]
  /**
   * `holds`: the request needs no approval and no cooling-off period, because it repeats or completes an erasure that had
   * them. That is so for a request from outside, unless this says otherwise. All requests obey legal holds.
   */
  safeguards?: 'all' | 'holds' | undefined
}

/** So many jobs share a large request; each takes a batch of people at a time. */
const mostJobs = 2
const peoplePerJob = 500

/** What becomes of a request at first. `runAt`: the end of the cooling-off period, if that has begun. */
export type FirstState = { state: RequestState; runAt: Date | null }

/** A request that was just inserted. `first` may still be under way. */
export type InsertedRequest = { request: string; first: Promise<FirstState> }

/**
 * Inserts a request with its subjects, its steps and its jobs, which come into being together when the transaction commits.
 * Sends its statements at once and returns the request's id without waiting; an error fails the transaction. The caller
 * checks the acting user (`actingUser`), before or along with it.
 */
export function insertRequest(tx: TenantTransaction, given: NewRequest): InsertedRequest {
  const request = newId()
  const { userId, credentialId } = actorColumns(tx.initiator)
  const [first, ...others] = given.subjects
  if (first !== undefined && others.length === 0 && given.about !== 'contacts' && given.tellsPeopleFirst !== true) {
    const plan = given.plan === undefined ? {} : { plan: given.plan }
    enqueue(tx, 'erase', { tenant: tx.tenantId, request, operation: given.operation, person: first.id, ...plan })
  } else {
    enqueueErasure(tx, request, given.subjects.length)
  }
  // While the server enqueues, the rest is made.
  const inserting = tx.query<{ state: SubjectState; runAt: Date | null }>(
    `with demanded as (
       select approval_required and $16::boolean as approval, case when $16 then cooling_off_hours else 0 end as hours,
         erasure_due_days as due_days
       from tenants where id = $1
     ), request as (
       insert into erasure_requests (tenant_id, id, operation, initiated_from, requested_by, reason, sealed_key, map_version,
         requested_by_credential, about, from_outside, due_at, approval_required, cooling_off_hours, run_at, event_at)
       select $1::uuid, $2::uuid, $3::text, $4::text, $5::uuid, $6::text, $7::bytea, $8::text, $12::uuid, $14::text,
         $15::boolean, now() + make_interval(days => due_days), approval, hours,
         case when not approval then ${runAt('hours')} end, $19::timestamptz
       from demanded
       returning run_at
     ), subjects as (
       insert into erasure_subjects (tenant_id, request_id, user_id, salted_hashes, commitments, sealed_identifiers, plan_id,
         state)
       select $1, $2, subject.user_id, subject.salted, subject.commitments, subject.sealed, $18::uuid,
         case when approval then 'awaiting_approval' else ${stateAfterApproval({ hours: 'hours', person: 'subject.user_id' })} end
       from unnest($9::uuid[], $10::text[], $17::text[], $11::bytea[]) as subject (user_id, salted, commitments, sealed)
       cross join demanded
       returning state
     ), steps as (
       insert into erasure_steps (tenant_id, request_id, step, state, started_at, finished_at)
       select $1, $2, step, case when step = 'resolve' then 'done' else 'queued' end,
         case when step = 'resolve' then now() end, case when step = 'resolve' then now() end
       from unnest($13::text[]) as step
     )
     select state, (select run_at from request) as "runAt" from subjects group by state`,
    [
      tx.tenantId,
      request,
      given.operation,
      tx.initiator.from,
      userId,
      given.reason ?? null,
      seal(tx.masterKey, given.key, 'request key'),
      compiledMap.version,
      given.subjects.map(({ id }) => id),
      given.subjects.map(({ saltedLine = null }) => saltedLine),
      given.subjects.map(({ sealedIdentifiers = null }) => sealedIdentifiers),
      credentialId,
      stepsOfNewRequest,
      given.about ?? 'users',
      given.fromOutside ?? false,
      (given.safeguards ?? (given.fromOutside === true ? 'holds' : 'all')) === 'all',
      given.subjects.map(({ commitments = null }) => commitments),
      given.plan ?? null,
      given.eventAt ?? null,
    ],
    'insert_request',
  )
  notifyAccepted(tx, { request, operation: given.operation, people: given.subjects.length })
  return { request, first: suppressUnhandled(inserting.then(({ rows }) => firstState(rows))) }
}

/** The state of a request of which no worker has taken a person yet: see `stateOfRequest`. */
function firstState(people: { state: SubjectState; runAt: Date | null }[]): FirstState {
  const states = new Set(people.map(({ state }) => state))
  const resting = restingStates.find((state) => states.has(state) && (state !== 'held' || states.size === 1))
  return { state: resting ?? 'queued', runAt: people[0]?.runAt ?? null }
}

/** Enqueues the jobs of a request with so many people to work on. */
export function enqueueErasure(tx: TenantTransaction, request: string, people: number): void {
  const jobs = Math.min(mostJobs, Math.max(1, Math.ceil(people / peoplePerJob)))
  for (let job = 0; job < jobs; job++) enqueue(tx, 'erase', { tenant: tx.tenantId, request })
}
