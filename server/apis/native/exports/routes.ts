import { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import {
  defaultKeepDays,
  deleteExport,
  type KeptExport,
  keepExport,
  listExports,
  mostKeepDays,
  showExport,
} from '../../../exports/kept-exports.ts'
import { openExport } from '../../../exports/open-export.ts'
import { waitForExport } from '../../../exports/wait-for-export.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf, tenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes, sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { inOurNames } from '../field-names.ts'
import {
  ActingCredential,
  Created,
  Id,
  IdParams,
  Next,
  Nothing,
  NullableId,
  NullableText,
  NullableTime,
  paging,
  Time,
} from '../schemas.ts'

const tags = ['Exports']
const ofUser = '/api/v1/users/:id/exports'
const states = ['waiting', 'running', 'ready', 'failed', 'expired', 'withdrawn'] satisfies KeptExport['state'][]

/** The longest that a request waits for an export, in seconds. */
const longestWait = 60

/** The longest that somebody reads an archive before the answer ends, in milliseconds. */
const longestDownload = 60 * 60 * 1000

const Kept = sharedSchema(
  'KeptExport',
  Type.Object(
    {
      id: Id,
      user_id: Type.String({ format: 'uuid', description: 'The user that it is about' }),
      ordered_by: NullableId,
      ordered_by_credential: ActingCredential,
      state: Type.Enum([...states], {
        description:
          '`failed`: workers try again by themselves. `expired`: the content is destroyed, or about to be. `withdrawn`: a person who may be named in it was erased, so the content is destroyed',
      }),
      size: Type.Integer({ description: 'Bytes of the archive written so far' }),
      rows_written: Type.Integer(),
      created_at: Time,
      finished_at: NullableTime,
      expires_at: Time,
      error_code: NullableText,
    },
    { description: 'A kept export, without its content' },
  ),
)

const ExportParams = Type.Object({ id: Id, export_id: Id })

/** Newest first, so `after` is the end of the previous page, as in the list of erasure requests. */
const Page = Type.Object(paging, { additionalProperties: false })

/** `/api/v1/exports` and `/api/v1/users/:id/exports` */
export function addKeptExportRoutes(server: HttpServer): void {
  server.addSchema(Kept.schema)
  addLists(server)
  addOrders(server)
  addContent(server)
}

const Listed = Type.Object({ exports: Type.Array(Kept.ref), next: Next }, { description: 'A page' })

function addLists(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/exports',
    config: { permission: 'exports.read' },
    schema: {
      tags,
      summary: 'List the kept exports of the tenant, newest first',
      querystring: Page,
      response: { 200: Listed },
    },
    handler: async (request) => {
      const { exports, next = null } = await inTenantOf(request, (tx) => listExports(tx, pageOptions(request.query)))
      return { exports, next }
    },
  })
  server.route({
    method: 'GET',
    url: ofUser,
    config: { permission: 'exports.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'List the kept exports about a user, newest first',
      params: IdParams,
      querystring: Page,
      response: { 200: Listed },
    },
    handler: async (request) => {
      const { exports, next = null } = await inTenantOf(request, async (tx) => {
        const { id: userId } = await findUser(tx, { by: 'id', value: request.params.id })
        return await listExports(tx, { userId, ...pageOptions(request.query) })
      })
      return { exports, next }
    },
  })
}

function addOrders(server: HttpServer): void {
  const stopping = new AbortController()
  server.addHook('preClose', async () => stopping.abort())
  server.route({
    method: 'POST',
    url: ofUser,
    config: { permission: 'exports.order', bodyOptional: true, errors: [404, 409] },
    schema: {
      tags,
      summary: 'Request a kept export of all data about a user',
      description:
        'Workers write the archive, encrypted, into the database; Location has its progress. It expires by itself, and an erasure of the user destroys it. `GET /api/v1/users/{id}/export` returns the same archive immediately and keeps nothing. docs/export.md describes the content.',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          keep_days: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: mostKeepDays,
              description: `Days until it expires; default: ${defaultKeepDays}`,
            }),
          ),
        },
        { additionalProperties: false, examples: [{ keep_days: 14 }] },
      ),
      response: {
        202: Type.Object(
          { ...Created.properties, expires_at: Time },
          { description: 'Requested; Location has the address of the export' },
        ),
      },
    },
    handler: (request, reply) => {
      const { keep_days } = request.body
      const userId = request.params.id
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id, expires_at } = await keepExport(tx, {
            userId,
            ...(keep_days !== undefined && { keepDays: keep_days }),
          })
          const location = `/api/v1/users/${userId}/exports/${id}`
          return { status: 202, location, body: { id, expires_at }, subjectUserId: userId }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${ofUser}/:export_id`,
    config: { permission: 'exports.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'Read the progress of a kept export, and when it expires',
      params: ExportParams,
      querystring: Type.Object(
        {
          wait: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: longestWait,
              description: 'Seconds to wait for the end while workers write it',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      response: { 200: Kept.ref },
    },
    handler: async (request) => {
      const { id: userId, export_id: exportId } = request.params
      const { wait = 0 } = request.query
      const show = () => inTenantOf(request, (tx) => showExport(tx, exportId, { userId }))
      const kept = await show()
      if (wait === 0 || (kept.state !== 'waiting' && kept.state !== 'running')) return kept
      const enough = AbortSignal.any([AbortSignal.timeout(wait * 1000), stopping.signal, request.signal])
      try {
        return await waitForExport(server.database, tenantOf(request), exportId, { signal: enough })
      } catch (error) {
        if (!enough.aborted) throw error
        return await show()
      }
    },
  })
}

function addContent(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${ofUser}/:export_id/content`,
    exposeHeadRoute: false,
    handlerTimeout: longestDownload,
    config: { permission: 'exports.read', target: 'id', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Download the archive of a kept export',
      description:
        'A ZIP file. The server refuses an expired export. If the export expires or its user is erased during the download, the response breaks off.',
      params: ExportParams,
      response: { 200: mediaTypes('The archive', { 'application/zip': { type: 'string', format: 'binary' } }) },
    },
    handler: async (request, reply) => {
      const { id: userId, export_id: exportId } = request.params
      const { id } = await inTenantOf(request, (tx) => showExport(tx, exportId, { userId }))
      const { content, size, fileName } = await openExport(server.database, tenantOf(request), id)
      reply.headers({
        'content-type': 'application/zip',
        'content-length': size,
        'content-disposition': `attachment; filename="${fileName}"`,
      })
      return reply.send(Readable.from(content, { objectMode: false }))
    },
  })
  server.route({
    method: 'DELETE',
    url: `${ofUser}/:export_id`,
    config: { permission: 'exports.order', errors: [404] },
    schema: {
      tags,
      summary: 'Delete a kept export before it expires',
      description: 'Deletes the content and the record of it. If workers are writing the export, they stop.',
      params: ExportParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { id: userId, export_id: exportId } = request.params
      await inTenantOf(request, async (tx) => {
        const { id } = await showExport(tx, exportId, { userId })
        await deleteExport(tx, id)
      })
      return reply.code(204).send(null)
    },
  })
}

function pageOptions({ limit, after }: Static<typeof Page>) {
  return { ...(limit !== undefined && { limit }), ...(after !== undefined && { before: after }) }
}
