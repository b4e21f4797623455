import type { FastifyRequest } from 'fastify'
import { decodeJwt } from 'jose'
import { Type } from 'typebox'
import { verifyCertificate } from '../../../erasure/proof/certificate.ts'
import { readCertificate } from '../../../erasure/proof/read-certificate.ts'
import { followErasure } from '../../../erasure/requests/follow-erasure.ts'
import { asksFor } from '../../../http/accepts.ts'
import { EventStreamHeaders, sendEvents } from '../../../http/event-stream.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf, tenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes } from '../../../http/openapi/shared-schema.ts'
import { IdParams } from '../schemas.ts'
import { erasureBody } from './schemas.ts'

const tags = ['Erasures']

const certificateFile = {
  type: 'object',
  description: 'Certificate and addenda as JWS, their claims, the subject list as keyed hashes, and the public keys',
  required: ['verdict', 'outstanding', 'disk', 'certificates', 'claims', 'subjects', 'keys'],
  properties: {
    verdict: {
      type: 'string',
      enum: ['clean', 'search_outstanding', 'found'],
      description:
        'The verdict of all statements. `clean`: erased, and no residual data found. `search_outstanding`: erased, and the search follows. `found`: residual data was found, or a person could not be erased',
    },
    outstanding: {
      type: 'array',
      items: { type: 'string', enum: ['search', 'disk', 'backups'] },
      description: 'The signed addenda that are outstanding',
    },
    disk: {
      type: ['object', 'null'],
      properties: { level: { type: 'integer', minimum: 1, maximum: 5 }, reached_at: { type: 'string' } },
      description: 'The level on disk that the erasure has reached (docs/disk.md); null for a certificate of version 1',
    },
    certificates: { type: 'array', items: { type: 'string' } },
    claims: { type: 'array', items: { type: 'object', additionalProperties: true } },
    subjects: { type: 'array', items: { type: 'string' } },
    keys: { type: 'object', additionalProperties: true },
  },
}

/** The longest that a request waits for a certificate, in seconds. */
const longestWait = 60

/** The longest time that a client can follow an erasure request before the stream ends, in milliseconds. */
const longestStream = 24 * 60 * 60 * 1000

/** `/api/v1/erasures/:id/progress` and `/api/v1/erasures/:id/certificate` */
export function addProofRoutes(server: HttpServer): void {
  const stopping = new AbortController()
  server.addHook('preClose', async () => stopping.abort())
  const follow = (request: FastifyRequest<{ Params: { id: string } }>, signal: AbortSignal) =>
    followErasure(server.database, { tenant: tenantOf(request), request: request.params.id, signal })
  server.route({
    method: 'GET',
    url: '/api/v1/erasures/:id/progress',
    exposeHeadRoute: false,
    handlerTimeout: longestStream,
    config: { permission: 'erasures.read', errors: [404] },
    schema: {
      tags,
      summary: 'Follow an erasure request',
      description:
        'Server-sent events: `progress` with the request after each change, then `end` with the ended request, and the stream ends. Each event has an id. A client that reconnects with the id of `end` in Last-Event-ID, as an EventSource does, gets 204 and need not connect again.',
      params: IdParams,
      headers: EventStreamHeaders,
      response: {
        200: mediaTypes('Events', { 'text/event-stream': { type: 'string' } }),
        204: Type.Null({ description: 'The client already knows the end' }),
      },
    },
    handler: (request, reply) =>
      sendEvents(request, reply, stopping.signal, async function* (signal) {
        let last = ''
        for await (const summary of follow(request, signal)) {
          const data = erasureBody(summary)
          const event = summary.finishedAt === null ? 'progress' : 'end'
          const now = JSON.stringify([event, data])
          if (now !== last) yield { event, data, ends: event === 'end' }
          last = now
        }
      }),
  })
  server.route({
    method: 'GET',
    url: '/api/v1/erasures/:id/certificate',
    config: { permission: 'certificates.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read the certificate of an erasure request',
      description:
        'As JSON with everything for an offline check (`lethe certificate verify FILE`). With `Accept: application/jose`, only the signed certificate as a compact JWS.',
      params: IdParams,
      querystring: Type.Object(
        {
          wait: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: longestWait,
              description: 'Seconds to wait for the certificate if there is none yet',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      response: {
        200: mediaTypes('The certificate', {
          'application/json': certificateFile,
          'application/jose': { type: 'string' },
        }),
      },
    },
    handler: async (request, reply) => {
      const { wait = 0 } = request.query
      if (wait > 0) {
        const signal = AbortSignal.any([AbortSignal.timeout(wait * 1000), stopping.signal, request.signal])
        for await (const { certified } of follow(request, signal)) if (certified) break
      }
      const file = await inTenantOf(request, (tx) => readCertificate(tx, request.params.id))
      if (asksFor(request, 'application/jose')) {
        // After a retry the newest certificate counts, not the first.
        const certificate = file.certificates.findLast((jws) => decodeJwt(jws).type === 'lethe.erasure_certificate')
        return reply.type('application/jose').send(certificate)
      }
      const { verdict, statements, outstanding, disk } = await verifyCertificate(file)
      const body = { verdict, outstanding, disk: disk ?? null, ...file, claims: statements }
      return reply.type('application/json').send(JSON.stringify(body, null, 2))
    },
  })
}
