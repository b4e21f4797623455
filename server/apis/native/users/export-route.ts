import type { Application } from '../../../application.ts'
import { spoolFolderOf } from '../../../exports/spool.ts'
import { streamExport } from '../../../exports/stream-export.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { answers, contents } from '../../../http/openapi/complete-route.ts'
import { forReading } from '../../../platform/database/pool.ts'
import { IdParams } from '../schemas.ts'

/** `/api/v1/users/:id/export` */
export function addExportRoute(server: HttpServer, app: Application): void {
  server.route({
    method: 'GET',
    url: '/api/v1/users/:id/export',
    exposeHeadRoute: false,
    config: { permission: 'users.export', target: 'id' },
    schema: {
      tags: ['Users'],
      summary: 'Export all data about a user',
      description:
        'A ZIP file: a page to read, and every table as JSON and as CSV. docs/export.md describes the content.',
      params: IdParams,
      response: answers(
        { 200: contents('The export', { 'application/zip': { type: 'string', format: 'binary' } }) },
        [404],
      ),
    },
    handler: async (request, reply) => {
      const options = { userId: request.params.id, folder: spoolFolderOf(app.config) }
      const reading = { ...app, database: forReading(app.database) }
      const { stream, bytes } = await inTenantOf(request, reading, (tx) => streamExport(tx, options), { records: true })
      reply.headers({
        'content-type': 'application/zip',
        'content-length': bytes,
        'content-disposition': `attachment; filename="export-${request.params.id}.zip"`,
      })
      return reply.send(stream)
    },
  })
}
