import { confirmErasure } from '../../../erasure/requests/confirm-erasure.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
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
      headers: IdempotencyHeaders,
      body: ConfirmBody,
      response: { 202: Confirmed },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const { id } = request.params
        const { people, salt } = await confirmErasure(tx, { request: id, plan: request.body.plan })
        return {
          status: 202,
          location: `/api/v1/erasures/${id}`,
          body: { id, people, ...(salt !== undefined && { salt }) },
          omitOnReplay: ['salt'] as const,
        }
      }),
  })
}
