import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { issueToken, type TokenResponse, tokenErrorBody } from '../../access/tokens.ts'
import type { Application } from '../../application.ts'
import { readForms } from '../../http/body/read-form.ts'
import { statusOfKind } from '../../http/errors/problem-details.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { answers, contents } from '../../http/openapi/complete-route.ts'
import { originOf } from '../../http/public-address.ts'
import { publicKeys } from '../../keyring/signing-keys.ts'
import { scopes } from '../../permissions/principal.ts'
import { isLetheError, LetheError } from '../../platform/errors.ts'

const Parameter = Type.Optional(Type.String({ maxLength: 1024 }))
const TokenError = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { description: 'An error of RFC 6749, section 5.2' },
)

const KeySet = Type.Object(
  { keys: Type.Array(Type.Object({}, { additionalProperties: true })) },
  { description: 'A JSON Web Key Set' },
)

const tokenSchema = {
  tags: ['Sign-in'],
  description:
    'OAuth 2.0 for an OAuth client of the tenant, authenticated by HTTP Basic or by client_id and client_secret. `/.well-known/oauth-authorization-server` describes it, `/.well-known/oauth-jwks.json` has the key of the tokens.',
  consumes: ['application/x-www-form-urlencoded'],
  body: Type.Object({
    grant_type: Type.Optional(Type.String({ maxLength: 1024, default: 'client_credentials' })),
    client_id: Parameter,
    client_secret: Type.Optional(Type.String({ maxLength: 1024, format: 'password' })),
    scope: Parameter,
  }),
  response: answers({
    200: Type.Object(
      {
        access_token: Type.String(),
        token_type: Type.Literal('Bearer'),
        expires_in: Type.Integer(),
        scope: Type.String(),
      },
      { description: 'A token' },
    ),
    400: contents('The request is not valid', { 'application/json': TokenError }),
    401: contents('No such client, or not its secret', { 'application/json': TokenError }),
  }),
}

/**
 * `/oauth2/token` and `/oauth2/token/:tenantId` (RFC 6749), the metadata about them (RFC 8414), and the public keys of
 * certificates and, apart from those, of tokens (RFC 7517)
 */
export async function addTokenRoutes(server: HttpServer, app: Application): Promise<void> {
  server.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'The public keys of certificates',
      description: 'Includes all earlier keys, so old certificates stay verifiable.',
      response: answers({ 200: KeySet }),
    },
    handler: async (_request, reply) => {
      const { keys } = await publicKeys(app.database.pool)
      reply.header('cache-control', 'public, max-age=300')
      return { keys: keys.map((key) => ({ ...key })) }
    },
  })
  addDiscovery(server, app)
  await server.register((context, _options, done) => {
    const forms = context.withTypeProvider<TypeBoxTypeProvider>()
    // Only here: a browser sends forms from any page.
    readForms(forms)
    const shared = {
      method: 'POST' as const,
      config: { permission: 'public' as const, guarded: true },
      attachValidation: true,
    }
    forms.route({
      ...shared,
      url: '/oauth2/token/:tenantId',
      schema: {
        ...tokenSchema,
        summary: 'Get an access token in a tenant (client credentials)',
        params: Type.Object({ tenantId: Type.String({ format: 'uuid' }) }),
      },
      handler: (request, reply) => answerToken(request, reply, request.params.tenantId),
    })
    forms.route({
      ...shared,
      url: '/oauth2/token',
      schema: { ...tokenSchema, summary: 'Get an access token in the tenant of the client (client credentials)' },
      handler: (request, reply) => answerToken(request, reply, undefined),
    })
    done()
  })

  async function answerToken(
    request: FastifyRequest<{ Body: Static<typeof tokenSchema.body> }>,
    reply: FastifyReply,
    tenantId: string | undefined,
  ): Promise<TokenResponse | FastifyReply> {
    try {
      if (request.validationError !== undefined) {
        throw new LetheError('oauth.invalid_request', { missing: 'grant_type' })
      }
      const { grant_type: grantType, client_id, client_secret, scope } = request.body
      const basic = readClient(request.headers.authorization)
      const token = await issueToken(app.database, tenantId, {
        grantType,
        clientId: basic?.id ?? client_id,
        clientSecret: basic?.secret ?? client_secret,
        scope,
        issuer: originOf(request),
      })
      reply.header('pragma', 'no-cache')
      return token
    } catch (error) {
      const body = tokenErrorBody(error)
      if (body === undefined || !isLetheError(error)) throw error
      const status = statusOfKind[error.kind] === 401 ? 401 : 400
      if (status === 401) reply.header('www-authenticate', 'Basic realm="Lethe", charset="UTF-8"')
      return reply.code(status).type('application/json').send(body)
    }
  }
}

const keysOfTokens = '/.well-known/oauth-jwks.json'

/** What a client, or a server that checks our tokens, needs to know to begin. */
function addDiscovery(server: HttpServer, app: Application): void {
  server.route({
    method: 'GET',
    url: keysOfTokens,
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'The public key of access tokens',
      description:
        'Separate from the keys of certificates, so that a token never verifies as a certificate. The set is empty before the first token, and leaves out a replaced key, because its tokens have ended.',
      response: answers({ 200: KeySet }),
    },
    handler: async (_request, reply) => {
      const { keys } = await publicKeys(app.database.pool, 'token')
      reply.header('cache-control', 'public, max-age=300')
      return { keys: keys.map((key) => ({ ...key })) }
    },
  })
  server.route({
    method: 'GET',
    url: '/.well-known/oauth-authorization-server',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'Describe how to get and check access tokens (RFC 8414)',
      response: answers({
        200: Type.Object(
          {
            issuer: Type.String(),
            token_endpoint: Type.String(),
            jwks_uri: Type.String(),
            scopes_supported: Type.Array(Type.String()),
            response_types_supported: Type.Array(Type.String()),
            grant_types_supported: Type.Array(Type.String()),
            token_endpoint_auth_methods_supported: Type.Array(Type.String()),
            service_documentation: Type.String(),
          },
          { description: 'Metadata of an OAuth 2.0 authorization server' },
        ),
      }),
    },
    handler: (request, reply) => {
      const issuer = originOf(request)
      reply.header('cache-control', 'public, max-age=300').header('vary', 'Host')
      return {
        issuer,
        token_endpoint: `${issuer}/oauth2/token`,
        jwks_uri: `${issuer}${keysOfTokens}`,
        scopes_supported: [...scopes],
        // There is no authorization endpoint: programs get tokens in their own name.
        response_types_supported: [],
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        service_documentation: `${issuer}/docs`,
      }
    },
  })
}

/** The client that HTTP Basic names: form-encoded before it is put together (RFC 6749, section 2.3.1). */
function readClient(authorization: string | undefined): { id: string; secret: string } | undefined {
  const [, value] = /^basic +(\S+) *$/i.exec(authorization ?? '') ?? []
  if (value === undefined) return undefined
  const [id = '', secret = ''] = Buffer.from(value, 'base64').toString('utf8').split(':', 2)
  try {
    const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
    return { id: decode(id), secret: decode(secret) }
  } catch (error) {
    if (error instanceof URIError) return { id: '', secret: '' }
    throw error
  }
}
