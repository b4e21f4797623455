import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { issueToken, tokenErrorBody } from '../../access/tokens.ts'
import type { Application } from '../../application.ts'
import { publicKeys } from '../../erasure/signing-keys.ts'
import { answers, contents } from '../../http/declare-route.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { statusOfKind } from '../../http/problem.ts'
import { readForms } from '../../http/read-form.ts'
import { isLetheError, LetheError } from '../../platform/errors.ts'

const Parameter = Type.Optional(Type.String({ maxLength: 1024 }))
const TokenError = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { description: 'An error of RFC 6749, section 5.2' },
)

/** `/oauth2/token/:tenantId` (RFC 6749) and `/.well-known/jwks.json` (RFC 7517) */
export async function addTokenRoutes(server: HttpServer, app: Application): Promise<void> {
  server.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'The public keys of certificates',
      description: 'All that ever signed one: old certificates stay verifiable.',
      response: answers({
        200: Type.Object(
          { keys: Type.Array(Type.Object({}, { additionalProperties: true })) },
          { description: 'A JSON Web Key Set' },
        ),
      }),
    },
    handler: async (_request, reply) => {
      const { keys } = await publicKeys(app.database.pool)
      reply.header('cache-control', 'public, max-age=300')
      return { keys: keys.map((key) => ({ ...key })) }
    },
  })
  await server.register((context, _options, done) => {
    const forms = context.withTypeProvider<TypeBoxTypeProvider>()
    // Only here: a browser sends forms from any page.
    readForms(forms)
    forms.route({
      method: 'POST',
      url: '/oauth2/token/:tenantId',
      config: { permission: 'public', guarded: true },
      attachValidation: true,
      schema: {
        tags: ['Sign-in'],
        summary: 'Get an access token (client credentials)',
        description:
          'OAuth 2.0 for an OAuth client of the tenant, authenticated by HTTP Basic or by client_id and client_secret.',
        consumes: ['application/x-www-form-urlencoded'],
        params: Type.Object({ tenantId: Type.String({ format: 'uuid' }) }),
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
      },
      handler: async (request, reply) => {
        try {
          if (request.validationError !== undefined)
            throw new LetheError('oauth.invalid_request', { missing: 'grant_type' })
          const { grant_type: grantType, client_id, client_secret, scope } = request.body
          const basic = readClient(request.headers.authorization)
          const token = await issueToken(app, request.params.tenantId, {
            grantType,
            clientId: basic?.id ?? client_id,
            clientSecret: basic?.secret ?? client_secret,
            scope,
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
      },
    })
    done()
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
