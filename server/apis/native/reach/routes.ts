import { Type } from 'typebox'
import { decideAsOperator, decideProposal } from '../../../erasure/reach/decide-match.ts'
import { listProposals, listWaitingMatches } from '../../../erasure/reach/list-matches.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { principalOf } from '../../../http/require-access.ts'
import { tenantKinds } from '../../../tenancy/tenants.ts'
import { asPage, Id, IdParams, NullableId, NullableText, NullableTime, pageOf, paging, Time } from '../schemas.ts'

const WaitingMatch = sharedSchema(
  'WaitingMatch',
  Type.Object(
    {
      id: Id,
      tenant_id: Id,
      tenant_name: Type.String(),
      tenant_kind: Type.Enum([...tenantKinds]),
      what: Type.Enum(['user', 'contact', 'all_users'], {
        description:
          'user: a user who may be the same person. contact: an address in fields. all_users: the user created the trial',
      }),
      user_id: NullableId,
      users: Type.Integer({ description: 'How many users a yes would purge; 0 for a contact' }),
      source_tenant_id: NullableId,
      source_request_id: NullableId,
      provider_id: NullableId,
      created_at: Time,
      expires_at: Time,
    },
    { description: 'An erasure that would reach a trial tenant without a confirmed identity. It shows ids only' },
  ),
)

const Proposal = sharedSchema(
  'ErasureProposal',
  Type.Object(
    {
      id: Id,
      user_id: Id,
      confirmed: Type.Boolean({ description: 'Whether the user confirmed the identity that the provider named' }),
      state: Type.Enum(['waiting', 'accepted', 'refused']),
      request_id: NullableId,
      reason: NullableText,
      created_at: Time,
      decided_at: NullableTime,
      decided_by: NullableId,
    },
    { description: 'An erasure that an identity provider asks for' },
  ),
)

const Decided = Type.Object(
  { request_id: NullableId },
  { description: 'The erasure request of a yes; workers do the work' },
)
const NullableRequest = (request: string | null) => ({ request_id: request })

const Reason = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })) },
  { additionalProperties: false },
)

/** `/api/v1/reach-matches`, for operators, and `/api/v1/erasure-proposals`, for a tenant */
export function addReachRoutes(server: HttpServer): void {
  server.addSchema(WaitingMatch.schema)
  server.addSchema(Proposal.schema)
  addOperatorRoutes(server)
  addProposalRoutes(server)
}

function addOperatorRoutes(server: HttpServer): void {
  const tags = ['Tenants']
  server.route({
    method: 'GET',
    url: '/api/v1/reach-matches',
    config: { permission: 'reach.decide' },
    schema: {
      tags,
      summary: 'List the erasures that wait for the operator before they reach a trial tenant',
      response: {
        200: Type.Object({ matches: Type.Array(WaitingMatch.ref) }, { description: 'Oldest first' }),
      },
    },
    handler: async () => ({ matches: await listWaitingMatches(server.database) }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/reach-matches/:id/accept',
    config: { permission: 'reach.decide', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Let an erasure reach a trial tenant',
      description: 'Cannot be undone. It makes an erasure request of the trial, whose legal holds still apply.',
      params: IdParams,
      response: { 202: Decided },
    },
    handler: async (request, reply) => {
      const { initiator } = principalOf(request)
      const { request: made } = await decideAsOperator(
        server.database,
        request.params.id,
        { accept: true },
        { initiator },
      )
      reply.code(202)
      return NullableRequest(made)
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/reach-matches/:id/refuse',
    config: { permission: 'reach.decide', errors: [404, 409], bodyOptional: true },
    schema: {
      tags,
      summary: 'Do not let an erasure reach a trial tenant',
      params: IdParams,
      body: Reason,
      response: { 200: Decided },
    },
    handler: async (request) => {
      const { initiator } = principalOf(request)
      const decision = { accept: false, ...request.body } as const
      const { request: made } = await decideAsOperator(server.database, request.params.id, decision, { initiator })
      return NullableRequest(made)
    },
  })
}

function addProposalRoutes(server: HttpServer): void {
  const tags = ['Erasures']
  server.route({
    method: 'GET',
    url: '/api/v1/erasure-proposals',
    config: { permission: 'proposals.read' },
    schema: {
      tags,
      summary: 'List the erasures that an identity provider asks for',
      querystring: Type.Object(
        { ...paging, all: Type.Optional(Type.Boolean({ description: 'Also those that were decided' })) },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('proposals', Proposal.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listProposals(tx, request.query))),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/erasure-proposals/:id/accept',
    config: { permission: 'proposals.decide', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Accept an erasure that an identity provider asks for: delete the user and make an erasure request',
      description: 'Cannot be undone once the user is erased.',
      params: IdParams,
      headers: IdempotencyHeaders,
      response: { 202: Decided },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const { request: made } = await decideProposal(tx, request.params.id, { accept: true })
        const location = made === null ? '/api/v1/erasure-proposals' : `/api/v1/erasures/${made}`
        return { status: 202, location, body: NullableRequest(made) }
      }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/erasure-proposals/:id/refuse',
    config: { permission: 'proposals.decide', errors: [404, 409], bodyOptional: true },
    schema: {
      tags,
      summary: 'Refuse an erasure that an identity provider asks for',
      params: IdParams,
      body: Reason,
      response: { 200: Decided },
    },
    handler: async (request) => {
      const { request: made } = await inTenantOf(request, (tx) =>
        decideProposal(tx, request.params.id, { accept: false, ...request.body }),
      )
      return NullableRequest(made)
    },
  })
}
