import { Type } from 'typebox'
import { scopes } from '../../permissions/principal.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { originOf } from '../../http/public-address.ts'
import { publicKeys } from '../../keyring/signing-keys.ts'
import { KeySet } from '../key-set.ts'

const keysOfTokens = '/.well-known/oauth-jwks.json'

/**
 * What a client, or a server that checks our tokens, needs to know to begin: the public key of tokens (RFC 7517) and the
 * metadata of the server (RFC 8414)
 */
export function addDiscoveryRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: keysOfTokens,
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'The public key of access tokens',
      description:
        'Separate from the keys of certificates, so that a token never verifies as a certificate. The set is empty before the first token, and leaves out a replaced key, because its tokens have ended.',
      response: { 200: KeySet },
    },
    handler: async (_request, reply) => {
      const { keys } = await publicKeys(server.database.pool, 'token')
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
      response: {
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
      },
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
