/**
 * The states of one person in an erasure request (`erasure_subjects.state`), each with its stage. No other file lists
 * states: code asks a list or a predicate below, and SQL takes a fragment made of it. The check constraint and the index
 * `erasure_subjects_pending` of the database hold the same words.
 *
 * The list stands in this room because a user whose erasure is pending may not change. What the engine makes of it,
 * and the states of requests and steps, stand in erasure/states.ts.
 *
 * A new state needs a line here and a migration of the constraint; one that is pending also needs it in the index.
 */
export const subjectStates = {
  /** A worker may take the person now. */
  queued: 'waiting',
  /** Nothing is erased before a second person approves. */
  awaiting_approval: 'waiting',
  /** Nothing is erased before the cooling-off period ends. */
  scheduled: 'waiting',
  /** A legal hold stops the erasure. */
  held: 'waiting',
  /** The person's rows are erased; their mentions are still to be scrubbed and verified. */
  running: 'erased',
  /** Erased and verified. */
  done: 'done',
  /** Not erased, or something was left; a retry goes on from there. */
  failed: 'failed',
  /** An approver refused. */
  rejected: 'dropped',
  /** Cancelled before anything was erased. */
  cancelled: 'dropped',
  /** Other rows than in the plan of the preview: nothing was erased, until a new plan confirms it. */
  plan_changed: 'dropped',
} as const satisfies Record<string, SubjectStage>

/**
 * How far a person is. `waiting`: nothing has happened, and nothing is lost by a cancel. `erased`: not yet verified.
 * `dropped`: the request will not erase the person.
 */
export type SubjectStage = 'waiting' | 'erased' | 'done' | 'failed' | 'dropped'

export type SubjectState = keyof typeof subjectStates

/** The states that are in one of these stages, in the order of the list. */
export function subjectStatesIn(...stages: SubjectStage[]): SubjectState[] {
  return (Object.keys(subjectStates) as SubjectState[]).filter((state) => stages.includes(subjectStates[state]))
}

/**
 * States as the right side of a condition in SQL: `state in ${sqlList(pendingStates)}`. The words come from the code, so
 * they may stand in the text of a statement.
 */
export function sqlList(states: readonly string[]): string {
  return `(${states.map((state) => `'${state}'`).join(', ')})`
}

/** The request has not come to an end with the person. A failed person is pending too: a retry may come at any time. */
export const pendingStates = subjectStatesIn('waiting', 'erased', 'failed')
