import type { HttpServer } from '../../../http/http-server.ts'
import { publicKeys } from '../../../keyring/signing-keys.ts'
import { KeySet } from '../../key-set.ts'

/** `/.well-known/jwks.json`: the public keys of certificates (RFC 7517) */
export function addCertificateKeys(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'The public keys of certificates',
      description: 'Includes all earlier keys, so old certificates stay verifiable.',
      response: { 200: KeySet },
    },
    handler: async (_request, reply) => {
      const { keys } = await publicKeys(server.database.pool)
      reply.header('cache-control', 'public, max-age=300')
      return { keys: keys.map((key) => ({ ...key })) }
    },
  })
}
