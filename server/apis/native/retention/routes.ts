import { type Static, Type } from 'typebox'
import { previewPolicy } from '../../../erasure/retention/affected-people.ts'
import { listRetentionRuns, showRetentionRun } from '../../../erasure/retention/list-runs.ts'
import {
  createPolicy,
  deletePolicy,
  disablePolicy,
  enablePolicy,
  listPolicies,
  type PolicyFields,
  showPolicy,
  updatePolicy,
} from '../../../erasure/retention/policies.ts'
import { runPolicy } from '../../../erasure/retention/run-policy.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import {
  asPage,
  Id,
  IdParams,
  Line,
  Next,
  Nothing,
  NullableDay,
  NullableId,
  NullableText,
  NullableTime,
  Paging,
  pageOf,
  paging,
  Time,
} from '../schemas.ts'

const tags = ['Retention']
const url = '/api/v1/retention-policies'
const ofOne = `${url}/:id`
const runsUrl = '/api/v1/retention-runs'

const Policy = sharedSchema(
  'RetentionPolicy',
  Type.Object(
    {
      id: Id,
      name: Type.String(),
      days: Type.Integer({ description: 'Days of 24 hours between the delete and the purge' }),
      excluded_group_ids: Type.Array(Id, { description: 'Directory groups whose members it leaves out' }),
      daily_at: Type.String({ description: 'The time of day after which workers run it: HH:MM in UTC' }),
      enabled: Type.Boolean(),
      owner_id: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The person in whose name it runs; null: no person',
      }),
      created_at: Time,
      changed_at: Time,
      last_run_at: Type.Unsafe<Date | null>({ ...NullableTime, description: 'Null before the first run' }),
    },
    { description: 'A policy that purges users so many days after they were deleted' },
  ),
)

const counts = {
  found: Type.Integer({ description: 'Users who were deleted so many days ago, or longer' }),
  excluded: Type.Integer({ description: 'Of the found users, members of excluded groups' }),
  pending: Type.Integer({ description: 'Of the others, users with a pending erasure' }),
}
const held = Type.Integer({ description: 'Of the requested people, those that a legal hold covers' })

const Run = sharedSchema(
  'RetentionRun',
  Type.Object(
    {
      id: Id,
      policy_id: Id,
      scheduled_on: Type.Unsafe<string | null>({
        ...NullableDay,
        description: 'The day, in UTC, whose run it is; null if a person or a program ran it',
      }),
      started_at: Time,
      finished_at: Time,
      deleted_before: Type.Unsafe<Date>({ ...Time, description: 'It looked for users deleted at this time or before' }),
      ...counts,
      requested: Type.Integer({ description: 'The rest: the people of the erasure request' }),
      held,
      request_id: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The erasure request; null if there was no person to purge',
      }),
    },
    { description: 'The report of one run of a retention policy' },
  ),
)

const Preview = Type.Object({
  ...counts,
  people: Type.Integer({ description: 'The rest: the people that a run would purge now' }),
  held,
  deleted_before: Time,
  subjects: Type.Array(
    Type.Object({
      id: Id,
      display_name: NullableText,
      login_name: NullableText,
      email: NullableText,
      deleted_at: Time,
      held: Type.Boolean({ description: 'A legal hold covers the person' }),
    }),
    { description: 'A page of these people, in the order of their ids' },
  ),
  next: Next,
})

const fields = {
  name: Line,
  days: Type.Integer({ minimum: 0, maximum: 36_500 }),
  excluded_group_ids: Type.Optional(Type.Array(Id, { maxItems: 1000 })),
  daily_at: Type.Optional(
    Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'HH:MM in UTC; default: 03:00' }),
  ),
}
const Fields = Type.Object(fields, { additionalProperties: false })
const Changes = Type.Partial(Type.Object(fields), { additionalProperties: false })

const Expected = Type.Object(
  {
    expected_people: Type.Integer({
      minimum: 0,
      maximum: 2 ** 31 - 1,
      description: 'The number of people that the preview shows',
    }),
  },
  { additionalProperties: false },
)

/** `/api/v1/retention-policies` and `/api/v1/retention-runs` */
export function addRetentionRoutes(server: HttpServer): void {
  for (const { schema } of [Policy, Run]) server.addSchema(schema)
  addPolicies(server)
  addOne(server)
  addActs(server)
  addRuns(server)
}

function addPolicies(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'retention.read' },
    schema: {
      tags,
      summary: 'List the retention policies of the tenant',
      querystring: Paging,
      response: { 200: pageOf('policies', Policy.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listPolicies(tx, request.query))),
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'retention.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Create a retention policy, which is disabled until it is enabled',
      headers: IdempotencyHeaders,
      body: Fields,
      response: { 201: Policy.ref },
    },
    handler: (request, reply) => {
      const { name, days } = request.body
      return withIdempotency(request, reply, async (tx) => {
        const body = await createPolicy(tx, { ...fieldsOf(request.body), name, days })
        return { status: 201, location: `${url}/${body.id}`, body }
      })
    },
  })
}

function addOne(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: ofOne,
    config: { permission: 'retention.read', errors: [404] },
    schema: { tags, summary: 'Read a retention policy', params: IdParams, response: { 200: Policy.ref } },
    handler: (request) => inTenantOf(request, (tx) => showPolicy(tx, request.params.id)),
  })
  server.route({
    method: 'PATCH',
    url: ofOne,
    config: { permission: 'retention.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Change a retention policy',
      description: 'A change of the days or of the excluded groups disables it. The caller becomes its owner.',
      params: IdParams,
      body: Changes,
      response: { 200: Policy.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => updatePolicy(tx, request.params.id, fieldsOf(request.body))),
  })
  server.route({
    method: 'DELETE',
    url: ofOne,
    config: { permission: 'retention.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Delete a retention policy; the reports of its runs stay',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => deletePolicy(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
  server.route({
    method: 'GET',
    url: `${ofOne}/preview`,
    config: { permission: 'retention.read', errors: [404] },
    schema: {
      tags,
      summary: 'Show what a run of a retention policy would do now',
      description: 'It changes nothing.',
      params: IdParams,
      querystring: Paging,
      response: { 200: Preview },
    },
    handler: (request) =>
      asPage(
        inTenantOf(request, async (tx) => previewPolicy(tx, await showPolicy(tx, request.params.id), request.query)),
      ),
  })
}

function addActs(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: `${ofOne}/enable`,
    config: { permission: 'retention.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Enable a retention policy',
      description:
        'Workers run it every day after its time. If that time has passed today, the first run comes within the hour.',
      params: IdParams,
      body: Expected,
      response: { 200: Policy.ref },
    },
    handler: (request) =>
      inTenantOf(request, (tx) =>
        enablePolicy(tx, request.params.id, { expectedPeople: request.body.expected_people }),
      ),
  })
  server.route({
    method: 'POST',
    url: `${ofOne}/disable`,
    config: { permission: 'retention.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Disable a retention policy',
      description: 'Erasure requests that it made go on.',
      params: IdParams,
      response: { 200: Policy.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => disablePolicy(tx, request.params.id)),
  })
  server.route({
    method: 'POST',
    url: `${ofOne}/run`,
    config: { permission: 'retention.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Run a retention policy now',
      description:
        'Makes one erasure request for the people that the preview shows. Without such people, it makes none. The caller is the requester.',
      headers: IdempotencyHeaders,
      params: IdParams,
      body: Expected,
      response: { 201: Run.ref },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const body = await runPolicy(tx, request.params.id, { expectedPeople: request.body.expected_people })
        return { status: 201, location: `${runsUrl}/${body.id}`, body }
      }),
  })
}

function addRuns(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: runsUrl,
    config: { permission: 'retention.read' },
    schema: {
      tags,
      summary: 'List the runs of retention policies, newest first',
      querystring: Type.Object(
        {
          ...paging,
          policy: Type.Optional(Type.String({ format: 'uuid', description: 'Only the runs of this policy' })),
        },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('runs', Run.ref) },
    },
    handler: (request) => {
      const { policy: policyId, ...options } = request.query
      return asPage(inTenantOf(request, (tx) => listRetentionRuns(tx, { ...options, policyId })))
    },
  })
  server.route({
    method: 'GET',
    url: `${runsUrl}/:id`,
    config: { permission: 'retention.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read the report of a run of a retention policy',
      params: IdParams,
      response: { 200: Run.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => showRetentionRun(tx, request.params.id)),
  })
}

function fieldsOf(body: Static<typeof Changes>): PolicyFields {
  return { name: body.name, days: body.days, excludedGroupIds: body.excluded_group_ids, dailyAt: body.daily_at }
}
