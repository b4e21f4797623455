import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { Type } from 'typebox'
import { exportSubjects } from '../../../erasure/requests/export-subjects.ts'
import { listSubjects } from '../../../erasure/requests/list-subjects.ts'
import { asksFor } from '../../../http/accepts.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes } from '../../../http/openapi/shared-schema.ts'
import type { TenantTransaction } from '../../../platform/database/transaction.ts'
import { asPage, Id, IdParams } from '../schemas.ts'
import { Subjects } from './schemas.ts'

/** In milliseconds. */
const longestExport = 60 * 60 * 1000

/** `/api/v1/erasures/:id/subjects` */
export function addSubjectsRoute(server: HttpServer): void {
  server.addSchema(Subjects.schema)
  server.route({
    method: 'GET',
    url: '/api/v1/erasures/:id/subjects',
    exposeHeadRoute: false,
    handlerTimeout: longestExport,
    config: { permission: 'erasures.read', errors: [404] },
    schema: {
      tags: ['Erasures'],
      summary: 'List the people of an erasure request with their outcome, by internal id',
      description:
        'As JSON in pages, or all of them as CSV with `Accept: text/csv` or `format=csv`. The CSV has one line for each person, and no personal data; an apostrophe precedes a cell that a spreadsheet would run as a formula.',
      params: IdParams,
      querystring: Type.Object(
        {
          format: Type.Optional(Type.Enum(['json', 'csv'], { description: 'Takes precedence over Accept' })),
          limit: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Of JSON; CSV has all people' }),
          ),
          after: Type.Optional(Id),
        },
        { additionalProperties: false },
      ),
      response: {
        200: mediaTypes('The people', { 'application/json': Subjects.ref, 'text/csv': { type: 'string' } }),
      },
    },
    handler: async (request, reply) => {
      const { format = asksFor(request, 'text/csv') ? 'csv' : 'json', ...page } = request.query
      const { id } = request.params
      reply.header('vary', 'accept')
      if (format === 'json')
        return await asPage(inTenantOf(request, (tx) => listSubjects(tx, { request: id, ...page })))
      const stream = new PassThrough()
      const read = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenantOf(request, work)
      const exporting = exportSubjects(read, id, async (text) => {
        // A slow client holds the export up, and a client that has gone ends it.
        if (!stream.write(text)) await once(stream, 'drain', { signal: request.signal })
      }).then(() => stream.end())
      // A failure before the first line is answered as a problem; a later failure breaks the answer off.
      await Promise.race([exporting, once(stream, 'readable')])
      exporting.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
      reply.header('content-type', 'text/csv; charset=utf-8')
      reply.header('content-disposition', `attachment; filename="erasure-${id}.csv"`)
      return reply.send(stream)
    },
  })
}
