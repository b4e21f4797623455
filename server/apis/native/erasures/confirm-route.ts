import { confirmErasure } from '../../../erasure/requests/confirm-erasure.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { IdParams } from '../schemas.ts'
import { ConfirmBody, Confirmed } from './schemas.ts'

const tags = ['Erasures']

/** `/api/v1/erasures/:id/confirm` */
export function addConfirmRoute(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/erasures/:id/confirm',
    config: { permission: 'erasures.order', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Confirm people whose plan changed, under the plan of a new preview',
      description:
        'The request has ended, and some of its people are not erased: other rows would have been erased than the preview showed. Preview these people again, all or some, and name the new plan here.',
      params: IdParams,
      body: ConfirmBody,
      response: { 202: Confirmed },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const { people, salt } = await inTenantOf(request, (tx) =>
        confirmErasure(tx, { request: id, plan: request.body.plan }),
      )
      reply.code(202).header('location', `/api/v1/erasures/${id}`)
      return { id, people, ...(salt !== undefined && { salt }) }
    },
  })
}
