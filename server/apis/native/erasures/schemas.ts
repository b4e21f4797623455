import { type Static, type TSchema, Type } from 'typebox'
import type { Receiver } from '../../../erasure/acknowledgements/list-receivers.ts'
import type { PlanChange } from '../../../erasure/plans/plan-parts.ts'
import type { Verdict } from '../../../erasure/proof/certificate.ts'
import type { Consequences } from '../../../erasure/requests/consequences.ts'
import type { ErasureSummary } from '../../../erasure/requests/request-progress.ts'
import type { ErasureDetails } from '../../../erasure/requests/show-request.ts'
import { requestStates } from '../../../erasure/states.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import type { NamedPerson } from '../../../people/accounts/candidates.ts'
import { selectorNames } from '../../../people/accounts/find-users.ts'
import { userStates } from '../../../people/accounts/user.ts'
import { ExternalSystem } from '../external-systems/routes.ts'
import { ActingCredential, Id, Next, NullableId, NullableNumber, NullableText, NullableTime, Time } from '../schemas.ts'
import { filterMembers } from '../users/filter.ts'

export const operations = ['purge', 'anonymize'] as const

const planPattern = '^[0-9a-f]{64}$'

/** The plan of a preview. */
export const Plan = Type.String({
  pattern: planPattern,
  description:
    'A digest of the keys of all affected rows. A request that names it erases only people with exactly these affected rows',
})

/** The lines of a preview or a receipt. */
export const Effects = Type.Array(Type.Object({ table: Type.String(), effect: Type.String(), rows: Type.Integer() }), {
  description: 'The effects per table, in rows',
})

/** Where rows are not those of the plan. */
const PlanChanges = Type.Array(
  Type.Object({ table: Type.String(), effect: Type.String(), planned: Type.Integer(), found: Type.Integer() }),
  {
    description:
      'Where the rows are not those of the plan, in numbers of rows. Equal numbers: other rows, or other rights of the person',
  },
)

const summary = {
  id: Id,
  operation: Type.Enum([...operations]),
  state: Type.Enum([...requestStates], {
    description:
      '`completed`: all people are done, and the search has found no residual data. `partial`: some people are done, and others are held, failed or cancelled. `awaiting_approval`: another person must approve first. `scheduled`: the cooling-off period must end first. `held`: a legal hold must be released first. `plan_changed`: the rows of each person are not those of the plan, so no person is erased',
  }),
  initiated_from: Type.String(),
  created_at: Time,
  due_at: Type.Unsafe<Date>({
    ...Time,
    description: 'When it must have ended, by the setting `erasure_due_days` of the tenant',
  }),
  overdue: Type.Boolean({ description: 'Past its due date, and not all people are done or dropped' }),
  finished_at: NullableTime,
  certified: Type.Boolean({ description: 'Whether the request has a certificate' }),
  verdict: Type.Unsafe<Verdict | null>({
    type: ['string', 'null'],
    enum: ['clean', 'search_outstanding', 'found', null],
    description:
      'The verdict of certificate and addenda. `clean`: erased, and no residual data found. `search_outstanding`: erased, and the search follows. `found`: residual data was found, or a person could not be erased. Null: not known yet',
  }),
  people: Type.Object({
    total: Type.Integer(),
    gone: Type.Integer({ description: 'People whose rows are erased and committed, whatever their later state' }),
    waiting: Type.Integer({ description: 'Nothing is erased yet. The next three numbers count some of them' }),
    awaiting_approval: Type.Integer(),
    scheduled: Type.Integer({ description: 'Until the cooling-off period ends' }),
    held: Type.Integer({ description: 'Until a legal hold is released' }),
    erased: Type.Integer({ description: 'Erased, but not yet verified' }),
    done: Type.Integer(),
    failed: Type.Integer(),
    cancelled: Type.Integer(),
    plan_changed: Type.Integer({ description: 'Not erased, because their rows are not those of the plan any more' }),
    rejected: Type.Integer(),
  }),
  run_at: Type.Unsafe<Date | null>({ ...NullableTime, description: 'The end of the cooling-off period' }),
}

/** The progress of an erasure request. */
export const Erasure = sharedSchema('Erasure', Type.Object(summary, { description: 'An erasure request' }))

const ReceiverBody = Type.Object({
  kind: Type.Enum(['external_system', 'webhook']),
  id: Type.String({ format: 'uuid', description: 'Of the external system, or of the endpoint of the webhook' }),
  name: Type.Unsafe<string | null>({ ...NullableText, description: 'Null: it is not in the register any more' }),
  acknowledged_at: NullableTime,
  covers_all: Type.Boolean({ description: 'It acknowledged after the last person was erased' }),
  open_link: Type.Unsafe<Receiver['open_link']>({
    type: ['object', 'null'],
    properties: { id: Id, expires_at: Time },
    required: ['id', 'expires_at'],
    description: 'The newest link that was not used yet',
  }),
})

/** An erasure request with its steps, its receipt and the reasons for failures. */
export const ErasureWithDetails = sharedSchema(
  'ErasureWithDetails',
  Type.Object(
    {
      ...summary,
      reason: Type.Unsafe<string | null>({
        ...NullableText,
        description: 'The reason that the user, key or client gave',
      }),
      requested_by: Type.Unsafe<string | null>({ ...NullableId, description: 'The user that made the request' }),
      requested_by_credential: ActingCredential,
      data_map: Type.String({ description: 'The version of the data map' }),
      about: Type.Enum(['users', 'contacts'], {
        description: 'contacts: an address of a person who is no user, purged from every field',
      }),
      trials_reached: Type.Unsafe<number | null>({
        ...NullableNumber,
        description: 'In how many trial tenants the same people were erased; null: not known yet, or no other trial',
      }),
      steps: Type.Array(
        Type.Object({
          step: Type.String(),
          state: Type.String(),
          removed: Type.Integer(),
          shared: Type.Integer(),
          failed: Type.Integer(),
          started_at: NullableTime,
          finished_at: NullableTime,
        }),
      ),
      receipt: Effects,
      failures: Type.Array(Type.Object({ user_id: Id, code: Type.String(), reason: Type.String() })),
      plan_changed: Type.Array(Type.Object({ user_id: Id, changes: PlanChanges }), {
        description:
          'The first 100 people that are not erased because of a changed plan. Confirm them with the plan of a new preview',
      }),
      receivers: Type.Array(ReceiverBody, {
        description:
          'The external systems of the register, and the webhooks that got a link: who has acknowledged the erasure, and who has not',
      }),
    },
    { description: 'An erasure request with its steps, its receipt and the reasons for failures' },
  ),
)

/** A place that no erasure rewrites. */
export const BlockingPlace = Type.Object({
  table: Type.String(),
  column: Type.String(),
  rows: Type.Integer(),
  command: Type.Unsafe<string | null>({ ...NullableText, description: 'The command that changes the value there' }),
  route: Type.Unsafe<string | null>({ ...NullableText, description: 'The route that changes the value there' }),
})

/** How many things there are, and the first 100 of them. */
function someOf<Thing extends TSchema>(thing: Thing, description: string) {
  return Type.Object(
    { total: Type.Integer(), first: Type.Array(thing, { description: 'At most 100' }) },
    { description },
  )
}

const ConsequencesBody = Type.Object(
  {
    successor: Type.Unsafe<Consequences['successor']>({
      type: ['object', 'null'],
      properties: { id: Id, display_name: NullableText },
      required: ['id', 'display_name'],
      description: 'Takes over courses and training plans if you request the erasure; null: no user can',
    }),
    authored_courses: Type.Integer({ description: 'Courses that these people wrote' }),
    authored_training_plans: Type.Integer({ description: 'Training plans that these people wrote' }),
    sessions_without_instructor: someOf(
      Type.Object({ id: Id, title: Type.String(), starts_at: NullableTime, course_id: Id, course: Type.String() }),
      'Sessions that will have no instructor',
    ),
    courses_without_author: someOf(Type.Object({ id: Id, title: Type.String() }), 'Courses that will have no author'),
    training_plans_without_author: someOf(
      Type.Object({ id: Id, title: Type.String() }),
      'Training plans that will have no author',
    ),
    people_without_manager: someOf(
      Type.Object({ id: Id, display_name: NullableText }),
      'Users that will have no manager; names are null for callers who may not read users',
    ),
    external_systems: Type.Array(ExternalSystem.ref, {
      description: 'The register: the erasure does not reach these systems, so ask their owners',
    }),
  },
  { description: 'What is left for others to do' },
)

/** What an erasure request would do. */
export const Preview = sharedSchema(
  'Preview',
  Type.Object(
    {
      people: Type.Integer(),
      held: Type.Integer({ description: 'People that a legal hold covers: they wait, and the others are erased' }),
      approval_required: Type.Boolean({ description: 'The request waits until a second person approves it' }),
      cooling_off_hours: Type.Integer({ description: 'The hours that the request waits before it runs' }),
      who: Type.Unsafe<NamedPerson[] | null>({
        type: ['array', 'null'],
        description: 'The first `most_named` people, each with its selector; null for callers who may not read users',
        items: {
          type: 'object',
          properties: {
            id: Id,
            state: { type: 'string', enum: [...userStates] },
            display_name: NullableText,
            department: NullableText,
            email: NullableText,
            login_name: NullableText,
            ref: NullableText,
            directory_object_id: NullableId,
            last_seen_at: NullableTime,
            deleted_at: NullableTime,
            given: {
              type: ['object', 'null'],
              properties: { by: { type: 'string', enum: [...selectorNames] }, value: { type: 'string' } },
              required: ['by', 'value'],
            },
          },
          required: ['id', 'state', 'display_name', 'given'],
        },
      }),
      not_deleted: Type.Array(Id, {
        description:
          'Users who must be deleted first: by `DELETE /api/v1/users/{id}`, or together with the request by its `delete_first`',
      }),
      effects: Effects,
      shared_identifiers: Type.Integer({ description: 'Identifiers held by others; the erasure leaves them alone' }),
      similar_identifiers: Type.Integer({
        description: 'Of these, identifiers that are only similar to one that is held by others',
      }),
      short_identifiers: Type.Integer({ description: 'Identifiers that are too short to search texts for' }),
      singled_out: Type.Integer({ description: 'People that the surviving custom fields single out' }),
      blocked_by: Type.Array(BlockingPlace, {
        description:
          'Places with identifiers that the operation cannot rewrite. It fails with these places until you remove the identifiers there; then retry it',
      }),
      plan: Plan,
      plan_expires_at: Type.Unsafe<Date>({
        ...Time,
        description: 'The end of the time in which a request may name the plan',
      }),
      plan_covers_mentions: Type.Boolean({
        description: 'Whether the plan also covers texts of others that hold identifiers of these people',
      }),
      consequences: ConsequencesBody,
      names: Type.Array(Type.Object({ table: Type.String(), column: Type.String(), rows: Type.Integer() }), {
        description: 'Places with full names in texts that stay. Lethe cannot tell which person a name refers to',
      }),
      returning_groups: Type.Array(
        Type.Object({
          group_id: Id,
          display_name: Type.String(),
          people: Type.Integer(),
          at_next_sync: Type.Enum(['create', 'block'], {
            description: 'What the next synchronization does: create new users without records, or block these people',
          }),
        }),
        {
          description:
            'Directory groups that still contain these people. A purge cannot change the directory, so remove them there first',
        },
      ),
    },
    { description: 'The counted effects of the operation; nothing is changed' },
  ),
)

const selectors = {
  id: Id,
  directory_object_id: Id,
  ref: Type.String({ minLength: 1, maxLength: 256 }),
  login_name: Type.String({ minLength: 1, maxLength: 256 }),
  email: Type.String({ minLength: 1, maxLength: 320 }),
}

/** One person, named by exactly one of these. */
const Subject = Type.Partial(Type.Object(selectors), {
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
})

/** The person that a proof is about, named by exactly one of these; for an anonymization with the salt. */
export const ProofBody = Type.Partial(
  Type.Object({
    ...selectors,
    salt: Type.String({
      pattern: '^[\\w-]{43}$',
      description: 'Of an anonymization: the salt that its request returned',
    }),
  }),
  { additionalProperties: false, minProperties: 1, examples: [{ email: 'ann@example.org' }] },
)

const mostSubjects = 100_000

const mostNamed = 10_000

/** The people of an erasure request: one by one, or all deleted people that a filter chooses. */
const whom = {
  operation: Type.Enum([...operations]),
  subjects: Type.Optional(Type.Array(Subject, { minItems: 1, maxItems: mostSubjects })),
  filter: Type.Optional(
    Type.Object(filterMembers, {
      additionalProperties: false,
      description:
        'Instead of subjects: all deleted users that match, any number of them. The same filter as in the list of users',
    }),
  ),
}

export const PreviewBody = Type.Object(
  {
    ...whom,
    delete_first: Type.Optional(
      Type.Boolean({ default: false, description: 'Count as after a delete of the people who are not deleted yet' }),
    ),
    most_named: Type.Optional(
      Type.Integer({ minimum: 0, maximum: mostNamed, default: 10, description: 'The most people to name' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ operation: 'purge', subjects: [{ email: 'ann@example.org' }] }],
  },
)

export const OrderBody = Type.Object(
  {
    ...whom,
    plan: Type.Optional(
      Type.String({
        pattern: planPattern,
        description:
          'The `plan` of a preview with the same operation and options, by the same user, key or client. People with other rows stay untouched (`plan_changed`). Without subjects and filter, the request is for the people of the plan',
      }),
    ),
    delete_first: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Delete the people who are not deleted yet, in the same transaction as the request',
      }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 2000, description: 'The reason; stored with the request' })),
    expected_people: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Refuse the request if it would cover more or fewer people. A filter without a plan needs it',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ operation: 'purge', subjects: [{ ref: '4711' }] }],
  },
)

export const ConfirmBody = Type.Object(
  { plan: Type.String({ pattern: planPattern, description: 'The `plan` of a preview of people whose plan changed' }) },
  { additionalProperties: false },
)

export const Confirmed = Type.Object(
  {
    id: Id,
    people: Type.Integer({ description: 'The people that the request goes on with' }),
    salt: Type.Optional(
      Type.Unsafe<string | null>({
        ...NullableText,
        description: 'Of an anonymization: the salt of these people, another one than that of the request',
      }),
    ),
  },
  { description: 'Workers continue the request' },
)

export type Whom = Pick<Static<typeof OrderBody>, 'subjects' | 'filter'>

export const Ordered = Type.Object(
  {
    id: Id,
    state: Type.Enum([...requestStates], {
      description: 'queued, or what the request waits for: awaiting_approval, scheduled or held',
    }),
    run_at: Type.Unsafe<Date | null>({ ...NullableTime, description: 'The end of the cooling-off period' }),
    salt: Type.Optional(
      Type.Unsafe<string | null>({
        ...NullableText,
        description:
          'Of an anonymization: the salt under which the certificate names people. Returned once and stored nowhere',
      }),
    ),
  },
  { description: 'Requested; Location has the address of the request' },
)

/** The people of an erasure request. */
export const Subjects = sharedSchema(
  'ErasureSubjects',
  Type.Object(
    {
      subjects: Type.Array(
        Type.Object({
          user_id: Id,
          state: Type.String(),
          error_code: NullableText,
          error_reason: NullableText,
          erased_at: NullableTime,
          finished_at: NullableTime,
          plan_changes: Type.Unsafe<PlanChange[] | null>({ ...PlanChanges, type: ['array', 'null'] }),
        }),
      ),
      next: Next,
    },
    { description: 'A page of the people of an erasure request' },
  ),
)

/** An erasure request in the words of the API. */
export function erasureBody(erasure: ErasureSummary): Static<typeof Erasure.schema> {
  const { id, operation, state, certified, verdict, subjects, runAt: run_at } = erasure
  const { initiatedFrom: initiated_from, createdAt: created_at, finishedAt: finished_at } = erasure
  const { dueAt: due_at, overdue } = erasure
  const times = { created_at, run_at, due_at, overdue, finished_at }
  return { id, operation, state, initiated_from, ...times, certified, verdict, people: subjects }
}

/** An erasure request with all details in the words of the API. */
export function erasureDetailsBody(erasure: ErasureDetails): Static<typeof ErasureWithDetails.schema> {
  return {
    ...erasureBody(erasure),
    reason: erasure.reason,
    requested_by: erasure.requestedBy,
    requested_by_credential: erasure.requestedByCredential,
    data_map: erasure.dataMap,
    about: erasure.about,
    trials_reached: erasure.trialsReached,
    steps: erasure.steps.map(({ startedAt, finishedAt, ...step }) => ({
      ...step,
      started_at: startedAt,
      finished_at: finishedAt,
    })),
    receipt: erasure.receipt,
    plan_changed: erasure.planChanged.map(({ userId, changes }) => ({ user_id: userId, changes })),
    receivers: erasure.receivers,
    failures: erasure.failures.map(({ userId, ...failure }) => ({ user_id: userId, ...failure })),
  }
}

/** The consequences of an erasure in the words of the API. `named`: with names of people who stay. */
export function consequencesBody(found: Consequences, { named }: { named: boolean }): Static<typeof ConsequencesBody> {
  const nameless = <Person extends { display_name: string | null }>(person: Person): Person =>
    named ? person : { ...person, display_name: null }
  const { total, first } = found.peopleWithoutManager
  return {
    successor: found.successor && nameless(found.successor),
    authored_courses: found.authoredCourses,
    authored_training_plans: found.authoredTrainingPlans,
    sessions_without_instructor: found.sessionsWithoutInstructor,
    courses_without_author: found.coursesWithoutAuthor,
    training_plans_without_author: found.trainingPlansWithoutAuthor,
    people_without_manager: { total, first: first.map(nameless) },
    external_systems: found.externalSystems,
  }
}
