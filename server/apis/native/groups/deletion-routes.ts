import { type Static, Type } from 'typebox'
import { deleteGroup, type GroupDeletion, previewGroupDeletion } from '../../../erasure/groups/delete-group.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { Id, IdParams } from '../schemas.ts'

const tags = ['Groups']
const url = '/api/v1/groups/:id'

const Deletion = Type.Object(
  {
    members: Type.Integer({ description: 'Without deleted users' }),
    deleted_members: Type.Integer({ description: 'Deleted users that a restore would bring back into the group' }),
    places: Type.Array(
      Type.Object({
        kind: Type.Enum(['catalog', 'course']),
        id: Id,
        title: Type.String(),
        losing: Type.Integer({ description: 'Members who have no other way into it' }),
      }),
      { description: 'What the group opens' },
    ),
    losing: Type.Integer({ description: 'Members who lose a catalog or a course' }),
    user_ids: Type.Array(Id, { description: 'The first 1,000 of these members, by id' }),
    holds: Type.Array(Type.Object({ id: Id, reason: Type.String() }), {
      description: 'Legal holds in force that name the group. It cannot be deleted before their release',
    }),
    retention_policies: Type.Array(Type.Object({ id: Id, name: Type.String() }), {
      description: 'Retention policies that leave out the members. Take the group out of them first',
    }),
  },
  { description: 'The counted effects' },
)

/** `/api/v1/groups/:id/deletion`, and DELETE of a group */
export function addGroupDeletion(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${url}/deletion`,
    config: { permission: 'groups.write', errors: [404] },
    schema: {
      tags,
      summary: 'Count the effects of the deletion of a group; change nothing',
      params: IdParams,
      response: { 200: Deletion },
    },
    handler: (request): Promise<Static<typeof Deletion> & GroupDeletion> =>
      inTenantOf(request, (tx) => previewGroupDeletion(tx, request.params.id)),
  })
  server.route({
    method: 'DELETE',
    url,
    config: { permission: 'groups.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a group; its members stay users and stay enrolled',
      description:
        'Cannot be undone. `GET …/deletion` counts the effects before, and tells who loses which catalog. Returns 409 while a legal hold names the group or a retention policy leaves out its members.',
      params: IdParams,
      querystring: Type.Object(
        {
          expected_members: Type.Optional(
            Type.Integer({ minimum: 0, description: 'Refused if the group has another number of members' }),
          ),
        },
        { additionalProperties: false },
      ),
      response: { 200: Deletion },
    },
    handler: (request) =>
      inTenantOf(request, (tx) =>
        deleteGroup(tx, request.params.id, { expectedMembers: request.query.expected_members }),
      ),
  })
}
