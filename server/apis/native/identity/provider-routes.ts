import { type Static, Type } from 'typebox'
import { requestErasureByProvider } from '../../../erasure/reach/request-by-provider.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { principalOf } from '../../../http/require-access.ts'
import {
  listIdentityProviders,
  type IdentityProvider as ProviderRow,
  providerAlgorithms,
  removeIdentityProvider,
  setIdentityProvider,
} from '../../../identity/providers.ts'
import { recordAssertion } from '../../../identity/record-assertion.ts'
import { longestLife, tokenTypes } from '../../../identity/verify-provider-token.ts'
import { Id, Nothing, Time } from '../schemas.ts'

const IdentityProvider = sharedSchema(
  'IdentityProvider',
  Type.Object(
    {
      id: Id,
      issuer: Type.String(),
      audience: Type.String(),
      algorithms: Type.Array(Type.Enum([...providerAlgorithms])),
      key_ids: Type.Array(Type.Unsafe<string | null>({ type: ['string', 'null'] }), {
        description: '`kid` of each public key',
      }),
      created_at: Time,
      changed_at: Time,
    },
    { description: 'An identity provider, whose signed requests the installation takes' },
  ),
)

const ofOperators = ['Tenants']
const Issuer = Type.String({ minLength: 1, maxLength: 256 })
const TokenBody = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 16_384, description: 'A JWT (RFC 7519)' }) },
  { additionalProperties: false },
)

/** `/api/v1/identity-providers`, for operators, and `/api/v1/identity-provider`, for the providers */
export function addProviderRoutes(server: HttpServer): void {
  server.addSchema(IdentityProvider.schema)
  addOperatorRoutes(server)
  addTokenRoutes(server)
}

function addOperatorRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/identity-providers',
    config: { permission: 'identity_providers.manage' },
    schema: {
      tags: ofOperators,
      summary: 'List the identity providers of the installation',
      response: {
        200: Type.Object({ identity_providers: Type.Array(IdentityProvider.ref) }, { description: 'By issuer' }),
      },
    },
    handler: async () => ({
      identity_providers: (await listIdentityProviders(server.database)).map(providerBody),
    }),
  })
  server.route({
    method: 'PUT',
    url: '/api/v1/identity-providers',
    config: { permission: 'identity_providers.manage' },
    schema: {
      tags: ofOperators,
      summary: 'Set an identity provider by its issuer: add it, or replace what it had',
      body: Type.Object(
        {
          issuer: Issuer,
          audience: Type.String({ minLength: 1, maxLength: 256, description: 'What its tokens name as `aud`' }),
          keys: Type.Object(
            { keys: Type.Array(Type.Object({}, { additionalProperties: true }), { minItems: 1, maxItems: 20 }) },
            { additionalProperties: true, description: 'A JWK set (RFC 7517) of public keys' },
          ),
          algorithms: Type.Array(Type.Enum([...providerAlgorithms]), { minItems: 1, maxItems: 20 }),
        },
        { additionalProperties: false },
      ),
      response: { 200: IdentityProvider.ref },
    },
    handler: async (request) => {
      const { initiator } = principalOf(request)
      return providerBody(await setIdentityProvider(server.database, request.body, { initiator }))
    },
  })
  server.route({
    method: 'DELETE',
    url: '/api/v1/identity-providers',
    config: { permission: 'identity_providers.manage', errors: [404] },
    schema: {
      tags: ofOperators,
      summary: 'Remove an identity provider; its tokens are refused from then on',
      querystring: Type.Object({ issuer: Issuer }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { initiator } = principalOf(request)
      await removeIdentityProvider(server.database, request.query.issuer, { initiator })
      return reply.code(204).send(null)
    },
  })
}

function addTokenRoutes(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/identity-provider/erasures',
    config: { permission: 'public', guarded: true, errors: [401] },
    schema: {
      tags: ['Erasures'],
      summary: 'Ask for the erasure of a person, as an identity provider',
      description: `The token has the type \`${tokenTypes.erasure}\` and the claims \`iss\`, \`aud\`, \`sub\`, \`iat\`, \`exp\`, \`jti\`; an \`email\` counts only with \`email_verified\`. It lives at most ${longestLife} seconds and is taken once. The answer is the same whether any tenant knows the person or not. docs/reach.md says what happens then.`,
      body: TokenBody,
      response: {
        202: Type.Object({ accepted: Type.Boolean() }, { description: 'Taken; it tells nothing about the person' }),
      },
    },
    handler: async (request, reply) => {
      await requestErasureByProvider(server.database, request.body.token)
      reply.code(202)
      return { accepted: true }
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/identity-provider/identities',
    config: { permission: 'public', guarded: true, errors: [401, 404] },
    schema: {
      tags: ['Users'],
      summary: 'Confirm that an account belongs to a person, as an identity provider',
      description: `The token has the type \`${tokenTypes.identity}\`, and besides the usual claims \`tenant\` and \`user\`: the ids of the tenant and of the user. \`sub\` is confirmed, and \`email\` with \`email_verified\` if the user has that address.`,
      body: TokenBody,
      response: {
        200: Type.Object(
          { confirmed: Type.Array(Type.Enum(['email', 'external_identity_id'])) },
          { description: 'What was confirmed' },
        ),
      },
    },
    handler: (request) => recordAssertion(server.database, request.body.token),
  })
}

function providerBody({ keys, ...provider }: ProviderRow): Static<typeof IdentityProvider.schema> {
  return { ...provider, key_ids: keys.keys.map(({ kid = null }) => kid) }
}
