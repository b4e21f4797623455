import { type Static, Type } from 'typebox'
import { eventKindNames } from '../../../events/event-kinds.ts'
import { deliveryStates } from '../../../events/list-deliveries.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  disableEndpoint,
  type EndpointFields,
  enableEndpoint,
  endPreviousSecret,
  listEndpoints,
  rotateSecret,
  showEndpoint,
} from '../../../webhooks/endpoints.ts'
import { type DisabledBecause, disabledReasons } from '../../../webhooks/errors.ts'
import { deliveriesOf, replayAllDead, replayOne, testEndpoint } from '../../../webhooks/replay.ts'
import type { WebhookSettings } from '../../../webhooks/settings.ts'
import { inOurNames } from '../field-names.ts'
import {
  asPage,
  Id,
  IdParams,
  Line,
  Nothing,
  NullableId,
  NullableText,
  NullableTime,
  pageOf,
  paging,
  Time,
} from '../schemas.ts'
import { addReferenceRoutes } from './reference-routes.ts'

const tags = ['Webhooks']
const url = '/api/v1/webhooks'
const ofOne = `${url}/:id` as const

const Events = Type.Array(Type.Enum([...eventKindNames]), { minItems: 1, maxItems: 64 })

const Endpoint = sharedSchema(
  'WebhookEndpoint',
  Type.Object(
    {
      id: Id,
      name: Type.String(),
      url: Type.Unsafe<string | null>({
        ...NullableText,
        description: 'Null after an erasure of a person that it named',
      }),
      events: Type.Array(Type.Enum([...eventKindNames])),
      thrive_signature: Type.Boolean({ description: "Deliveries also carry Thrive's header `x-hmac-signature`" }),
      credential_id: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The API key or OAuth client that created it; it ends when that is revoked or expires',
      }),
      enabled: Type.Boolean(),
      disabled_because: Type.Unsafe<DisabledBecause | null>({ enum: [...disabledReasons, null] }),
      previous_secret_until: Type.Unsafe<Date | null>({
        ...NullableTime,
        description: 'Until then deliveries are also signed with the secret before; null: there is one secret',
      }),
      created_at: Time,
      changed_at: Time,
    },
    { description: 'A system that is told about events, without its secrets' },
  ),
)

const Attempt = Type.Object({
  at: Type.String({ format: 'date-time' }),
  milliseconds: Type.Number(),
  status: Type.Optional(Type.Integer({ description: 'The status of the answer' })),
  error: Type.Optional(Type.String({ description: 'Why there was no answer' })),
})

const Delivery = sharedSchema(
  'WebhookDelivery',
  Type.Object(
    {
      id: Id,
      endpoint_id: Id,
      event_id: Type.String({ format: 'uuid', description: 'The header `webhook-id`' }),
      kind: Type.String(),
      occurred_at: Time,
      user_id: NullableId,
      request_id: Type.Unsafe<string | null>({ ...NullableId, description: 'The erasure request of the event' }),
      state: Type.Enum([...deliveryStates]),
      attempts: Type.Integer({ description: 'Since it was last queued' }),
      next_attempt_at: NullableTime,
      ended_at: NullableTime,
      attempt_log: Type.Array(Attempt, { description: 'All attempts, the oldest first; no part of an answer is kept' }),
    },
    { description: 'An event on its way to an endpoint; its payload is built when it is sent' },
  ),
)

const Secret = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: 'Shown once. Null in the response to a repeated request',
})

const Queued = Type.Object({ deliveries: Type.Integer() }, { description: 'So many are queued' })

const deliveriesOfEndpoint = (id: string) => `${url}/${id}/deliveries`

const Url = Type.String({ minLength: 1, maxLength: 2000, description: 'A URL that begins with https://' })

const Changes = Type.Partial(Type.Object({ name: Line, url: Url, events: Events, thrive_signature: Type.Boolean() }), {
  additionalProperties: false,
  examples: [{ events: ['user.purged'] }],
})

/** `/api/v1/webhooks` */
export function addWebhookRoutes(server: HttpServer, settings: WebhookSettings): void {
  server.addSchema(Endpoint.schema)
  server.addSchema(Delivery.schema)
  addEndpoints(server, settings)
  addOne(server, settings)
  addSecrets(server)
  addDeliveries(server)
  addReferenceRoutes(server)
}

function addEndpoints(server: HttpServer, settings: WebhookSettings): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'webhooks.read' },
    schema: {
      tags,
      summary: 'List the webhook endpoints of the tenant',
      response: { 200: Type.Object({ webhooks: Type.Array(Endpoint.ref) }, { description: 'All, the oldest first' }) },
    },
    handler: async (request) => ({ webhooks: await inTenantOf(request, listEndpoints) }),
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'webhooks.manage', errors: [409] },
    schema: {
      tags,
      summary: 'Create a webhook endpoint, which gets the events of its kinds from now on',
      description:
        'Deliveries are signed by the Standard Webhooks specification; docs/webhooks.md has the payload and code that verifies. Needs the permissions to read what the events show.',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { name: Line, url: Url, events: Events, thrive_signature: Type.Optional(Type.Boolean()) },
        {
          additionalProperties: false,
          examples: [
            { name: 'HR system', url: 'https://hr.example.org/lethe', events: ['user.deleted', 'user.purged'] },
          ],
        },
      ),
      response: { 201: Type.Object({ webhook: Endpoint.ref, secret: Secret }, { description: 'Created' }) },
    },
    handler: (request, reply) =>
      inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { endpoint, secret } = await createEndpoint(tx, fieldsOf(request.body), settings)
          return {
            status: 201 as const,
            location: `${url}/${endpoint.id}`,
            body: { webhook: endpoint, secret },
            omitOnReplay: ['secret'] as const,
          }
        }),
      ),
  })
}

function addOne(server: HttpServer, settings: WebhookSettings): void {
  server.route({
    method: 'GET',
    url: ofOne,
    config: { permission: 'webhooks.read', errors: [404] },
    schema: { tags, summary: 'Read a webhook endpoint', params: IdParams, response: { 200: Endpoint.ref } },
    handler: (request) => inTenantOf(request, (tx) => showEndpoint(tx, request.params.id)),
  })
  server.route({
    method: 'PATCH',
    url: ofOne,
    config: { permission: 'webhooks.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Change a webhook endpoint',
      params: IdParams,
      body: Changes,
      response: { 200: Endpoint.ref },
    },
    handler: (request) =>
      inOurNames(inTenantOf(request, (tx) => changeEndpoint(tx, request.params.id, fieldsOf(request.body), settings))),
  })
  server.route({
    method: 'DELETE',
    url: ofOne,
    config: { permission: 'webhooks.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Delete a webhook endpoint with its deliveries',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => deleteEndpoint(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
  for (const [act, work, summary] of [
    ['enable', enableEndpoint, 'Enable a webhook endpoint'],
    ['disable', (tx, id) => disableEndpoint(tx, id), 'Disable a webhook endpoint; what waits for it waits on'],
  ] as [string, typeof enableEndpoint, string][]) {
    server.route({
      method: 'POST',
      url: `${ofOne}/${act}`,
      config: { permission: 'webhooks.manage', errors: [404, 409] },
      schema: { tags, summary, params: IdParams, response: { 200: Endpoint.ref } },
      handler: (request) => inTenantOf(request, (tx) => work(tx, request.params.id)),
    })
  }
}

function addSecrets(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: `${ofOne}/secret`,
    config: { permission: 'webhooks.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Replace the secret of a webhook endpoint',
      description: 'Deliveries are signed with both secrets for a while, so that the receiver can change over.',
      params: IdParams,
      body: Type.Object(
        {
          overlap_hours: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 168, description: 'How long both secrets sign; default: 24' }),
          ),
        },
        { additionalProperties: false, examples: [{ overlap_hours: 24 }] },
      ),
      response: {
        200: Type.Object({ webhook: Endpoint.ref, secret: Type.String({ description: 'Shown once' }) }),
      },
    },
    handler: (request) =>
      inTenantOf(request, async (tx) => {
        const { endpoint, secret } = await rotateSecret(tx, request.params.id, {
          overlapHours: request.body.overlap_hours,
        })
        return { webhook: endpoint, secret }
      }),
  })
  server.route({
    method: 'DELETE',
    url: `${ofOne}/previous-secret`,
    config: { permission: 'webhooks.manage', errors: [404] },
    schema: {
      tags,
      summary: 'End the secret before at once',
      params: IdParams,
      response: { 200: Endpoint.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => endPreviousSecret(tx, request.params.id)),
  })
}

function addDeliveries(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: `${ofOne}/test`,
    config: { permission: 'webhooks.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Send a test delivery, of the kind `webhook.test`',
      headers: IdempotencyHeaders,
      params: IdParams,
      response: {
        202: Type.Object({ delivery_id: Id }, { description: 'Queued; the list of deliveries has the progress' }),
      },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const delivery_id = await testEndpoint(tx, request.params.id)
        return { status: 202, location: deliveriesOfEndpoint(request.params.id), body: { delivery_id } }
      }),
  })
  server.route({
    method: 'GET',
    url: `${ofOne}/deliveries`,
    config: { permission: 'webhooks.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the deliveries to a webhook endpoint, newest first',
      description: 'A delivery is deleted 30 days after it ended, and when its person is erased.',
      params: IdParams,
      querystring: Type.Object(
        { ...paging, state: Type.Optional(Type.Enum([...deliveryStates])) },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('deliveries', Delivery.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => deliveriesOf(tx, request.params.id, request.query))),
  })
  server.route({
    method: 'POST',
    url: `${ofOne}/deliveries/:delivery_id/replay`,
    config: { permission: 'webhooks.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Send a delivery again',
      description: 'The payload is built anew. Of an erased person it has the request and the internal id.',
      headers: IdempotencyHeaders,
      params: Type.Object({ id: Id, delivery_id: Id }),
      response: { 202: Queued },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        await replayOne(tx, request.params.id, request.params.delivery_id)
        return { status: 202, location: deliveriesOfEndpoint(request.params.id), body: { deliveries: 1 } }
      }),
  })
  server.route({
    method: 'POST',
    url: `${ofOne}/replay`,
    config: { permission: 'webhooks.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Send all deliveries again that died since a time',
      headers: IdempotencyHeaders,
      params: IdParams,
      body: Type.Object(
        { since: Type.String({ format: 'date-time', maxLength: 64 }) },
        { additionalProperties: false, examples: [{ since: '2026-03-01T00:00:00Z' }] },
      ),
      response: { 202: Queued },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const deliveries = await replayAllDead(tx, request.params.id, new Date(request.body.since))
        return { status: 202, location: deliveriesOfEndpoint(request.params.id), body: { deliveries } }
      }),
  })
}

function fieldsOf(body: Static<typeof Changes>): EndpointFields {
  return {
    name: body.name,
    url: body.url,
    events: body.events,
    thriveSignature: body.thrive_signature,
  }
}
