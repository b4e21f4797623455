import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { addCatalogMembers, catalogRoles } from '../../../learning/catalogs/add-catalog-members.ts'
import { createCatalog } from '../../../learning/catalogs/create-catalog.ts'
import { listCatalogMembers } from '../../../learning/catalogs/list-catalog-members.ts'
import { listCatalogs, showCatalog } from '../../../learning/catalogs/list-catalogs.ts'
import { type CatalogRemoval, removeCatalogMembers } from '../../../learning/catalogs/remove-catalog-members.ts'
import { setCatalogRole } from '../../../learning/catalogs/set-catalog-role.ts'
import { inOurNames } from '../field-names.ts'
import { addGroupAssignments } from '../groups/assignment-routes.ts'
import {
  Addresses,
  asPage,
  Created,
  DeletedAt,
  ExternalKey,
  Id,
  IdParams,
  Line,
  NullableId,
  NullableText,
  NullableTime,
  Paging,
  pageOf,
  paging,
  person,
  Reappeared,
  Text,
  Time,
} from '../schemas.ts'

const tags = ['Catalogs']
const url = '/api/v1/catalogs'

export const Catalog = sharedSchema(
  'Catalog',
  Type.Object(
    {
      id: Id,
      title: Type.String(),
      description: NullableText,
      contact_emails: Type.Array(Type.String()),
      external_key: ExternalKey,
      created_at: Time,
      deleted_at: DeletedAt,
      courses: Type.Integer(),
      training_plans: Type.Integer(),
      members: Type.Integer({ description: 'Users that were added, administrators included' }),
      administrators: Type.Integer(),
      groups: Type.Integer({ description: 'Directory groups that the catalog itself is open to' }),
    },
    { description: 'A catalog with counts' },
  ),
)

const Role = Type.Enum([...catalogRoles])

const CatalogMember = sharedSchema(
  'CatalogMember',
  Type.Object(
    {
      ...person,
      added_to_catalog: Type.Boolean({ description: 'False: the user has access through groups only' }),
      role: Type.Unsafe<(typeof catalogRoles)[number] | null>({
        type: ['string', 'null'],
        description: `One of ${catalogRoles.join(', ')}; null for a user that was not added`,
      }),
      added_at: NullableTime,
      groups: Type.Array(
        Type.Object({
          group_id: Id,
          display_name: Type.String(),
          course_id: Type.Unsafe<string | null>({
            ...NullableId,
            description: 'The course of the catalog that is open to the group; null: the whole catalog',
          }),
        }),
        { description: 'The directory groups through which the user has access' },
      ),
      reappeared: Reappeared,
    },
    { description: 'A member of a catalog, added directly or through groups' },
  ),
)

const MemberParams = Type.Object({ id: Id, user_id: Id })

const Removal = Type.Object(
  {
    user_id: Id,
    removed: Type.Boolean({ description: 'False: the user was not added, and has access through groups only' }),
    unenrolled: Type.Integer({ description: 'Enrollments that ended; they stay in the transcript' }),
    still_through: Type.Array(Type.Object({ group_id: Id, display_name: Type.String() }), {
      description: 'Groups through which the user still has access, and is listed as not added',
    }),
  },
  { description: 'The result for the user' },
)

/** `/api/v1/catalogs` */
export function addCatalogRoutes(server: HttpServer): void {
  for (const { schema } of [Catalog, CatalogMember]) server.addSchema(schema)
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List catalogs, by title',
      querystring: Paging,
      response: { 200: pageOf('catalogs', Catalog.ref) },
    },
    handler: (request) => {
      const { limit = 50, ...rest } = request.query
      return asPage(inTenantOf(request, (tx) => listCatalogs(tx, { limit, ...rest })))
    },
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'learning.write', errors: [409] },
    schema: {
      tags,
      summary: 'Create a catalog',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { title: Line, description: Type.Optional(Text), contact_emails: Type.Optional(Addresses) },
        { additionalProperties: false, examples: [{ title: 'Bakery', contact_emails: ['bakery@example.org'] }] },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { contact_emails, ...rest } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await createCatalog(tx, {
            ...rest,
            ...(contact_emails !== undefined && { contactEmails: contact_emails }),
          })
          return { status: 201, location: `${url}/${id}`, body: { id } }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/:id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: { tags, summary: 'Read a catalog', params: IdParams, response: { 200: Catalog.ref } },
    handler: (request) => inTenantOf(request, (tx) => showCatalog(tx, request.params.id)),
  })
  addMembers(server)
  addGroupAssignments(server, 'catalog')
}

function addMembers(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${url}/:id/members`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the members of a catalog',
      description:
        'Lists each user once, added or with access through groups only (`added_to_catalog`). Leaves out deleted users.',
      params: IdParams,
      querystring: Type.Object(
        {
          ...paging,
          role: Type.Optional(Type.Enum([...catalogRoles], { description: 'Only users added with this role' })),
        },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('members', CatalogMember.ref) },
    },
    handler: (request) =>
      asPage(inTenantOf(request, (tx) => listCatalogMembers(tx, { catalogId: request.params.id, ...request.query }))),
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/members`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Add users to a catalog',
      description: 'Adds all or none. Present members keep their role.',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(
        { user_ids: Type.Array(Id, { minItems: 1, maxItems: 1000 }), role: Type.Optional(Role) },
        { additionalProperties: false },
      ),
      response: { 201: Type.Object({ added: Type.Integer() }, { description: 'How many are new' }) },
    },
    handler: (request, reply) => {
      const { user_ids: userIds, ...rest } = request.body
      const catalogId = request.params.id
      return withIdempotency(request, reply, async (tx) => ({
        status: 201,
        location: `${url}/${catalogId}/members`,
        body: await addCatalogMembers(tx, { catalogId, userIds, ...rest }),
      }))
    },
  })
  server.route({
    method: 'PATCH',
    url: `${url}/:id/members/:user_id`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Make a member of a catalog its administrator, or a plain member again',
      description: 'A user that has access through a group only must be added first.',
      params: MemberParams,
      body: Type.Object({ role: Role }, { additionalProperties: false, examples: [{ role: 'administrator' }] }),
      response: {
        200: Type.Object(
          { changed: Type.Boolean({ description: 'False: the user already had this role' }) },
          { description: 'Done' },
        ),
      },
    },
    handler: (request) => {
      const { id: catalogId, user_id: userId } = request.params
      return inTenantOf(request, (tx) => setCatalogRole(tx, { catalogId, userId, role: request.body.role }))
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:id/members/:user_id`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Remove a user from a catalog',
      description:
        'Unenrolls the user from its courses and training plans; the records stay in the transcript. A user that has access through a group stays listed, as not added.',
      params: MemberParams,
      response: { 200: Removal },
    },
    handler: async (request) => {
      const { id: catalogId, user_id: userId } = request.params
      const removals = await inTenantOf(request, (tx) => removeCatalogMembers(tx, { catalogId, userIds: [userId] }))
      return onlyOne(removals)
    },
  })
}

function onlyOne([removal]: CatalogRemoval[]): CatalogRemoval {
  if (removal === undefined) throw new Error('one user was removed, and nothing says what became of the user')
  return removal
}
