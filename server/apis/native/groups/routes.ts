import { type Static, Type } from 'typebox'
import { createGroup } from '../../../directory/create-group.ts'
import { listGroupMembers } from '../../../directory/list-group-members.ts'
import { listGroups, showGroup } from '../../../directory/list-groups.ts'
import { setGroupMembers } from '../../../directory/set-group-members.ts'
import { syncGroup } from '../../../directory/sync-group.ts'
import { updateGroup } from '../../../directory/update-group.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import {
  asPage,
  ClearableText,
  Created,
  Id,
  IdParams,
  Line,
  NullableId,
  NullableText,
  Paging,
  pageOf,
  person,
  Reappeared,
  Text,
  Time,
} from '../schemas.ts'
import { addGroupDeletion } from './deletion-routes.ts'

const tags = ['Groups']
const url = '/api/v1/groups'

/** A whole group is sent at once. */
const mostMembers = 50_000
const bodyLimit = 16 * 1024 * 1024

const Group = sharedSchema(
  'Group',
  Type.Object(
    {
      id: Id,
      display_name: Type.String(),
      directory_object_id: NullableId,
      description: NullableText,
      members: Type.Integer({ description: 'Without deleted users' }),
      created_at: Time,
    },
    { description: 'A directory group' },
  ),
)

const GroupMember = sharedSchema(
  'GroupMember',
  Type.Object({ ...person, reappeared: Reappeared }, { description: 'A member of a group' }),
)

/** One line about a member, as the directory has it. */
const Known = Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 400 }))

const DirectoryMembers = Type.Array(
  Type.Object(
    {
      directory_object_id: Type.String({ format: 'uuid', description: 'The only id that matches users' }),
      login_name: Known,
      email: Known,
      first_name: Known,
      last_name: Known,
      display_name: Known,
    },
    { additionalProperties: false },
  ),
  { maxItems: mostMembers },
)

const ByDirectory = Type.Array(Type.Object({ directory_object_id: Id, request_id: Id }))

const Sync = Type.Object(
  {
    added: Type.Integer({ description: 'Users added to the group, including new users' }),
    removed: Type.Integer(),
    created: Type.Array(Id, { description: 'Users created because the tenant had no user with this id' }),
    reappeared: Type.Array(Type.Object({ id: Id, directory_object_id: Id, request_id: Id }), {
      description: 'Of these, the purged people, each with the erasure request that purged the person',
    }),
    blocked: Type.Unsafe<Static<typeof ByDirectory>>({
      ...ByDirectory,
      description: 'Purged people that the tenant blocks',
    }),
    known_before: Type.Array(Type.Object({ directory_object_id: Id, user_ids: Type.Array(Id) }), {
      description: 'Members left out because these users had one of their identifiers before a change',
    }),
    deleted: Type.Array(Id, { description: 'Deleted users, who stay deleted until they are restored' }),
    suspended: Type.Array(Id, { description: 'Suspended users that were not in the group and were not added' }),
  },
  { description: 'The result of the synchronization' },
)

/** `/api/v1/groups` */
export function addGroupRoutes(server: HttpServer): void {
  for (const { schema } of [Group, GroupMember]) server.addSchema(schema)
  addGroups(server)
  addMembers(server)
  addGroupDeletion(server)
}

function addGroups(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'groups.read', errors: [404] },
    schema: {
      tags,
      summary: 'List groups, by name',
      querystring: Paging,
      response: { 200: pageOf('groups', Group.ref) },
    },
    handler: (request) => {
      const { limit = 50, ...rest } = request.query
      return asPage(inTenantOf(request, (tx) => listGroups(tx, { limit, ...rest })))
    },
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'groups.write', errors: [409] },
    schema: {
      tags,
      summary: 'Create a group without members',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          display_name: Line,
          description: Type.Optional(Text),
          directory_object_id: Type.Optional(
            Type.String({ format: 'uuid', description: 'Its id in the directory; unique in the tenant' }),
          ),
        },
        { additionalProperties: false, examples: [{ display_name: 'Bakers' }] },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { display_name: displayName, description, directory_object_id } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await createGroup(tx, {
            displayName,
            ...(description !== undefined && { description }),
            ...(directory_object_id !== undefined && { directoryObjectId: directory_object_id }),
          })
          return { status: 201, location: `${url}/${id}`, body: { id } }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/:id`,
    config: { permission: 'groups.read', errors: [404] },
    schema: { tags, summary: 'Read a group', params: IdParams, response: { 200: Group.ref } },
    handler: (request) => inTenantOf(request, (tx) => showGroup(tx, request.params.id)),
  })
  changeGroup(server)
}

function changeGroup(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: `${url}/:id`,
    config: { permission: 'groups.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change the name or the description of a group',
      params: IdParams,
      body: Type.Object(
        { display_name: Type.Optional(Line), description: Type.Optional(ClearableText) },
        { additionalProperties: false, examples: [{ display_name: 'Bakers and millers' }] },
      ),
      response: { 200: Group.ref },
    },
    handler: (request) => {
      const groupId = request.params.id
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateGroup(tx, { groupId, changes: inOperationNames(request.body) })
          return await showGroup(tx, groupId)
        }),
      )
    },
  })
}

function addMembers(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${url}/:id/members`,
    config: { permission: 'groups.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the members of a group',
      description: 'Leaves out deleted users; `reappeared` marks purged people who returned.',
      params: IdParams,
      querystring: Paging,
      response: { 200: pageOf('members', GroupMember.ref) },
    },
    handler: (request) =>
      asPage(inTenantOf(request, (tx) => listGroupMembers(tx, { groupId: request.params.id, ...request.query }))),
  })
  server.route({
    method: 'PUT',
    url: `${url}/:id/members`,
    bodyLimit,
    config: { permission: 'groups.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Replace the members of a group by these users',
      description:
        'New members must be active. Suspended members stay. Memberships of deleted users stay, for a restore.',
      params: IdParams,
      body: Type.Object({ user_ids: Type.Array(Id, { maxItems: mostMembers }) }, { additionalProperties: false }),
      response: { 200: Type.Object({ added: Type.Integer(), removed: Type.Integer() }, { description: 'Done' }) },
    },
    handler: (request) =>
      inTenantOf(request, (tx) => setGroupMembers(tx, { groupId: request.params.id, userIds: request.body.user_ids })),
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/sync`,
    bodyLimit,
    config: { permission: 'groups.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Synchronize a group with the directory',
      description:
        'Replaces the members of the group by those in the directory. An unknown person becomes a user. **A purged person returns as a new user without records**, unless the tenant blocks purged people. Deleted users stay deleted. Fields of known users are not changed. It is safe to repeat: the second time changes nothing.',
      params: IdParams,
      body: Type.Object(
        { members: DirectoryMembers },
        {
          additionalProperties: false,
          examples: [
            {
              members: [{ directory_object_id: '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a', email: 'ann@example.org' }],
            },
          ],
        },
      ),
      response: { 200: Sync },
    },
    handler: (request) =>
      inTenantOf(request, (tx) => syncGroup(tx, { groupId: request.params.id, members: request.body.members })),
  })
}
