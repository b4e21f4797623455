import { Type } from 'typebox'
import type { Application } from '../../../application.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { answers } from '../../../http/openapi/complete-route.ts'
import {
  assignGroupToCatalog,
  assignGroupToCourse,
  unassignGroupFromCatalog,
  unassignGroupFromCourse,
} from '../../../learning/assign-groups.ts'
import { listAssignedGroups } from '../../../learning/list-assigned-groups.ts'
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
  { assigned: Type.Boolean({ description: 'False: it was open to them already' }) },
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
    aboutList: 'The catalog itself; a group that only a course of it is open to is listed with the course.',
    aboutOpening: 'They are listed in it, as not added to it. Nobody is enrolled.',
  },
  course: {
    url: '/api/v1/courses/:id/groups',
    tags: ['Learning'],
    aboutList: 'The course itself; groups that its catalog is open to are listed with the catalog.',
    aboutOpening: 'They are listed in its catalog, as not added to it. Nobody is enrolled.',
  },
} as const

/** The groups of the directory that a catalog or a course is open to. */
export function addGroupAssignments(server: HttpServer, app: Application, kind: 'catalog' | 'course'): void {
  const { url, tags, aboutList, aboutOpening } = places[kind]
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read' },
    schema: {
      tags,
      summary: `List the groups of the directory that a ${kind} is open to`,
      description: aboutList,
      params: IdParams,
      response: answers({ 200: AssignedGroups }, [404]),
    },
    handler: async (request) => ({
      groups: await inTenantOf(request, app, (tx) => listAssignedGroups(tx, { kind, id: request.params.id })),
    }),
  })
  server.route({
    method: 'PUT',
    url: `${url}/:group_id`,
    config: { permission: 'learning.write' },
    schema: {
      tags,
      summary: `Open a ${kind} to the members of a group, for as long as they are in it`,
      description: aboutOpening,
      params: GroupParams,
      response: answers({ 200: Assigned }, [404]),
    },
    handler: (request) => {
      const { id, group_id: groupId } = request.params
      return inTenantOf(request, app, (tx) =>
        kind === 'catalog'
          ? assignGroupToCatalog(tx, { catalogId: id, groupId })
          : assignGroupToCourse(tx, { courseId: id, groupId }),
      )
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:group_id`,
    config: { permission: 'learning.write' },
    schema: {
      tags,
      summary: `Close a ${kind} to a group`,
      description: 'Its members lose what they had through it; all stay enrolled.',
      params: GroupParams,
      response: answers({ 200: Unassigned }, [404]),
    },
    handler: (request) => {
      const { id, group_id: groupId } = request.params
      return inTenantOf(request, app, (tx) =>
        kind === 'catalog'
          ? unassignGroupFromCatalog(tx, { catalogId: id, groupId })
          : unassignGroupFromCourse(tx, { courseId: id, groupId }),
      )
    },
  })
}
