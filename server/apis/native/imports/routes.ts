import { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf, tenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes, sharedSchema } from '../../../http/openapi/shared-schema.ts'
import type { GoneBecause } from '../../../import-runs/errors.ts'
import {
  fileStates,
  type ListedRun,
  listRunRows,
  listRuns,
  rowOutcomes,
  showRun,
} from '../../../import-runs/list-runs.ts'
import { openFile } from '../../../import-runs/open-file.ts'
import {
  ActingCredential,
  asPage,
  Id,
  IdParams,
  NullableId,
  NullableText,
  NullableTime,
  pageOf,
  paging,
  Time,
} from '../schemas.ts'

const tags = ['Imports']

/** The longest that a client reads a file before the response ends, in milliseconds. */
const longestDownload = 60 * 60 * 1000

const reasons = ['person_erased', 'expired'] satisfies GoneBecause[]
const states = ['running', 'finished', 'failed'] satisfies ListedRun['state'][]
const count = Type.Integer({ minimum: 0 })
const Outcome = Type.Enum([...rowOutcomes])

export const Counts = Type.Object({
  read: count,
  created: count,
  updated: count,
  unchanged: count,
  skipped: count,
  conflict: count,
  rejected: count,
  skippedFor: Type.Object({ deleted: count, purged: count, anonymized: count }),
  rolesNotApplied: count,
})

/** A run as the API shows it. */
export const ImportRun = sharedSchema(
  'ImportRun',
  Type.Object(
    {
      id: Id,
      format: Type.String({ description: '`users`, or the name of a data set' }),
      started_by: NullableId,
      started_by_credential: ActingCredential,
      started_at: Time,
      finished_at: NullableTime,
      state: Type.Enum([...states]),
      error_code: Type.Unsafe<string | null>({ ...NullableText, description: 'Why the run failed as a whole' }),
      rows_read: count,
      rows_written: count,
      rows_rejected: count,
      connector_id: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The connector that pulled the file; it may be deleted by now',
      }),
      counts: Type.Unsafe<Static<typeof Counts> | null>({
        ...Counts,
        type: ['object', 'null'],
        description: 'Rows by outcome; null for a run that has not ended or failed, and for a data set',
      }),
      file_name: NullableText,
      file: Type.Enum([...fileStates], {
        description: '`gone`: the content is destroyed, see `file_gone_because`. `none`: no file was kept',
      }),
      file_size: Type.Integer({ description: 'Bytes' }),
      file_expires_at: NullableTime,
      file_gone_because: Type.Unsafe<GoneBecause | null>({
        enum: [...reasons, null],
        description: '`person_erased`: the file may contain a person who was erased. `expired`: its time is over',
      }),
      file_gone_at: NullableTime,
    },
    { description: 'A run of an import' },
  ),
)

const Row = sharedSchema(
  'ImportRow',
  Type.Object(
    {
      line: Type.Integer({ description: 'Where the row begins in the file; the header is line 1' }),
      outcome: Outcome,
      user_id: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The user; null if the row names none, or the user is erased',
      }),
      reason: NullableText,
      changed: Type.Array(Type.String(), { description: 'The names of the fields that were changed' }),
    },
    { description: 'What became of a row of a file' },
  ),
)

/** `/api/v1/imports` */
export function addImportRoutes(server: HttpServer): void {
  server.addSchema(ImportRun.schema)
  server.addSchema(Row.schema)
  server.route({
    method: 'GET',
    url: '/api/v1/imports',
    config: { permission: 'imports.read' },
    schema: {
      tags,
      summary: 'List the imports of the tenant, newest first',
      querystring: Type.Object(paging, { additionalProperties: false }),
      response: { 200: pageOf('imports', ImportRun.ref) },
    },
    handler: (request) => {
      const { limit, after } = request.query
      return asPage(
        inTenantOf(request, async (tx) => {
          const { runs, next } = await listRuns(tx, {
            ...(limit !== undefined && { limit }),
            ...(after !== undefined && { before: after }),
          })
          return { imports: runs, next }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/imports/:id',
    config: { permission: 'imports.read', errors: [404] },
    schema: { tags, summary: 'Read an import', params: IdParams, response: { 200: ImportRun.ref } },
    handler: (request) => inTenantOf(request, (tx) => showRun(tx, request.params.id)),
  })
  addRows(server)
  addFile(server)
}

function addRows(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/imports/:id/rows',
    config: { permission: 'imports.read', errors: [404] },
    schema: {
      tags,
      summary: 'List what became of each row of an imported file',
      description: 'In the order of the file. A data set has no rows here.',
      params: IdParams,
      querystring: Type.Object(
        {
          outcome: Type.Optional(Outcome),
          limit: paging.limit,
          after: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'The value of `next` in the previous page' }),
          ),
        },
        { additionalProperties: false },
      ),
      response: {
        200: Type.Object(
          {
            rows: Type.Array(Row.ref),
            next: Type.Unsafe<number | null>({
              type: ['integer', 'null'],
              description: '`after` of the next page; null at the end',
            }),
          },
          { description: 'A page' },
        ),
      },
    },
    handler: async (request) => {
      const { outcome, limit, after } = request.query
      const { rows, next = null } = await inTenantOf(request, (tx) =>
        listRunRows(tx, request.params.id, {
          ...(outcome !== undefined && { outcome }),
          ...(limit !== undefined && { limit }),
          ...(after !== undefined && { after }),
        }),
      )
      return { rows, next }
    },
  })
}

function addFile(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/imports/:id/file',
    exposeHeadRoute: false,
    handlerTimeout: longestDownload,
    config: { permission: 'imports.read', errors: [404, 410] },
    schema: {
      tags,
      summary: 'Download the file of an import',
      description:
        'The bytes that were imported. After an erasure of a person who may be in the file, the content is destroyed and this answers 410 for ever.',
      params: IdParams,
      response: { 200: mediaTypes('The file', { 'text/csv': { type: 'string' } }) },
    },
    handler: async (request, reply) => {
      const { content, size, fileName } = await openFile(server.database, tenantOf(request), request.params.id)
      reply.headers({
        'content-type': 'text/csv; charset=utf-8',
        'content-length': size,
        'content-disposition': `attachment; filename="${fileName}"`,
      })
      return reply.send(Readable.from(content, { objectMode: false }))
    },
  })
}
