import { type Static, Type } from 'typebox'
import type { Operation } from '../../../datamap/plan.ts'
import { groupsThatBringBack } from '../../../directory/reappearances.ts'
import { type Plan, requirePlan } from '../../../erasure/plans/require-plan.ts'
import { cancelErasure } from '../../../erasure/requests/cancel-erasure.ts'
import { deleteAndRequestErasure } from '../../../erasure/requests/delete-and-request.ts'
import { listErasures } from '../../../erasure/requests/list-requests.ts'
import { previewErasure } from '../../../erasure/requests/preview-erasure.ts'
import { requestErasure } from '../../../erasure/requests/request-erasure.ts'
import { retryErasure } from '../../../erasure/requests/retry-erasure.ts'
import { type SubjectSelection, selectSubjects } from '../../../erasure/requests/select-subjects.ts'
import { showErasure } from '../../../erasure/requests/show-request.ts'
import { readDemands } from '../../../erasure/safeguards/demands.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { principalOf } from '../../../http/require-access.ts'
import { namePeople } from '../../../people/accounts/candidates.ts'
import { requireSelector } from '../../../people/accounts/find-users.ts'
import { isPermitted } from '../../../permissions/permissions.ts'
import type { TenantTransaction } from '../../../platform/database/transaction.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { Id, IdParams, pageOf } from '../schemas.ts'
import { filterOf } from '../users/filter.ts'
import {
  consequencesBody,
  Erasure,
  ErasureWithDetails,
  erasureBody,
  erasureDetailsBody,
  OrderBody,
  Ordered,
  Preview,
  PreviewBody,
  type Whom,
} from './schemas.ts'
import { addSubjectsRoute } from './subjects-route.ts'

const tags = ['Erasures']

/** Room for 100,000 selectors of the usual length. */
const bodyLimit = 16 * 1024 * 1024

/** `/api/v1/erasures`, without progress and certificate */
export function addErasureRoutes(server: HttpServer): void {
  for (const { schema } of [Erasure, ErasureWithDetails, Preview]) server.addSchema(schema)
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/preview',
    bodyLimit,
    config: { permission: 'erasures.preview', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Count, table by table, what an erasure request would do',
      body: PreviewBody,
      response: { 200: Preview.ref },
    },
    handler: async (request) => {
      const { operation, most_named: most = 10, delete_first: deleteFirst = false, ...whom } = request.body
      const mayRead = isPermitted(principalOf(request), 'users.read')
      return await inTenantOf(request, async (tx) => {
        const users = await selectSubjects(tx, selectionOf(whom))
        const ids = users.map(({ id }) => id)
        const given = new Map(users.flatMap((user) => (user.given === undefined ? [] : [[user.id, user.given]])))
        return {
          ...(await previewBody(tx, operation, ids, { deleteFirst, named: mayRead })),
          who: mayRead ? await namePeople(tx, { userIds: ids, given, most }) : null,
        }
      })
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/erasures',
    bodyLimit,
    config: { permission: 'erasures.order', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Make an erasure request: purge or anonymize deleted users',
      description: 'Cannot be undone. The server never guesses: if several people match a selector, it returns 409.',
      headers: IdempotencyHeaders,
      body: OrderBody,
      response: { 202: Ordered },
    },
    handler: (request, reply) => withIdempotency(request, reply, (tx) => order(tx, request.body)),
  })
  addListRoute(server)
  server.route({
    method: 'GET',
    url: '/api/v1/erasures/:id',
    config: { permission: 'erasures.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read an erasure request with its steps and its receipt',
      params: IdParams,
      response: { 200: ErasureWithDetails.ref },
    },
    handler: async (request) =>
      erasureDetailsBody(await inTenantOf(request, (tx) => showErasure(tx, request.params.id))),
  })
  addSubjectsRoute(server)
  addActs(server)
}

function addActs(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/:id/retry',
    config: { permission: 'erasures.retry', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Retry the people that failed',
      params: IdParams,
      headers: IdempotencyHeaders,
      response: { 202: Type.Object({ id: Id }, { description: 'Workers continue the request' }) },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const { id } = request.params
        await retryErasure(tx, id)
        return { status: 202, location: `/api/v1/erasures/${id}`, body: { id } }
      }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/:id/cancel',
    config: { permission: 'erasures.cancel', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Cancel the request for the people that are not erased yet',
      params: IdParams,
      response: {
        200: Type.Object(
          { cancelled: Type.Integer(), gone: Type.Integer() },
          { description: 'The number of people it was cancelled for, and of those who were erased already' },
        ),
      },
    },
    handler: (request) => inTenantOf(request, (tx) => cancelErasure(tx, request.params.id)),
  })
}

/** Makes the request that a body describes. Throws `input.invalid`, and what the operations throw. */
async function order(tx: TenantTransaction, body: Static<typeof OrderBody>) {
  const { operation, reason, expected_people: expected, plan, delete_first: deleteFirst = false, ...whom } = body
  if (whom.filter !== undefined && expected === undefined && plan === undefined) {
    throw inputError('input.invalid', {
      field: 'expected_people',
      expected: 'with a filter, the plan of a preview or the number of people that it counted is expected',
    })
  }
  const selection =
    plan !== undefined && whom.subjects === undefined && whom.filter === undefined
      ? peopleOf(await requirePlan(tx, plan, { operation, deleteFirst }))
      : selectionOf(whom)
  const userIds = (await selectSubjects(tx, selection, { expected })).map(({ id }) => id)
  const requesting = deleteFirst ? deleteAndRequestErasure : requestErasure
  const { request: id, state, runAt, salt } = await requesting(tx, { operation, userIds, reason, plan })
  return {
    status: 202 as const,
    location: `/api/v1/erasures/${id}`,
    body: { id, state, run_at: runAt, ...(salt !== undefined && { salt }) },
    omitOnReplay: ['salt'] as const,
  }
}

function peopleOf({ userIds }: Plan): SubjectSelection {
  return { selectors: userIds.map((value) => ({ by: 'id', value })) }
}

function addListRoute(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/erasures',
    config: { permission: 'erasures.read' },
    schema: {
      tags,
      summary: 'List erasure requests, newest first',
      querystring: Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
          after: Type.Optional(Id),
          overdue: Type.Optional(Type.Boolean({ description: 'Only overdue requests' })),
        },
        { additionalProperties: false },
      ),
      response: {
        200: pageOf('erasures', Erasure.ref),
      },
    },
    handler: async (request) => {
      const { limit = 50, after, overdue = false } = request.query
      const found = await inTenantOf(request, (tx) =>
        listErasures(tx, { limit: limit + 1, overdue, ...(after !== undefined && { before: after }) }),
      )
      const erasures = found.slice(0, limit).map(erasureBody)
      return { erasures, next: found.length > limit ? (erasures.at(-1)?.id ?? null) : null }
    },
  })
}

/** The selection of a body. Throws `input.invalid`. */
function selectionOf({ subjects, filter }: Whom): SubjectSelection {
  if ((subjects === undefined) === (filter === undefined)) {
    throw inputError('input.invalid', { field: 'subjects', expected: 'either subjects or filter is expected' })
  }
  return subjects === undefined ? { filter: filterOf(filter ?? {}) } : { selectors: subjects.map(requireSelector) }
}

async function previewBody(
  tx: TenantTransaction,
  operation: Operation,
  ids: string[],
  { deleteFirst, named }: { deleteFirst: boolean; named: boolean },
): Promise<Omit<Static<typeof Preview.schema>, 'who'>> {
  const preview = await previewErasure(tx, operation, ids, { deleteFirst })
  const { people, effects, names } = preview
  return {
    people,
    not_deleted: preview.notDeleted,
    effects,
    shared_identifiers: preview.sharedIdentifiers,
    similar_identifiers: preview.similarIdentifiers,
    short_identifiers: preview.shortIdentifiers,
    singled_out: preview.singledOut,
    blocked_by: preview.blockedBy,
    consequences: consequencesBody(preview.consequences, { named }),
    names,
    plan: preview.plan,
    plan_expires_at: preview.planExpiresAt,
    plan_covers_mentions: preview.planCoversMentions,
    ...(await readDemands(tx, ids)),
    returning_groups: operation === 'purge' ? await groupsThatBringBack(tx, ids) : [],
  }
}
