import { Type } from 'typebox'
import { apiKeyAccesses, apiKeyKinds, createApiKey, listApiKeys, revokeApiKey } from '../../../access/api-keys.ts'
import { createOAuthClient, listOAuthClients, revokeOAuthClient } from '../../../access/oauth-clients.ts'
import { scopes } from '../../../permissions/principal.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { Id, IdParams, NullableId, NullableTime, Time } from '../schemas.ts'

const tags = ['Credentials']

const Name = Type.String({ minLength: 1, maxLength: 100 })
const Secret = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: 'Shown once: only its hash is stored. Null in the response to a repeated request',
})

const ApiKey = sharedSchema(
  'ApiKey',
  Type.Object(
    {
      id: Id,
      kind: Type.Enum([...apiKeyKinds]),
      name: Type.String(),
      prefix: Type.String({ description: 'The start of the key, to tell keys apart' }),
      access: Type.Enum([...apiKeyAccesses]),
      owner_id: NullableId,
      created_at: Time,
      expires_at: NullableTime,
      revoked_at: NullableTime,
      last_used_at: NullableTime,
    },
    { description: 'An API key, without its secret' },
  ),
)

const OAuthClient = sharedSchema(
  'OAuthClient',
  Type.Object(
    {
      id: Type.String({ format: 'uuid', description: 'The client_id' }),
      name: Type.String(),
      scopes: Type.Array(Type.Enum([...scopes])),
      owner_id: NullableId,
      created_at: Time,
      revoked_at: NullableTime,
      last_used_at: NullableTime,
    },
    { description: 'An OAuth client, without its secret' },
  ),
)

/** `/api/v1/keys` and `/api/v1/clients` */
export function addCredentialRoutes(server: HttpServer): void {
  server.addSchema(ApiKey.schema)
  server.addSchema(OAuthClient.schema)
  addKeyRoutes(server)
  addClientRoutes(server)
}

function addKeyRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/keys',
    config: { permission: 'keys.read' },
    schema: {
      tags,
      summary: 'List API keys, including revoked and expired ones',
      response: { 200: Type.Object({ keys: Type.Array(ApiKey.ref) }, { description: 'Newest first' }) },
    },
    handler: async (request) => ({ keys: await inTenantOf(request, listApiKeys) }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/keys',
    config: { permission: 'keys.manage', errors: [409] },
    schema: {
      tags,
      summary: 'Create an API key',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          name: Name,
          access: Type.Enum([...apiKeyAccesses]),
          kind: Type.Optional(Type.Enum([...apiKeyKinds])),
          expires_at: Type.Optional(Type.String({ format: 'date-time' })),
        },
        { additionalProperties: false, examples: [{ name: 'Reports', access: 'read_only' }] },
      ),
      response: { 201: Type.Object({ key: ApiKey.ref, secret: Secret }, { description: 'Created' }) },
    },
    handler: (request, reply) => {
      const { expires_at, ...rest } = request.body
      return withIdempotency(request, reply, async (tx) => {
        const body = await createApiKey(tx, {
          ...rest,
          ...(expires_at !== undefined && { expiresAt: new Date(expires_at) }),
        })
        return { status: 201, location: `/api/v1/keys/${body.key.id}`, body, omitOnReplay: ['secret'] }
      })
    },
  })
  server.route({
    method: 'DELETE',
    url: '/api/v1/keys/:id',
    config: { permission: 'keys.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Revoke an API key immediately',
      params: IdParams,
      response: { 200: ApiKey.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => revokeApiKey(tx, request.params.id)),
  })
}

function addClientRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/clients',
    config: { permission: 'clients.read' },
    schema: {
      tags,
      summary: 'List OAuth clients, including revoked ones',
      response: {
        200: Type.Object({ clients: Type.Array(OAuthClient.ref) }, { description: 'Newest first' }),
      },
    },
    handler: async (request) => ({ clients: await inTenantOf(request, listOAuthClients) }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/clients',
    config: { permission: 'clients.manage', errors: [409] },
    schema: {
      tags,
      summary: 'Create an OAuth client',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { name: Name, scopes: Type.Array(Type.Enum([...scopes]), { minItems: 1, maxItems: 8 }) },
        { additionalProperties: false, examples: [{ name: 'Directory', scopes: ['api/read'] }] },
      ),
      response: { 201: Type.Object({ client: OAuthClient.ref, secret: Secret }, { description: 'Created' }) },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const body = await createOAuthClient(tx, request.body)
        return { status: 201, location: `/api/v1/clients/${body.client.id}`, body, omitOnReplay: ['secret'] }
      }),
  })
  server.route({
    method: 'DELETE',
    url: '/api/v1/clients/:id',
    config: { permission: 'clients.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Revoke an OAuth client and its tokens immediately',
      params: IdParams,
      response: { 200: OAuthClient.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => revokeOAuthClient(tx, request.params.id)),
  })
}
