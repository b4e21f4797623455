import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { createUserAndNoteReturn } from '../../../directory/create-user-and-note-return.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { principalOf } from '../../../http/require-access.ts'
import { type ListUsersOptions, listUsers, readStates, userSorts } from '../../../people/accounts/list-users.ts'
import { updateUser } from '../../../people/accounts/update-user.ts'
import { deleteUsers } from '../../../people/lifecycle/delete-users.ts'
import { reactivateUser } from '../../../people/lifecycle/reactivate-user.ts'
import { restoreUsers } from '../../../people/lifecycle/restore-users.ts'
import { suspendUser } from '../../../people/lifecycle/suspend-user.ts'
import { requirePermission } from '../../../permissions/permissions.ts'
import type { UserRole } from '../../../permissions/roles.ts'
import { showUser } from '../../../views/user-details.ts'
import { asPage, Id, IdParams, pageOf } from '../schemas.ts'
import { filterMembers, filterOf } from './filter.ts'
import { NewUser, RolesBody, User, UserChanges, UserWithDetails } from './schemas.ts'

const tags = ['Users']

const Filter = Type.Object(
  {
    state: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'One state, several with commas, or `all`. Default: active and suspended; with a time of the delete, deleted',
        examples: ['active', 'deleted'],
      }),
    ),
    ...filterMembers,
    without_manager: Type.Optional(Type.Boolean({ description: 'Only users that have no manager' })),
    sort: Type.Optional(
      Type.Enum([...userSorts], {
        description:
          "Default: id, the order of creation. `ref` is the tenant's own unique id; users without one come first",
      }),
    ),
    order: Type.Optional(Type.Enum(['ascending', 'descending'])),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
    after: Type.Optional(Type.String({ maxLength: 512, description: '`next` of the page before' })),
  },
  { additionalProperties: false },
)

const Counts = Type.Object({
  product_accounts: Type.Integer(),
  group_members: Type.Integer(),
  catalog_members: Type.Integer(),
  enrollments: Type.Integer(),
})

/** `/api/v1/users` */
export function addUserRoutes(server: HttpServer): void {
  server.addSchema(User.schema)
  server.addSchema(UserWithDetails.schema)
  server.route({
    method: 'GET',
    url: '/api/v1/users',
    config: { permission: 'users.read' },
    schema: {
      tags,
      summary: 'List users',
      description: 'Pages neither repeat nor skip an unchanged user.',
      querystring: Filter,
      response: { 200: pageOf('users', User.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listUsers(tx, listOptions(request.query)))),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/users',
    config: { permission: 'users.write', errors: [409] },
    schema: {
      tags,
      summary: 'Create a user',
      headers: IdempotencyHeaders,
      body: NewUser,
      response: { 201: User.ref },
    },
    handler: async (request, reply) => {
      const { another_person: anotherPerson, ...fields } = request.body
      if (fields.roles !== undefined) requireRolesPermission(request, fields.roles)
      return await withIdempotency(request, reply, async (tx) => {
        const user = await createUserAndNoteReturn(tx, fields, { anotherPerson })
        return { status: 201, location: `/api/v1/users/${user.id}`, body: user, subjectUserId: user.id }
      })
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/users/:id',
    config: { permission: 'users.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'Read a user',
      params: IdParams,
      response: { 200: UserWithDetails.ref },
    },
    handler: async (request) => {
      const { user, ...details } = await inTenantOf(request, (tx) =>
        showUser(tx, { by: 'id', value: request.params.id }),
      )
      return { ...user, ...details }
    },
  })
  server.route({
    method: 'PATCH',
    url: '/api/v1/users/:id',
    config: { permission: 'users.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a user',
      description: 'Absent fields stay; null clears a field (JSON merge patch). custom_fields is replaced as a whole.',
      params: IdParams,
      body: UserChanges,
      response: { 200: User.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => updateUser(tx, request.params.id, request.body)),
  })
  server.route({
    method: 'DELETE',
    url: '/api/v1/users/:id',
    config: { permission: 'users.delete', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a user; a restore undoes it',
      params: IdParams,
      response: {
        200: Type.Object({ deletion_id: Id, inactive: Counts }, { description: 'The records that became inactive' }),
      },
    },
    handler: async (request) => {
      const { deletionId, inactive } = await inTenantOf(request, (tx) =>
        deleteUsers(tx, { userIds: [request.params.id] }),
      )
      return { deletion_id: deletionId, inactive }
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/users/:id/restore',
    config: { permission: 'users.restore', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Restore a deleted user',
      description: 'Restores everything that the delete made inactive, except privileged roles.',
      params: IdParams,
      querystring: Type.Object(
        {
          with_roles: Type.Optional(
            Type.Boolean({ description: 'Restore privileged roles, too; also needs the permission `users.roles`' }),
          ),
        },
        { additionalProperties: false },
      ),
      response: {
        200: Type.Object(
          { state: Type.Enum(['active', 'suspended']), active: Counts },
          {
            description:
              'The state (suspended if the user was suspended before), and the records that are active again',
          },
        ),
      },
    },
    handler: async (request) => {
      const withRoles = request.query.with_roles === true
      if (withRoles) requirePermission(principalOf(request), 'users.roles')
      const { active, suspended } = await inTenantOf(request, (tx) =>
        restoreUsers(tx, { userIds: [request.params.id], withRoles }),
      )
      return { state: suspended.length > 0 ? ('suspended' as const) : ('active' as const), active }
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/users/:id/suspend',
    config: { permission: 'users.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Suspend a user',
      params: IdParams,
      response: { 200: User.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => suspendUser(tx, request.params.id)),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/users/:id/reactivate',
    config: { permission: 'users.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'End the suspension of a user',
      params: IdParams,
      response: { 200: User.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => reactivateUser(tx, request.params.id)),
  })
  server.route({
    method: 'PUT',
    url: '/api/v1/users/:id/roles',
    config: { permission: 'users.roles', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Set the roles of a user',
      params: IdParams,
      body: RolesBody,
      response: { 200: User.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => updateUser(tx, request.params.id, { roles: request.body.roles })),
  })
}

/** Whoever may create users may not make administrators of them by that. */
function requireRolesPermission(request: FastifyRequest, roles: readonly UserRole[]): void {
  if (roles.some((role) => role !== 'learner')) requirePermission(principalOf(request), 'users.roles')
}

function listOptions(query: Static<typeof Filter>): ListUsersOptions {
  const { state, order, without_manager: withoutManager = false, ...rest } = query
  return {
    ...filterOf(rest),
    withoutManager,
    ...(state !== undefined && { states: readStates(state) }),
    descending: order === 'descending',
  }
}
