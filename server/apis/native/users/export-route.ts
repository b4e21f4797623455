import { streamExport } from '../../../exports/stream-export.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes } from '../../../http/openapi/shared-schema.ts'
import { forReading } from '../../../platform/database/pool.ts'
import { IdParams } from '../schemas.ts'

/** `/api/v1/users/:id/export`. What is answered waits in the spool folder until the whole of it is there. */
export function addExportRoute(server: HttpServer, { spoolFolder }: { spoolFolder: string }): void {
  server.route({
    method: 'GET',
    url: '/api/v1/users/:id/export',
    exposeHeadRoute: false,
    config: { permission: 'users.export', target: 'id', errors: [404] },
    schema: {
      tags: ['Users'],
      summary: 'Export all data about a user',
      description:
        'A ZIP file: a page to read, and every table as JSON and as CSV. docs/export.md describes the content.',
      params: IdParams,
      response: { 200: mediaTypes('The export', { 'application/zip': { type: 'string', format: 'binary' } }) },
    },
    handler: async (request, reply) => {
      const options = { userId: request.params.id, folder: spoolFolder }
      const { stream, bytes } = await inTenantOf(request, (tx) => streamExport(tx, options), {
        database: forReading(server.database),
        records: true,
      })
      reply.headers({
        'content-type': 'application/zip',
        'content-length': bytes,
        'content-disposition': `attachment; filename="export-${request.params.id}.zip"`,
      })
      return reply.send(stream)
    },
  })
}
