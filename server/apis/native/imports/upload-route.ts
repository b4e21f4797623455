import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { tenantOf } from '../../../http/in-tenant-of.ts'
import { principalOf } from '../../../http/require-access.ts'
import { importUsers } from '../../../imports/users/import-users.ts'
import type { OutcomeOfRow } from '../../../imports/users/outcomes.ts'
import { actingFor } from '../../../platform/database/pool.ts'
import { returningRows } from '../../../tenancy/update-tenant.ts'
import { NullableId } from '../schemas.ts'
import { Counts } from './routes.ts'

/** A file is taken whole, in bytes. Larger ones come by the command line or a connector. */
const largestFile = 32 * 1024 * 1024
/** The answer holds no more rejected rows than this; the rows of the run have all of them. */
const mostListed = 1000

/** `POST /api/v1/imports` */
export function addUpload(server: HttpServer): void {
  void server.register((scope, _options, done) => {
    scope.removeContentTypeParser(['application/json', 'application/merge-patch+json'])
    // The bytes as they are: the import says line by line what it cannot read.
    scope.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, bytes, parsed) => parsed(null, bytes))
    addRoute(scope as unknown as HttpServer)
    done()
  })
}

function addRoute(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/imports',
    bodyLimit: largestFile,
    config: { permission: 'users.write', errors: [409] },
    schema: {
      tags: ['Imports'],
      summary: 'Import users from a CSV file, or say what an import would do',
      description:
        'Creates and changes users; docs/csv.md has the columns and rules. The body is the file, in UTF-8, of at most 32 MiB. Bad rows are rejected with line and reason, and the others go in. It is safe to repeat: importing the same file again changes nothing. `lethe import users` does the same for larger files.',
      consumes: ['text/csv'],
      querystring: Type.Object(
        {
          dry_run: Type.Optional(
            Type.Boolean({ default: false, description: 'Judge every row as an import would, and change nothing' }),
          ),
          with_roles: Type.Optional(
            Type.Boolean({
              default: false,
              description:
                'Apply the roles in the file; otherwise new users are learners and other users keep their roles',
            }),
          ),
          purged: Type.Optional(
            Type.Enum([...returningRows], {
              description:
                'What to do with rows of purged people: skip them, or create new users. Default: the setting of the tenant',
            }),
          ),
          file_name: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 255,
              default: 'upload.csv',
              description: 'The name in the log, where it has no extension',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      body: Type.Unsafe<Buffer>({ description: 'The file' }),
      response: {
        200: Type.Object(
          {
            dry_run: Type.Boolean(),
            run: Type.Unsafe<string | null>({ ...NullableId, description: 'The import; null for a dry run' }),
            counts: Counts,
            rejected_rows: Type.Array(Type.Object({ line: Type.Integer(), reason: Type.String() }), {
              description: 'The first 1,000 rejected rows. `GET …/rows` has all of an import',
            }),
          },
          { description: 'The result; of an import, Location has its address' },
        ),
      },
    },
    handler: async (request, reply) => {
      const { dry_run: dryRun = false, with_roles: withRoles, purged, file_name: file = 'upload.csv' } = request.query
      const rejected: { line: number; reason: string }[] = []
      const acting = actingFor(server.database, principalOf(request).initiator)
      const { run, counts } = await importUsers(acting, tenantOf(request), {
        source: Readable.from([request.body]),
        file,
        withRoles,
        purged,
        dryRun,
        onOutcome({ line, outcome, reason }: OutcomeOfRow) {
          if (outcome === 'rejected' && reason !== null && rejected.length < mostListed) rejected.push({ line, reason })
        },
      })
      if (run !== null) reply.header('location', `/api/v1/imports/${run}`)
      return { dry_run: dryRun, run, counts, rejected_rows: rejected }
    },
  })
}
