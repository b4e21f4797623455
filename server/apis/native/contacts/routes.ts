import { Type } from 'typebox'
import { previewContact } from '../../../erasure/contacts/preview-contact.ts'
import { requestContactErasure } from '../../../erasure/contacts/request-contact-erasure.ts'
import { requestStates } from '../../../erasure/states.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { BlockingPlace, Effects, Plan } from '../erasures/schemas.ts'
import { Id, Time } from '../schemas.ts'

const tags = ['Erasures']

const Address = Type.String({ minLength: 1, maxLength: 1024, description: 'An e-mail address that no user has' })

/** `/api/v1/contacts`: people who are no users, and whose addresses stand in some fields */
export function addContactRoutes(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/contacts/preview',
    config: { permission: 'erasures.preview', errors: [409] },
    schema: {
      tags,
      summary: 'Count, table by table, where the address of a contact stands',
      description:
        'Returns 409 if the address belongs to a user of the tenant, also by a similar or former identifier.',
      body: Type.Object(
        { address: Address },
        { additionalProperties: false, examples: [{ address: 'supplier@example.net' }] },
      ),
      response: {
        200: Type.Object(
          {
            effects: Effects,
            blocked_by: Type.Array(BlockingPlace, {
              description: 'Places that the purge cannot rewrite',
            }),
            plan: Plan,
            plan_expires_at: Time,
          },
          { description: 'The counted effects; nothing is changed' },
        ),
      },
    },
    handler: async (request) => {
      const preview = await inTenantOf(request, (tx) => previewContact(tx, request.body.address))
      const { effects, blockedBy, plan, planExpiresAt } = preview
      return { effects, blocked_by: blockedBy, plan, plan_expires_at: planExpiresAt }
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/contacts/erasures',
    config: { permission: 'erasures.order', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Purge a contact: take an address out of every field of the tenant that holds it',
      description:
        'Cannot be undone. No user is deleted. With the `plan` of a preview, the request changes only the rows that the preview showed, and ends as `plan_changed` where there are others. Trial tenants that hold the address wait for the decision of the operator.',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { address: Address, reason: Type.Optional(Type.String({ maxLength: 2000 })), plan: Type.Optional(Plan) },
        { additionalProperties: false, examples: [{ address: 'supplier@example.net' }] },
      ),
      response: {
        202: Type.Object(
          { id: Id, state: Type.Enum([...requestStates]) },
          { description: 'Requested; Location has the address of the erasure request' },
        ),
      },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const { request: id, state } = await requestContactErasure(tx, request.body)
        return { status: 202, location: `/api/v1/erasures/${id}`, body: { id, state } }
      }),
  })
}
