import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { anonymizeNow } from '../../erasure/requests/anonymize-now.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { tenantOf } from '../../http/in-tenant-of.ts'
import { principalOf } from '../../http/require-access.ts'
import { findByRef } from '../../people/accounts/find-by-ref.ts'
import { thriveError } from './errors.ts'
import { RefParams } from './lifecycle-routes.ts'

/** The call has this address in Thrive's reference, and the one below /rest/v2 in its clients. */
const addresses = ['/users/ref', '/rest/v2/users/ref']

/** `DELETE /users/ref/{ref}` and `DELETE /rest/v2/users/ref/{ref}` */
export function addDeleteRoutes(server: HttpServer): void {
  for (const address of addresses) {
    server.route({
      method: 'DELETE',
      url: `${address}/:ref`,
      config: { permission: 'erasures.order', errors: [404, 422, 500] },
      schema: {
        tags: ['Users'],
        summary: 'Delete a user',
        description:
          'Deletes the user for good: anonymizes the record, and keeps the training history under the internal id. The response comes once no column identifies the person any more. The same ref can then be created again, for another person. Where an approval or a cooling-off period comes first, the message of the 422 names the erasure request. Without a running worker, nothing changes, and the response is 503.',
        params: RefParams,
        response: { 200: Type.Object({ success: Type.Literal(true) }, { description: 'OK' }) },
      },
      handler: (request) => deleteUser(request, request.params.ref),
    })
    for (const url of [address, `${address}/`]) {
      server.route({
        method: 'DELETE',
        url,
        config: { permission: 'erasures.order' },
        schema: { hide: true },
        handler: () => {
          throw thriveError('ref.missing')
        },
      })
    }
  }
}

async function deleteUser(request: FastifyRequest, ref: string): Promise<{ success: true }> {
  await anonymizeNow(request.server.database, {
    tenant: tenantOf(request),
    initiator: principalOf(request).initiator,
    find: (tx) => findByRef(tx, ref),
  })
  return { success: true }
}
