import { type Static, Type } from 'typebox'
import { approveErasure, rejectErasure } from '../../../erasure/safeguards/decide.ts'
import { listAwaitingApproval } from '../../../erasure/safeguards/list-awaiting.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { refusalReasonCodes } from '../../../people/lifecycle/justifications.ts'
import { ActingCredential, IdParams, Next, Nothing, NullableId, NullableText, Paging } from '../schemas.ts'
import { Erasure, erasureBody } from './schemas.ts'

const tags = ['Erasures']

const Note = Type.String({ minLength: 1, maxLength: 2000, description: 'Free text about the decision' })

const Awaiting = Type.Object(
  {
    erasures: Type.Array(
      Type.Object({
        erasure: Erasure.ref,
        reason: Type.Unsafe<string | null>({ ...NullableText, description: 'The reason that the requester gave' }),
        requested_by: NullableId,
        requested_by_credential: ActingCredential,
      }),
    ),
    next: Next,
  },
  { description: 'A page, oldest first' },
)

/** `/api/v1/approvals`, and the decision about an erasure request */
export function addApprovalRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/approvals',
    config: { permission: 'erasures.read' },
    schema: {
      tags,
      summary: 'List the erasure requests that wait for an approval',
      querystring: Paging,
      response: { 200: Awaiting },
    },
    handler: async (request): Promise<Static<typeof Awaiting>> => {
      const { erasures, next = null } = await inTenantOf(request, (tx) => listAwaitingApproval(tx, request.query))
      return {
        erasures: erasures.map((one) => ({
          erasure: erasureBody(one),
          reason: one.reason,
          requested_by: one.requestedBy,
          requested_by_credential: one.requestedByCredential,
        })),
        next,
      }
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/:id/approve',
    config: { permission: 'erasures.approve', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Approve an erasure request of another person',
      description:
        'The person who made the request cannot approve it. The creator of an API key or OAuth client counts as the person who made its requests.',
      params: IdParams,
      body: Type.Object({ note: Type.Optional(Note) }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => approveErasure(tx, request.params.id, request.body))
      return reply.code(204).send(null)
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/:id/reject',
    config: { permission: 'erasures.approve', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Refuse an erasure request of another person',
      description: 'The request ends, and its people stay deleted users.',
      params: IdParams,
      body: Type.Object(
        {
          reason_code: Type.Enum([...refusalReasonCodes], {
            description: 'Each code has a term of the W3C Data Privacy Vocabulary: see docs/safeguards.md',
          }),
          note: Type.Optional(Note),
        },
        { additionalProperties: false },
      ),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { reason_code: reason, note } = request.body
      await inTenantOf(request, (tx) => rejectErasure(tx, request.params.id, { reason, note }))
      return reply.code(204).send(null)
    },
  })
}
