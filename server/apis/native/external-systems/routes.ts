import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import {
  createExternalSystem,
  deleteExternalSystem,
  listExternalSystems,
  showExternalSystem,
  updateExternalSystem,
} from '../../../tenancy/external-systems.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import { Addresses, asPage, Created, Id, IdParams, Line, Nothing, Paging, pageOf, Text, Time } from '../schemas.ts'

const tags = ['External systems']
const url = '/api/v1/external-systems'

/** A system outside of Lethe that holds data about people. */
export const ExternalSystem = sharedSchema(
  'ExternalSystem',
  Type.Object(
    {
      id: Id,
      name: Type.String(),
      contact_emails: Type.Array(Type.String(), { description: 'Addresses to ask for an erasure there' }),
      holds: Type.String({ description: 'The data that it holds, in words' }),
      created_at: Time,
    },
    { description: 'A system outside of Lethe that holds data about people' },
  ),
)

const holds = Type.String({ minLength: 1, maxLength: 20_000, description: 'The data that it holds, in words' })

/** `/api/v1/external-systems` */
export function addExternalSystemRoutes(server: HttpServer): void {
  server.addSchema(ExternalSystem.schema)
  server.route({
    method: 'GET',
    url,
    config: { permission: 'external_systems.read' },
    schema: {
      tags,
      summary: 'List the register of external systems, in the order of their creation',
      querystring: Paging,
      response: { 200: pageOf('systems', ExternalSystem.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listExternalSystems(tx, request.query))),
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'external_systems.write', errors: [409] },
    schema: {
      tags,
      summary: 'Enter an external system into the register',
      description: 'Previews and the notices of ended erasures name it, so that its owner can be asked.',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { name: Line, contact_emails: Type.Optional(Addresses), holds },
        {
          additionalProperties: false,
          examples: [{ name: 'Payroll', contact_emails: ['payroll@example.org'], holds: 'names, salaries' }],
        },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) =>
      inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await createExternalSystem(tx, inOperationNames(request.body))
          return { status: 201, location: `${url}/${id}`, body: { id } }
        }),
      ),
  })
  addOne(server)
}

function addOne(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${url}/:id`,
    config: { permission: 'external_systems.read', errors: [404] },
    schema: { tags, summary: 'Read an external system', params: IdParams, response: { 200: ExternalSystem.ref } },
    handler: (request) => inTenantOf(request, (tx) => showExternalSystem(tx, request.params.id)),
  })
  server.route({
    method: 'PATCH',
    url: `${url}/:id`,
    config: { permission: 'external_systems.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change an external system',
      description: 'Changes the given fields; the list of addresses replaces the one before.',
      params: IdParams,
      body: Type.Object(
        { name: Type.Optional(Line), contact_emails: Type.Optional(Addresses), holds: Type.Optional(Text) },
        { additionalProperties: false, examples: [{ contact_emails: ['people@example.org'] }] },
      ),
      response: { 200: ExternalSystem.ref },
    },
    handler: (request) => {
      const systemId = request.params.id
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateExternalSystem(tx, { systemId, changes: inOperationNames(request.body) })
          return await showExternalSystem(tx, systemId)
        }),
      )
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:id`,
    config: { permission: 'external_systems.write', errors: [404] },
    schema: {
      tags,
      summary: 'Take an external system out of the register',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => deleteExternalSystem(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
}
