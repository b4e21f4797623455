import {
  pendingStates,
  type SubjectStage,
  type SubjectState,
  sqlList,
  subjectStates,
  subjectStatesIn,
} from '../people/lifecycle/erasure-states.ts'

/**
 * What the engine makes of the states of a person, and the states of requests and steps. People own the list of the
 * states of a person (people/lifecycle/erasure-states.ts); no other file than these two spells a list.
 *
 * - A legal hold, an approval and a cooling-off period keep people out of `claimable`: they are `held`,
 *   `awaiting_approval` or `scheduled`. The operations in safeguards/ move them to `queued`.
 * - What must be true right before the engine acts is checked in engine/lock-and-check.ts.
 * - A propagation step, when there is one, is one more phase in engine/erase-batch.ts, and `propagate` in {@link stepsOfNewRequest}.
 */

/** The states in which a worker may take a person: no decision and no date is outstanding. */
const inQueue = ['queued'] as const satisfies SubjectState[]

const erased = subjectStatesIn('erased')
const done = subjectStatesIn('done')
/** The states in which a person waits for a decision, a date, or the release of a hold. No worker may take the person. */
export const restingStates = ['awaiting_approval', 'scheduled', 'held'] as const satisfies SubjectState[]

export type RestingState = (typeof restingStates)[number]

const failed = subjectStatesIn('failed')
const waiting = subjectStatesIn('waiting')

/** Sets of people of a request, by state, as SQL: `state in ${stateSets.claimable}`. */
export const stateSets = {
  /** A worker may take them. */
  claimable: sqlList(inQueue),
  /** They wait for a worker or for a decision. */
  waiting: sqlList(waiting),
  /** They wait for a decision, a date, or the release of a hold. */
  resting: sqlList(restingStates),
  awaitingApproval: sqlList(['awaiting_approval'] satisfies SubjectState[]),
  /** Their rows are erased, and they are not verified yet. */
  unverified: sqlList(erased),
  done: sqlList(done),
  failed: sqlList(failed),
  /** The request has not come to an end with them. */
  pending: sqlList(pendingStates),
  /** The request will not erase them: it was cancelled or refused for them. */
  dropped: sqlList(subjectStatesIn('dropped')),
  /** A refusal of the request drops them. */
  refusable: sqlList(['awaiting_approval', 'plan_changed'] satisfies SubjectState[]),
  /** They wait for a new plan to confirm them. */
  planChanged: sqlList(['plan_changed'] satisfies SubjectState[]),
  /** A cancel drops them, provided that nothing of them is erased. */
  cancellable: sqlList([...waiting, ...failed]),
  /** The request erases them next, or has erased them and not verified them. */
  beingErased: sqlList([...inQueue, ...erased]),
  /** The request erases them next, or has erased them. */
  goneByRequest: sqlList([...inQueue, ...erased, ...done]),
  /** They stand in the subject list of the last certificate if they were done then (`finished_at`). */
  certifiable: sqlList([...inQueue, ...erased, ...done, ...failed]),
} as const

/** Counts of people by stage, over rows of `erasure_subjects` with this alias: the columns of an aggregate query. */
export function countsByStage(alias: string): string {
  const count = (condition: string, name: string) => `count(*) filter (where ${condition})::int as ${name}`
  const stages = [...new Set<SubjectStage>(Object.values(subjectStates))].filter((stage) => stage !== 'dropped')
  return [
    'count(*)::int as total',
    count(`${alias}.erased_at is not null`, 'gone'),
    ...stages.map((stage) => count(`${alias}.state in ${sqlList(subjectStatesIn(stage))}`, stage)),
    ...[...restingStates, ...subjectStatesIn('dropped')].map((state) => count(`${alias}.state = '${state}'`, state)),
  ].join(',\n      ')
}

/** The states of a request. They are derived from its people; see {@link stateOfRequest}. */
export const requestStates = [
  'queued',
  ...restingStates,
  'running',
  'completed',
  'partial',
  'failed',
  'cancelled',
  'rejected',
  'plan_changed',
] as const

export type RequestState = (typeof requestStates)[number]

/**
 * The state of a request as a column of SQL: `r` is the request, `s` a row of {@link countsByStage}. `completed` only if
 * every person is done and the search has ended. `partial` if the work has ended for now, some people are done, and
 * others are held, failed or cancelled.
 */
export const stateOfRequest = `case
      when r.finished_at is null and s.awaiting_approval > 0 then 'awaiting_approval'
      when r.finished_at is null and s.scheduled > 0 then 'scheduled'
      when s.held > 0 and s.held = s.waiting and s.done + s.erased + s.failed = 0 then 'held'
      when r.finished_at is null and r.started_at is null then 'queued'
      when r.finished_at is null then 'running'
      when s.done = s.total then 'completed'
      when s.cancelled = s.total then 'cancelled'
      when s.rejected = s.total then 'rejected'
      when s.plan_changed = s.total then 'plan_changed'
      when s.done = 0 and s.failed > 0 then 'failed'
      else 'partial'
    end`

/** Whether nothing goes on by itself until a decision, a date or a release: nothing of the request is erased yet. */
export function isResting(state: RequestState): state is RestingState {
  return restingStates.some((resting) => resting === state)
}

/** The steps of a request (`erasure_steps.step`), in the order in which they are shown. */
export const steps = ['resolve', 'erase', 'propagate', 'verify', 'certify', 'notify', 'search'] as const

export type Step = (typeof steps)[number]

/** The steps that a new request gets. The list of all steps has those of later features too. */
export const stepsOfNewRequest: readonly Step[] = steps.filter((step) => step !== 'propagate')

/** The states of a step (`erasure_steps.state`). */
export const stepStates = ['queued', 'running', 'done', 'failed'] as const

type StepState = (typeof stepStates)[number]

/** Sets of steps as SQL: `step in ${stepSets.erasing}`. */
export const stepSets = {
  /** They fail where a person does. */
  erasing: sqlList(['erase', 'verify'] satisfies Step[]),
  /** A certificate ends or begins them. */
  certified: sqlList(['erase', 'verify', 'certify', 'notify', 'search'] satisfies Step[]),
} as const

/** Steps that are not over: SQL for `state in …`. */
export const openSteps = sqlList(['queued', 'running'] satisfies StepState[])
