import type { FastifyRequest } from 'fastify'
import type { HttpServer } from '../http-server.ts'
import { requireUtf8, requireUtf8Escapes } from './request-body.ts'
import { requireStorableJson } from './storable-json.ts'

/**
 * Reads application/x-www-form-urlencoded, as OAuth 2.0 sends it. A parameter that is sent twice counts as sent wrongly
 * (RFC 6749, section 3.2): its value becomes a list, which no schema takes.
 */
export function readForms(server: HttpServer): void {
  server.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      const body = requireUtf8(request, bytes)
      requireUtf8Escapes(body, 'body')
      const parameters = new URLSearchParams(body)
      const fields = Object.fromEntries(
        [...new Set(parameters.keys())].map((name) => {
          const values = parameters.getAll(name)
          return [name, values.length === 1 ? values[0] : values]
        }),
      )
      requireStorableJson(fields)
      return fields
    },
  )
}
