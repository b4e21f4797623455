import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { mostReferences, referencesOf, registerReferences } from '../../../webhooks/register-references.ts'
import { asPage, Id, IdParams, Line, Nothing, Paging, pageOf } from '../schemas.ts'

const tags = ['Webhooks']
const url = '/api/v1/webhooks/:id/references'

/** `/api/v1/webhooks/:id/references` */
export function addReferenceRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'webhooks.read', errors: [404] },
    schema: {
      tags,
      summary: 'List what the receiver of a webhook endpoint knows users by',
      params: IdParams,
      querystring: Paging,
      response: { 200: pageOf('references', Type.Object({ user_id: Id, reference: Type.String() })) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => referencesOf(tx, request.params.id, request.query))),
  })
  server.route({
    method: 'PUT',
    url,
    config: { permission: 'webhooks.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Register what the receiver of a webhook endpoint knows users by',
      description:
        'Events about the erasure of such a user carry it as `reference`, in place of the `ref`. All or none. Others stay as they are.',
      params: IdParams,
      body: Type.Object(
        {
          references: Type.Array(
            Type.Object(
              {
                user_id: Id,
                reference: Type.Union([Line, Type.Null()], { description: 'Null removes it' }),
              },
              { additionalProperties: false },
            ),
            { minItems: 1, maxItems: mostReferences },
          ),
        },
        { additionalProperties: false },
      ),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const references = request.body.references.map(({ user_id: userId, reference }) => ({ userId, reference }))
      await inTenantOf(request, (tx) => registerReferences(tx, request.params.id, references))
      return reply.code(204).send(null)
    },
  })
}
