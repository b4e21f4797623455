import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Permission } from '../../../permissions/permissions.ts'
import { activityNames } from '../../../audit/activities.ts'
import { auditFormats, exportAudit } from '../../../audit/export-audit.ts'
import { installationTrail } from '../../../audit/installation-trail.ts'
import { type AuditFilter, listAudit } from '../../../audit/list-audit.ts'
import { actorKinds } from '../../../audit/record.ts'
import { verifyAudit } from '../../../audit/verify-audit.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { tenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes, sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { principalOf } from '../../../http/require-access.ts'
import type { JsonObject } from '../../../platform/database/generated/schema.gen.ts'
import { forReading } from '../../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../../platform/database/transaction.ts'
import { Id, Next, NullableId, NullableText } from '../schemas.ts'

const tags = ['Audit']

const NullableJson = Type.Unsafe<JsonObject | null>({ type: ['object', 'null'], additionalProperties: true })
const NullableNumber = Type.Unsafe<number | null>({ type: ['integer', 'null'] })

const AuditEntry = sharedSchema(
  'AuditEntry',
  Type.Object(
    {
      id: Id,
      at: Type.String({ format: 'date-time' }),
      activity: Type.String(),
      title: Type.String({ description: 'The activity in words' }),
      actor: Type.Object({
        kind: Type.String(),
        id: NullableId,
        from: Type.String(),
        system_account: Type.Unsafe<string | null>({
          ...NullableText,
          description: 'The system account that ran the command',
        }),
      }),
      object: Type.Object({ kind: Type.String(), id: NullableId }),
      subject: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The user that the entry is about; the id stays when the user is erased',
      }),
      contact: Type.Boolean({ description: 'Whether the entry is about a person who is not a user' }),
      details: Type.Unsafe<JsonObject>({ type: 'object', additionalProperties: true }),
      reason: Type.Unsafe<string | null>({
        ...NullableText,
        description: 'The reason of an erasure request; stored with the request',
      }),
      values: NullableJson,
      erased: Type.Boolean({ description: 'Whether the person was erased, and the values with the person' }),
      sequence: NullableNumber,
      hash: NullableText,
    },
    { description: 'An entry of the audit trail' },
  ),
)

const Time = Type.String({ format: 'date-time', maxLength: 64 })
const filter = {
  from: Type.Optional(Time),
  until: Type.Optional(Time),
  activity: Type.Optional(Type.Enum([...activityNames])),
  actor_kind: Type.Optional(Type.Enum([...actorKinds])),
  actor: Type.Optional(Id),
  object_kind: Type.Optional(Type.String({ maxLength: 64 })),
  object: Type.Optional(Id),
  subject: Type.Optional(Id),
}

const Verification = Type.Object(
  {
    sealed: Type.Integer({ description: 'Entries that were checked' }),
    unsealed: Type.Integer({ description: 'Entries that are not sealed yet, and so not protected' }),
    checkpoints: Type.Integer(),
    head: Type.Object({ sequence: Type.Integer(), hash: NullableText }),
    problems: Type.Array(
      Type.Object({ problem: Type.String(), from: Type.Integer(), to: Type.Integer(), at: NullableText }),
      { description: 'Empty: unchanged since it was sealed' },
    ),
  },
  { description: 'The result of the check' },
)

/** A trail that is read over HTTP. */
type Trail = {
  root: string
  /** What the document calls it. */
  name: string
  toRead: Permission
  toExport: Permission
  /** The id that it is kept under. */
  idOf: (request: FastifyRequest) => string
}

const trails: Trail[] = [
  { root: '/api/v1/audit', name: 'audit trail', toRead: 'audit.read', toExport: 'audit.export', idOf: tenantOf },
  {
    root: '/api/v1/installation/audit',
    name: 'system trail',
    toRead: 'installation.audit',
    toExport: 'installation.audit',
    idOf: () => installationTrail,
  },
]

/** `/api/v1/audit`, the tenant's, and `/api/v1/installation/audit`, for operators */
export function addAuditRoutes(server: HttpServer): void {
  server.addSchema(AuditEntry.schema)
  for (const trail of trails) addTrailRoutes(server, trail)
}

function addTrailRoutes(server: HttpServer, { root, name, toRead, toExport, idOf }: Trail): void {
  const inTrail = <T>(
    request: FastifyRequest,
    work: (tx: TenantTransaction) => Promise<T>,
    database = server.database,
  ) => inTenant(database, idOf(request), work, { initiator: principalOf(request).initiator })
  server.route({
    method: 'GET',
    url: root,
    config: { permission: toRead },
    schema: {
      tags,
      summary: `List the ${name}, newest first`,
      querystring: Type.Object(
        {
          ...filter,
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
          after: Type.Optional(Id),
        },
        { additionalProperties: false },
      ),
      response: {
        200: Type.Object({ entries: Type.Array(AuditEntry.ref), next: Next }, { description: 'A page' }),
      },
    },
    handler: (request) => {
      const { limit, after, ...rest } = request.query
      return inTrail(request, (tx) => listAudit(tx, filterOf(rest), { limit, after }))
    },
  })
  server.route({
    method: 'GET',
    url: `${root}/export`,
    exposeHeadRoute: false,
    handlerTimeout: longestExport,
    config: { permission: toExport },
    schema: {
      tags,
      summary: `Export the ${name}, newest first`,
      querystring: Type.Object(
        { ...filter, format: Type.Optional(Type.Enum([...auditFormats], { description: 'Default: jsonl' })) },
        { additionalProperties: false },
      ),
      response: {
        200: mediaTypes('Entries', { 'application/jsonl': { type: 'string' }, 'text/csv': { type: 'string' } }),
      },
    },
    handler: async (request, reply) => {
      const { format = 'jsonl', ...rest } = request.query
      const stream = new PassThrough()
      const reading = forReading(server.database)
      const read = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTrail(request, work, reading)
      const exporting = exportAudit(read, filterOf(rest), format, async (text) => {
        // Whoever does not read on holds the export up, and whoever has gone ends it.
        if (!stream.write(text)) await once(stream, 'drain', { signal: request.signal })
      }).then(() => stream.end())
      // What fails before the first entry is answered as a problem; what fails later breaks the answer off.
      await Promise.race([exporting, once(stream, 'readable')])
      exporting.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
      reply.header('content-type', format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl')
      reply.header('content-disposition', `attachment; filename="audit.${format}"`)
      return reply.send(stream)
    },
  })
  server.route({
    method: 'GET',
    url: `${root}/verification`,
    config: { permission: toExport },
    schema: {
      tags,
      summary: `Check for altered, removed or inserted entries of the ${name}`,
      description: 'Reads all sealed entries, and lists every change since they were sealed.',
      response: { 200: Verification },
    },
    handler: (request) => verifyAudit(server.database, idOf(request)),
  })
}

/** In milliseconds. */
const longestExport = 60 * 60 * 1000

const parts = Type.Object(filter)

function filterOf(query: Static<typeof parts>): AuditFilter {
  const { from, until, activity, actor_kind, actor, object_kind, object, subject } = query
  return {
    ...(from !== undefined && { from: new Date(from) }),
    ...(until !== undefined && { until: new Date(until) }),
    activity,
    actor: { kind: actor_kind, id: actor },
    object: { kind: object_kind, id: object },
    subject,
  }
}
