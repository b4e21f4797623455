import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { accessError } from '../../access/errors.ts'
import { issueToken, type TokenResponse, tokenErrorBody } from '../../access/tokens.ts'
import { usualStatuses } from '../../http/errors/statuses.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { mediaTypes } from '../../http/openapi/shared-schema.ts'
import { originOf } from '../../http/public-address.ts'
import { isLetheError } from '../../platform/errors.ts'

const Parameter = Type.Optional(Type.String({ maxLength: 1024 }))
const TokenError = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { description: 'An error of RFC 6749, section 5.2' },
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
  response: {
    200: Type.Object(
      {
        access_token: Type.String(),
        token_type: Type.Literal('Bearer'),
        expires_in: Type.Integer(),
        scope: Type.String(),
      },
      { description: 'A token' },
    ),
    400: mediaTypes('The request is not valid', { 'application/json': TokenError }),
    401: mediaTypes('No such client, or not its secret', { 'application/json': TokenError }),
  },
}

/** `/oauth2/token` and `/oauth2/token/:tenantId` (RFC 6749, section 4.4) */
export function addTokenRoutes(server: HttpServer): void {
  const shared = {
    method: 'POST' as const,
    config: { permission: 'public' as const, guarded: true },
    attachValidation: true,
  }
  server.route({
    ...shared,
    url: '/oauth2/token/:tenantId',
    schema: {
      ...tokenSchema,
      summary: 'Get an access token in a tenant (client credentials)',
      params: Type.Object({ tenantId: Type.String({ format: 'uuid' }) }),
    },
    handler: (request, reply) => answerToken(request, reply, request.params.tenantId),
  })
  server.route({
    ...shared,
    url: '/oauth2/token',
    schema: { ...tokenSchema, summary: 'Get an access token in the tenant of the client (client credentials)' },
    handler: (request, reply) => answerToken(request, reply, undefined),
  })

  async function answerToken(
    request: FastifyRequest<{ Body: Static<typeof tokenSchema.body> }>,
    reply: FastifyReply,
    tenantId: string | undefined,
  ): Promise<TokenResponse | FastifyReply> {
    try {
      if (request.validationError !== undefined) {
        throw accessError('oauth.invalid_request', { missing: 'grant_type' })
      }
      const { grant_type: grantType, client_id, client_secret, scope } = request.body
      const basic = readClient(request.headers.authorization)
      const token = await issueToken(server.database, tenantId, {
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
      const status = usualStatuses[error.kind] === 401 ? 401 : 400
      if (status === 401) reply.header('www-authenticate', 'Basic realm="Lethe", charset="UTF-8"')
      return reply.code(status).type('application/json').send(body)
    }
  }
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
