import { type Static, Type } from 'typebox'
import type { Verdict } from '../../../erasure/certificate.ts'
import type { ErasureDetails, ErasureSummary } from '../../../erasure/show-erasures.ts'
import { named } from '../../../http/openapi/complete-route.ts'
import type { NamedPerson } from '../../../people/candidates.ts'
import { selectorNames } from '../../../people/find-users.ts'
import { userKinds, userRoles, userStates } from '../../../people/user.ts'
import { ActingCredential, Id, NullableId, NullableText, NullableTime, Time } from '../schemas.ts'

export const operations = ['purge', 'anonymize'] as const

const Effects = Type.Array(Type.Object({ table: Type.String(), effect: Type.String(), rows: Type.Integer() }), {
  description: 'What is done to which table, in rows',
})

const summary = {
  id: Id,
  operation: Type.Enum([...operations]),
  state: Type.Enum(['queued', 'running', 'completed', 'partial', 'failed', 'cancelled', 'rejected'], {
    description: 'completed: everybody is done, and the search has found nothing left',
  }),
  initiated_from: Type.String(),
  created_at: Time,
  finished_at: NullableTime,
  certified: Type.Boolean({ description: 'There is a certificate' }),
  verdict: Type.Unsafe<Verdict | null>({
    type: ['string', 'null'],
    enum: ['clean', 'search_outstanding', 'found', null],
    description:
      'What the certificate and its addenda come to: erased and nothing found; erased, and the search is still to come; or something was found, or a person could not be erased. Null: not known yet',
  }),
  people: Type.Object({
    total: Type.Integer(),
    gone: Type.Integer({ description: 'Whose rows are erased and committed, whatever became of them since' }),
    waiting: Type.Integer(),
    erased: Type.Integer({ description: 'Erased and not yet verified' }),
    done: Type.Integer(),
    failed: Type.Integer(),
    cancelled: Type.Integer(),
  }),
}

/** How far an order is. */
export const Erasure = named('Erasure', Type.Object(summary, { description: 'A request to purge or anonymize' }))

/** An order with its steps, its receipt and the reasons of failures. */
export const ErasureWithDetails = named(
  'ErasureWithDetails',
  Type.Object(
    {
      ...summary,
      reason: Type.Unsafe<string | null>({
        ...NullableText,
        description: 'Why, as the user, key or client that requested it said',
      }),
      requested_by: Type.Unsafe<string | null>({ ...NullableId, description: 'The user who requested it' }),
      requested_by_credential: ActingCredential,
      data_map: Type.String({ description: 'The version of the data map' }),
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
    },
    { description: 'An erasure request with its steps, its receipt and the reasons of failures' },
  ),
)

/** What an order would do. */
export const Preview = named(
  'Preview',
  Type.Object(
    {
      people: Type.Integer(),
      who: Type.Unsafe<NamedPerson[] | null>({
        type: ['array', 'null'],
        description:
          'Whom it is about, the first `most_named` of them, with the selector that named each; null for callers who may not read users',
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
      not_deleted: Type.Array(Id, { description: 'Those who must be deleted first' }),
      effects: Effects,
      shared_identifiers: Type.Integer({ description: 'Identifiers that others hold too; they are left alone' }),
      similar_identifiers: Type.Integer({
        description: 'Of these, the ones of which others hold only one that is easily confused with it',
      }),
      short_identifiers: Type.Integer({ description: 'Identifiers too short to be looked for in texts' }),
      singled_out: Type.Integer({ description: 'People whom the custom fields that survive single out' }),
      blocked_by: Type.Array(Type.Object({ table: Type.String(), column: Type.String(), rows: Type.Integer() }), {
        description:
          'Where identifiers of theirs stand that the operation cannot rewrite: it fails with these places until they are taken out there, and can then be tried again',
      }),
      names: Type.Array(Type.Object({ table: Type.String(), column: Type.String(), rows: Type.Integer() }), {
        description: 'Where full names stand in texts that stay; nobody can tell whose they are',
      }),
      returning_groups: Type.Array(
        Type.Object({
          group_id: Id,
          display_name: Type.String(),
          people: Type.Integer(),
          at_next_sync: Type.Enum(['create', 'block'], {
            description:
              'What the tenant lets the next synchronization do: make new users of them, without records, or keep them out',
          }),
        }),
        {
          description:
            'Groups of the directory that still hold them: a purge does not reach there. Take them out first',
        },
      ),
    },
    { description: 'What the operation would do, counted; nothing is changed' },
  ),
)

/** One person, named by exactly one of these. */
const Subject = Type.Partial(
  Type.Object({
    id: Id,
    directory_object_id: Id,
    ref: Type.String({ minLength: 1, maxLength: 256 }),
    login_name: Type.String({ minLength: 1, maxLength: 256 }),
    email: Type.String({ minLength: 1, maxLength: 320 }),
  }),
  { additionalProperties: false, minProperties: 1, maxProperties: 1 },
)

const mostSubjects = 10_000

/** Whom an order is about: people one by one, or everybody deleted whom a filter chooses. */
const whom = {
  operation: Type.Enum([...operations]),
  subjects: Type.Optional(Type.Array(Subject, { minItems: 1, maxItems: mostSubjects })),
  filter: Type.Optional(
    Type.Partial(
      Type.Object({
        search: Type.String({ maxLength: 256 }),
        deleted_in: Type.String({ maxLength: 7, description: 'A month (UTC) as YYYY-MM' }),
        kind: Type.Enum([...userKinds]),
        role: Type.Enum([...userRoles]),
        department: Type.String({ maxLength: 256 }),
      }),
      { additionalProperties: false, description: 'Instead of subjects: all deleted users whom the filter chooses' },
    ),
  ),
}

export const PreviewBody = Type.Object(
  {
    ...whom,
    most_named: Type.Optional(
      Type.Integer({ minimum: 0, maximum: mostSubjects, default: 10, description: 'So many people are named at most' }),
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
    reason: Type.Optional(Type.String({ maxLength: 2000, description: 'Why; kept with the request' })),
    expected_people: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Refuses the request where it would be about more or fewer people' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ operation: 'purge', subjects: [{ ref: '4711' }] }],
  },
)

export type Whom = Pick<Static<typeof OrderBody>, 'subjects' | 'filter'>

export const Ordered = Type.Object(
  {
    id: Id,
    salt: Type.Optional(
      Type.Unsafe<string | null>({
        ...NullableText,
        description: 'Of an anonymization: what the certificate names people under. Answered once and stored nowhere',
      }),
    ),
  },
  { description: 'Requested; Location says where to look' },
)

export const Subjects = Type.Object(
  {
    subjects: Type.Array(
      Type.Object({
        user_id: Id,
        state: Type.String(),
        error_code: NullableText,
        error_reason: NullableText,
        erased_at: NullableTime,
        finished_at: NullableTime,
      }),
    ),
    next: NullableText,
  },
  { description: 'A page' },
)

/** An order in the words of the API. */
export function erasureBody(erasure: ErasureSummary): Static<typeof Erasure.schema> {
  const { id, operation, state, certified, verdict, subjects } = erasure
  const { initiatedFrom: initiated_from, createdAt: created_at, finishedAt: finished_at } = erasure
  return { id, operation, state, initiated_from, created_at, finished_at, certified, verdict, people: subjects }
}

/** An order with everything about it in the words of the API. */
export function erasureDetailsBody(erasure: ErasureDetails): Static<typeof ErasureWithDetails.schema> {
  return {
    ...erasureBody(erasure),
    reason: erasure.reason,
    requested_by: erasure.requestedBy,
    requested_by_credential: erasure.requestedByCredential,
    data_map: erasure.dataMap,
    steps: erasure.steps.map(({ startedAt, finishedAt, ...step }) => ({
      ...step,
      started_at: startedAt,
      finished_at: finishedAt,
    })),
    receipt: erasure.receipt,
    failures: erasure.failures.map(({ userId, ...failure }) => ({ user_id: userId, ...failure })),
  }
}
