import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { listIdentities } from '../../../identity/list-identities.ts'
import { requestConfirmation } from '../../../identity/request-confirmation.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { Id, IdParams, NullableTime, Time } from '../schemas.ts'

const tags = ['Users']

/** `/api/v1/users/:id/identities` and `/api/v1/users/:id/confirmation` */
export function addIdentityRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/users/:id/identities',
    config: { permission: 'identities.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'List the confirmed identities of a user, and the open confirmation links',
      description:
        'A purge reaches trial tenants by itself only through a confirmed identity. No request can set one: the owner of the address opens a mailed link, or an identity provider signs an assertion.',
      params: IdParams,
      response: {
        200: Type.Object(
          {
            confirmed: Type.Array(
              Type.Object({
                kind: Type.Enum(['email', 'external_identity_id']),
                method: Type.Enum(['mail_link', 'identity_provider']),
                confirmed_at: Time,
              }),
            ),
            links: Type.Array(Type.Object({ id: Id, created_at: Time, sent_at: NullableTime, expires_at: Time })),
          },
          { description: 'The confirmed identities' },
        ),
      },
    },
    handler: (request) =>
      inTenantOf(request, async (tx) => {
        const { id } = await findUser(tx, { by: 'id', value: request.params.id })
        return await listIdentities(tx, id)
      }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/users/:id/confirmation',
    config: { permission: 'identities.ask', target: 'id', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Mail a user a link that confirms the own e-mail address',
      description: 'Needs the public address of the server. A user gets at most three links a day.',
      params: IdParams,
      headers: IdempotencyHeaders,
      response: {
        202: Type.Object({ id: Id, expires_at: Time }, { description: 'The workers send the e-mail' }),
      },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const userId = request.params.id.toLowerCase()
        const link = await requestConfirmation(tx, { userId, publicUrl: server.publicUrl })
        return { status: 202, location: `/api/v1/users/${userId}/identities`, body: link, subjectUserId: userId }
      }),
  })
}
