import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import {
  assignGroupToCatalog,
  assignGroupToCourse,
  unassignGroupFromCatalog,
  unassignGroupFromCourse,
} from '../../../learning/catalogs/assign-groups.ts'
import { listAssignedGroups } from '../../../learning/catalogs/list-assigned-groups.ts'
import { Id, IdParams, NullableId, Time } from '../schemas.ts'

const AssignedGroups = Type.Object(
  {
    groups: Type.Array(
      Type.Object({
        group_id: Id,
        display_name: Type.String(),
        directory_object_id: NullableId,
        members: Type.Integer({ description: 'Without deleted users' }),
        added_at: Time,
      }),
    ),
  },
  { description: 'By name' },
)

const Assigned = Type.Object(
  { assigned: Type.Boolean({ description: 'False: it was already open to the group' }) },
  { description: 'Done' },
)
const Unassigned = Type.Object(
  { unassigned: Type.Boolean({ description: 'False: it was not open to the group' }) },
  { description: 'Done' },
)

const GroupParams = Type.Object({ id: Id, group_id: Id })

const places = {
  catalog: {
    url: '/api/v1/catalogs/:id/groups',
    tags: ['Catalogs'],
    aboutList: 'Only groups that the whole catalog is open to; groups of a single course are listed with the course.',
    aboutOpening: 'The members are listed in the catalog, as not added. No user is enrolled.',
  },
  course: {
    url: '/api/v1/courses/:id/groups',
    tags: ['Learning'],
    aboutList: 'Only groups that the course itself is open to; groups of its catalog are listed with the catalog.',
    aboutOpening: 'The members are listed in its catalog, as not added. No user is enrolled.',
  },
} as const

/** The groups of the directory that a catalog or a course is open to. */
export function addGroupAssignments(server: HttpServer, kind: 'catalog' | 'course'): void {
  const { url, tags, aboutList, aboutOpening } = places[kind]
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: `List the directory groups that a ${kind} is open to`,
      description: aboutList,
      params: IdParams,
      response: { 200: AssignedGroups },
    },
    handler: async (request) => ({
      groups: await inTenantOf(request, (tx) => listAssignedGroups(tx, { kind, id: request.params.id })),
    }),
  })
  server.route({
    method: 'PUT',
    url: `${url}/:group_id`,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: `Open a ${kind} to the members of a group, while they are members`,
      description: aboutOpening,
      params: GroupParams,
      response: { 200: Assigned },
    },
    handler: (request) => {
      const { id, group_id: groupId } = request.params
      return inTenantOf(request, (tx) =>
        kind === 'catalog'
          ? assignGroupToCatalog(tx, { catalogId: id, groupId })
          : assignGroupToCourse(tx, { courseId: id, groupId }),
      )
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:group_id`,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: `Close a ${kind} to a group`,
      description: 'The members lose the access through this group. Enrollments stay.',
      params: GroupParams,
      response: { 200: Unassigned },
    },
    handler: (request) => {
      const { id, group_id: groupId } = request.params
      return inTenantOf(request, (tx) =>
        kind === 'catalog'
          ? unassignGroupFromCatalog(tx, { catalogId: id, groupId })
          : unassignGroupFromCourse(tx, { courseId: id, groupId }),
      )
    },
  })
}
