import { type Static, Type } from 'typebox'
import {
  type ConnectorFields,
  type Connector as ConnectorRow,
  changeConnector,
  confirmRun,
  connectorKinds,
  createConnector,
  deleteConnector,
  disableConnector,
  enableConnector,
  listConnectors,
  requestRun,
  showConnector,
} from '../../../connectors/connectors.ts'
import { type DisabledBecause, disabledReasons } from '../../../connectors/errors.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { listRuns } from '../../../import-runs/list-runs.ts'
import { inOurNames } from '../field-names.ts'
import { ImportRun } from '../imports/routes.ts'
import {
  asPage,
  Created,
  Id,
  IdParams,
  Line,
  Nothing,
  NullableId,
  NullableTime,
  Paging,
  pageOf,
  Time,
} from '../schemas.ts'

const tags = ['Connectors']
const url = '/api/v1/connectors'
const ofOne = `${url}/:id` as const

const NullableCount = Type.Unsafe<number | null>({ type: ['integer', 'null'] })

const Connector = sharedSchema(
  'Connector',
  Type.Object(
    {
      id: Id,
      name: Type.String(),
      kind: Type.Enum([...connectorKinds]),
      address: Type.String({ description: 'The path of the file, or the URL' }),
      notify_emails: Type.Array(Type.String()),
      run_as: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The user in whose name it runs; null after an erasure of that user',
      }),
      every_minutes: NullableCount,
      with_roles: Type.Boolean(),
      least_percent: Type.Integer(),
      credentials: Type.Unsafe<ConnectorRow['credentials']>({
        enum: ['basic', 'bearer', null],
        description: 'The kind of its credentials, which are never shown',
      }),
      enabled: Type.Boolean(),
      disabled_because: Type.Unsafe<DisabledBecause | null>({
        enum: [...disabledReasons, null],
        description: '`names_purged_person`: it named a person who was erased; change it, then enable it',
      }),
      next_run_at: NullableTime,
      last_rows: Type.Unsafe<number | null>({ ...NullableCount, description: 'Good rows of the last good feed' }),
      asking_rows: Type.Unsafe<number | null>({
        ...NullableCount,
        description: 'Good rows of the feed that stopped the last run; null if nothing is asked',
      }),
      created_at: Time,
      changed_at: Time,
    },
    { description: 'A source that users are pulled from' },
  ),
)

const secret = Type.String({ minLength: 1, maxLength: 4000, writeOnly: true })
const Credentials = Type.Union([
  Type.Object(
    { kind: Type.Literal('basic'), username: Type.String({ minLength: 1, maxLength: 256 }), password: secret },
    { additionalProperties: false },
  ),
  Type.Object({ kind: Type.Literal('bearer'), token: secret }, { additionalProperties: false }),
])

const fields = {
  notify_emails: Type.Optional(
    Type.Array(Type.String({ maxLength: 320 }), {
      maxItems: 20,
      description: 'Get an e-mail when a run fails or asks; an erasure removes those of the person',
    }),
  ),
  every_minutes: Type.Optional(
    Type.Unsafe<number | null>({
      type: ['integer', 'null'],
      minimum: 5,
      maximum: 44_640,
      description: 'Minutes between two runs; null: only on request',
    }),
  ),
  with_roles: Type.Optional(Type.Boolean({ description: 'Applies the roles in the feed' })),
  least_percent: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      description: 'A feed with fewer good rows than so many percent of the last one stops the run; default: 80',
    }),
  ),
  credentials: Type.Optional(Type.Union([Credentials, Type.Null()])),
}

const Address = Type.String({
  minLength: 1,
  maxLength: 2000,
  description: 'The absolute path of the file, or a URL that begins with https://',
})

const Changes = Type.Partial(
  Type.Object({ name: Line, address: Address, run_as: Type.String({ format: 'uuid' }), ...fields }),
  { additionalProperties: false },
)

/** `/api/v1/connectors` */
export function addConnectorRoutes(server: HttpServer): void {
  server.addSchema(Connector.schema)
  addCreation(server)
  addOne(server)
  addActs(server)
}

function addCreation(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'connectors.read' },
    schema: {
      tags,
      summary: 'List the connectors of the tenant',
      querystring: Paging,
      response: { 200: pageOf('connectors', Connector.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listConnectors(tx, request.query))),
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'connectors.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Create a connector, which is disabled until it is enabled',
      description:
        'Pulls a CSV file of users from a folder that the operator opened, or over HTTPS. docs/connectors.md has the rules.',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          name: Line,
          kind: Type.Enum([...connectorKinds]),
          address: Address,
          run_as: Type.String({ format: 'uuid' }),
          ...fields,
        },
        { additionalProperties: false },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { kind, ...given } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await createConnector(tx, { kind, ...fieldsOf(given) })
          return { status: 201, location: `${url}/${id}`, body: { id } }
        }),
      )
    },
  })
}

function addOne(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: ofOne,
    config: { permission: 'connectors.read', errors: [404] },
    schema: { tags, summary: 'Read a connector', params: IdParams, response: { 200: Connector.ref } },
    handler: (request) => inTenantOf(request, (tx) => showConnector(tx, request.params.id)),
  })
  server.route({
    method: 'PATCH',
    url: ofOne,
    config: { permission: 'connectors.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a connector',
      params: IdParams,
      body: Changes,
      response: { 200: Connector.ref },
    },
    handler: (request) =>
      inOurNames(inTenantOf(request, (tx) => changeConnector(tx, request.params.id, fieldsOf(request.body)))),
  })
  server.route({
    method: 'DELETE',
    url: ofOne,
    config: { permission: 'connectors.write', errors: [404] },
    schema: {
      tags,
      summary: 'Delete a connector; the log of its runs stays',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => deleteConnector(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
  server.route({
    method: 'GET',
    url: `${ofOne}/runs`,
    config: { permission: 'connectors.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the runs of a connector, newest first',
      params: IdParams,
      querystring: Paging,
      response: { 200: pageOf('runs', ImportRun.ref) },
    },
    handler: (request) => {
      const { limit, after } = request.query
      return asPage(
        inTenantOf(request, async (tx) => {
          const { id } = await showConnector(tx, request.params.id)
          return await listRuns(tx, {
            connectorId: id,
            ...(limit !== undefined && { limit }),
            ...(after !== undefined && { before: after }),
          })
        }),
      )
    },
  })
}

function addActs(server: HttpServer): void {
  for (const [act, work, summary] of [
    ['enable', enableConnector, 'Enable a connector'],
    ['disable', disableConnector, 'Disable a connector'],
  ] as const) {
    server.route({
      method: 'POST',
      url: `${ofOne}/${act}`,
      config: { permission: 'connectors.write', errors: [404, 409] },
      schema: { tags, summary, params: IdParams, response: { 200: Connector.ref } },
      handler: (request) => inTenantOf(request, (tx) => work(tx, request.params.id)),
    })
  }
  for (const [act, work, summary] of [
    ['run', requestRun, 'Run a connector now'],
    ['confirm', confirmRun, 'Confirm the feed that stopped the last run, and run once'],
  ] as const) {
    server.route({
      method: 'POST',
      url: `${ofOne}/${act}`,
      config: { permission: 'connectors.write', errors: [404, 409] },
      schema: {
        tags,
        summary,
        params: IdParams,
        headers: IdempotencyHeaders,
        response: { 202: Type.Object({ id: Id }, { description: 'Requested; Location has the list of its runs' }) },
      },
      handler: (request, reply) =>
        withIdempotency(request, reply, async (tx) => {
          const { id } = request.params
          await work(tx, id)
          return { status: 202, location: `/api/v1/connectors/${id}/runs`, body: { id } }
        }),
    })
  }
}

function fieldsOf(body: Static<typeof Changes>): ConnectorFields {
  return {
    name: body.name,
    address: body.address,
    notifyEmails: body.notify_emails,
    runAs: body.run_as,
    everyMinutes: body.every_minutes,
    withRoles: body.with_roles,
    leastPercent: body.least_percent,
    credentials: body.credentials,
  }
}
