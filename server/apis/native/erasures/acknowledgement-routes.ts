import { Type } from 'typebox'
import {
  createAcknowledgementLink,
  linkDays,
  withdrawAcknowledgementLink,
} from '../../../erasure/acknowledgements/links.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { Id, IdParams, Nothing, NullableText, Time } from '../schemas.ts'

const tags = ['Erasures']
const url = '/api/v1/erasures/:id/acknowledgement-links'

/** `/api/v1/erasures/:id/acknowledgement-links` */
export function addAcknowledgementRoutes(server: HttpServer): void {
  server.route({
    method: 'POST',
    url,
    config: { permission: 'acknowledgements.ask', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Make a link by which the owner of an external system acknowledges an erasure',
      description:
        'Send the link to the owner. It leads to a page that needs no sign-in, and works once. The acknowledgement becomes a signed addendum of the certificate. Needs the public address of the server.',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          system_id: Type.String({ format: 'uuid', description: 'The external system, as the register has it' }),
          days: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: linkDays.most,
              default: linkDays.usual,
              description: 'The days that the link is valid',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      response: {
        201: Type.Object(
          {
            id: Id,
            url: Type.Unsafe<string | null>({
              ...NullableText,
              description: 'The link. Returned once and stored nowhere',
            }),
            expires_at: Time,
          },
          { description: 'Created' },
        ),
      },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const { system_id: systemId, days } = request.body
        const erasure = request.params.id
        const link = await createAcknowledgementLink(tx, {
          request: erasure,
          systemId,
          days,
          publicUrl: server.publicUrl,
        })
        return {
          status: 201 as const,
          location: `/api/v1/erasures/${erasure}`,
          body: link,
          omitOnReplay: ['url'] as const,
        }
      }),
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:link_id`,
    config: { permission: 'acknowledgements.ask', errors: [404] },
    schema: {
      tags,
      summary: 'Withdraw a link for an acknowledgement that was not used yet',
      params: Type.Object({ id: Id, link_id: Id }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { id, link_id: link } = request.params
      await inTenantOf(request, (tx) => withdrawAcknowledgementLink(tx, { request: id, link }))
      return reply.code(204).send(null)
    },
  })
}
