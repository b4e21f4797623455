import type { FastifyReply, FastifyRequest } from 'fastify'
import { type TUnsafe, Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { mediaTypes } from '../../http/openapi/shared-schema.ts'
import { originOf } from '../../http/public-address.ts'
import type { Permission } from '../../permissions/permissions.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import { exampleUser } from './bodies.ts'
import { csdlJson, csdlXml, serviceDocument } from './csdl.ts'
import type { EntitySet } from './entity-model.ts'
import { entitySet, entitySets, includingDeleted } from './entity-sets.ts'
import { odataError } from './errors.ts'
import { type RawOptions, readOptions } from './query-options.ts'
import { countEntities, type Entity, type Page, readEntity, readPage } from './read-entities.ts'
import { keyOf, userByKey } from './user-key.ts'

export const root = '/odata/v2'

const option = (description: string, ...examples: string[]) =>
  Type.Optional(Type.String({ maxLength: 16_000, description, examples }))

export const Query = Type.Object({
  $filter: option(
    'eq, ne, gt, ge, lt, le, in, and, or, not, contains, startswith, endswith, tolower, year, date, now and others',
  ),
  $select: option('Properties, with commas between them'),
  $orderby: option('Properties, each with asc or desc'),
  $top: option('How many at most', '10'),
  $skip: option('How many to leave out'),
  $count: option('true: with the number of all that the filter leaves'),
  $expand: option('Related entities, one level deep'),
  $skiptoken: option('Part of @odata.nextLink'),
  $format: option('json'),
})

/** Of one entity. */
export const OneQuery = Type.Object({
  $select: Query.properties.$select,
  $expand: Query.properties.$expand,
  $format: Query.properties.$format,
})

/** Of a number of entities. */
export const CountQuery = Type.Object({ $filter: Query.properties.$filter })

/** Who may read a set. */
const readers: Record<string, Permission> = {
  Users: 'users.read',
  Enrollments: 'learning.read',
  Certificates: 'learning.read',
  CourseCatalogs: 'learning.read',
  Courses: 'learning.read',
  Competencies: 'skills.read',
  Skills: 'skills.read',
  SkillScaleSets: 'skills.read',
}

/** Everything under /odata/v2 that only reads: the sets, the service document and the metadata. */
export function addReadRoutes(server: HttpServer): void {
  addMetadata(server)
  for (const set of entitySets.filter(({ contained }) => contained !== true)) {
    const permission = permissionToRead(set)
    addListRoute(server, set, `${root}/${set.name}`, `Read ${set.name}`)
    if (set.sourceWithDeleted !== undefined) {
      const summary = `Read ${set.name}, those of deleted people too`
      addListRoute(server, includingDeleted(set), `${root}/${set.name}/IncludeDeletedUsers()`, summary)
    }
    server.route({
      method: 'GET',
      url: `${root}/${set.name}/$count`,
      config: { permission },
      schema: {
        tags: [set.name],
        summary: `Count ${set.name}`,
        querystring: CountQuery,
        response: { 200: mediaTypes('The number', { 'text/plain': { type: 'string' } }) },
      },
      handler: async (request, reply) => {
        const number = await inTenantOf(request, (tx) => countEntities(tx, set, request.query))
        odataHeaders(reply).type('text/plain; charset=utf-8')
        return String(number)
      },
    })
    if (set.name !== 'Users') addEntityRoute(server, set, `${root}/${set.name}(:id(.+))`)
  }
  const users = entitySet('Users')
  // Learn365 names users by text; a generic client of OData by the key, which is the internal id.
  addEntityRoute(server, users, `${root}/Users(:id([^']+))`, true)
  server.route({
    method: 'GET',
    url: `${root}/Users(':key(.+)')`,
    config: { permission: 'users.read', errors: [404, 500] },
    schema: {
      tags: ['Users'],
      summary: 'Read a user',
      params: Type.Object({ key: UserKey }),
      querystring: OneQuery,
      response: { 200: entitySchema(users) },
    },
    handler: async (request, reply) => {
      const { userId } = await inTenantOf(request, (tx) => userByKey(tx, keyOf(request.params.key)))
      return await readOne(request, reply, users, userId)
    },
  })
}

/** The pages of a set at an address. */
function addListRoute(server: HttpServer, set: EntitySet, url: string, summary: string): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: permissionToRead(set) },
    schema: { tags: [set.name], summary, querystring: Query, response: { 200: pageSchema(set) } },
    handler: async (request, reply) => {
      const raw: RawOptions = request.query
      requireJson(raw.$format)
      const page = await inTenantOf(request, (tx) =>
        readPage(tx, set, { raw, pageSize: preferredPageSize(request, reply) }),
      )
      odataHeaders(reply)
      return pageBody(request, { context: `#${set.name}`, path: url }, page)
    },
  })
}

export const UserKey = Type.String({
  maxLength: 256,
  description:
    'The DirectoryObjectId, or the LoginName as a claims string or bare; case is ignored. Percent-encode it in the address; this page does so',
  examples: [exampleUser.login, exampleUser.claims, exampleUser.directoryObjectId],
})

/** A page as the answer has it: what it is about, and where the next one is. */
export function pageBody(request: FastifyRequest, place: { context: string; path: string }, page: Page): Entity {
  return {
    ...contextOf(request, place.context),
    ...(page.count !== undefined && { '@odata.count': page.count }),
    value: page.value,
    ...(page.next !== undefined && { '@odata.nextLink': linkTo(request, place.path, page.next) }),
  }
}

/**
 * Makes sure that the entity can be answered as it is asked for, before anything is changed: what is answered with an error
 * has changed nothing. Throws `odata.query`.
 */
export function requireOneQuery(request: FastifyRequest, set: EntitySet): void {
  const raw = request.query as RawOptions
  requireJson(raw.$format)
  readOptions(set, raw)
}

/** One entity by its id, of a deleted person too: who names a key means that one. Throws `odata.entity_not_found`. */
export async function readOne(
  request: FastifyRequest,
  reply: FastifyReply,
  set: EntitySet,
  id: string,
): Promise<Entity> {
  const key = set.properties[set.key]
  if (key === undefined || !isUuid(id)) throw odataError('odata.entity_not_found', { set: set.name })
  const raw = request.query as RawOptions
  requireJson(raw.$format)
  const entity = await inTenantOf(request, (tx) =>
    readEntity(tx, includingDeleted(set), {
      raw,
      where: (bind) => `${key.sql} = ${bind(id)}::uuid`,
    }),
  )
  if (entity === undefined) throw odataError('odata.entity_not_found', { set: set.name })
  odataHeaders(reply)
  return { ...contextOf(request, `#${set.name}/$entity`), ...entity }
}

function addEntityRoute(server: HttpServer, set: EntitySet, url: string, hide = false): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: permissionToRead(set), errors: [404] },
    schema: {
      tags: [set.name],
      hide,
      summary: `Read one of ${set.name}`,
      params: Type.Object({ id: Type.String({ maxLength: 256, format: 'uuid' }) }),
      querystring: OneQuery,
      response: { 200: entitySchema(set) },
    },
    handler: (request, reply) => readOne(request, reply, set, request.params.id),
  })
}

function addMetadata(server: HttpServer): void {
  const json = csdlJson()
  const xml = csdlXml()
  server.route({
    method: 'GET',
    url: `${root}/$metadata`,
    config: { permission: 'authenticated' },
    schema: {
      tags: ['Service'],
      summary: 'Read the model: CSDL as XML, or as JSON on request',
      querystring: Type.Object({ $format: option('json or xml') }),
      response: {
        200: mediaTypes('CSDL', { 'application/xml': { type: 'string' }, 'application/json': { type: 'object' } }),
      },
    },
    handler: async (request, reply) => {
      const { $format } = request.query
      if ($format !== undefined && !/^(application\/)?(json|xml)$/.test($format)) {
        throw odataError('odata.query', { option: '$format', reason: 'json or xml is expected' })
      }
      const format = $format ?? request.headers.accept ?? ''
      const wantsJson = /json/.test(format) && !/xml/.test(format)
      odataHeaders(reply)
      reply.type(wantsJson ? 'application/json' : 'application/xml')
      return wantsJson ? JSON.stringify(json) : xml
    },
  })
  for (const url of [root, `${root}/`]) {
    server.route({
      method: 'GET',
      url,
      config: { permission: 'authenticated' },
      schema: {
        tags: ['Service'],
        hide: url !== root,
        summary: 'List the entity sets',
        querystring: Type.Object({ $format: Query.properties.$format }),
        response: {
          200: Type.Object({ '@odata.context': Type.String(), value: Type.Array(Type.Object({}, open)) }),
        },
      },
      handler: async (request, reply) => {
        requireJson(request.query.$format)
        odataHeaders(reply)
        return serviceDocument(`${originOf(request)}${root}`) as { '@odata.context': string; value: object[] }
      },
    })
  }
}

const open = { additionalProperties: true }

const jsonTypes = {
  'Edm.String': { type: 'string' },
  'Edm.Guid': { type: 'string', format: 'uuid' },
  'Edm.Boolean': { type: 'boolean' },
  'Edm.Int32': { type: 'integer' },
  'Edm.DateTimeOffset': { type: 'string', format: 'date-time' },
  'Collection(Edm.String)': { type: 'array', items: { type: 'string' } },
} as const

/** An entity for the OpenAPI document. It says what there may be: $select leaves out, $expand adds. */
export function entitySchema(set: EntitySet): TUnsafe<Entity> {
  const properties = Object.entries(set.properties).map(([name, { type, nullable }]) => {
    const { type: jsonType, ...rest } = jsonTypes[type]
    return [name, { ...rest, type: nullable ? [jsonType, 'null'] : jsonType }]
  })
  return Type.Unsafe<Entity>({
    type: 'object',
    description: set.entityType,
    properties: { '@odata.context': { type: 'string' }, ...Object.fromEntries(properties) },
    additionalProperties: true,
  })
}

export function pageSchema(set: EntitySet): TUnsafe<Entity> {
  return Type.Unsafe<Entity>({
    type: 'object',
    description: `A page of ${set.name}`,
    properties: {
      '@odata.context': { type: 'string' },
      '@odata.count': { type: 'integer' },
      value: { type: 'array', items: entitySchema(set) },
      '@odata.nextLink': { type: 'string', description: 'The address of the next page; absent at the end' },
    },
  })
}

export function permissionToRead({ name }: EntitySet): Permission {
  const permission = readers[name]
  if (permission === undefined) throw new TypeError(`Nobody said who may read ${name}`)
  return permission
}

/** Says that the answer is OData, as its clients expect it. */
export function odataHeaders(reply: FastifyReply): FastifyReply {
  return reply.header('odata-version', '4.0').type('application/json; odata.metadata=minimal; charset=utf-8')
}

/** Where the metadata says what the answer is, unless the client does not want to know. */
export function contextOf(request: FastifyRequest, fragment: string): { '@odata.context'?: string } {
  if (/odata\.metadata=none/.test(request.headers.accept ?? '')) return {}
  return { '@odata.context': `${originOf(request)}${root}/$metadata${fragment}` }
}

/** The address of the path with these query options. */
export function linkTo(request: FastifyRequest, path: string, options: RawOptions): string {
  const query = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return `${originOf(request)}${path}?${query.join('&')}`
}

export function requireJson(format: string | undefined): void {
  if (format === undefined || /^(json|application\/json)\b/.test(format)) return
  throw odataError('odata.query', { option: '$format', reason: 'json is expected' })
}

/** `Prefer: odata.maxpagesize=100`, or as of 4.01 `maxpagesize=100`. */
export function preferredPageSize({ headers }: FastifyRequest, reply: FastifyReply): number | undefined {
  const prefer = [headers.prefer].flat().join(',')
  const [, size] = /(?:^|[,;\s])(?:odata\.)?maxpagesize=(\d{1,9})(?!\d)/.exec(prefer) ?? []
  if (size === undefined || Number(size) === 0) return undefined
  reply.header('preference-applied', `odata.maxpagesize=${size}`)
  return Number(size)
}
