import { Type } from 'typebox'
import type { Application } from '../../application.ts'
import { findGroup } from '../../directory/find-group.ts'
import { odataAnswers } from '../../http/declare-route.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { addCatalogMembers } from '../../learning/add-catalog-members.ts'
import { assignGroupToCatalog, unassignGroupFromCatalog } from '../../learning/assign-groups.ts'
import { enroll } from '../../learning/enroll.ts'
import { listCatalogMembers } from '../../learning/list-catalog-members.ts'
import type { PlaceOptions } from '../../learning/place.ts'
import { purgeEnrollment } from '../../learning/purge-enrollment.ts'
import { removeCatalogMembers } from '../../learning/remove-catalog-members.ts'
import { unenroll } from '../../learning/unenroll.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { isLetheError, LetheError } from '../../platform/errors.ts'
import { CatalogUserBody, enrollBody, Guid, unenrollBody } from './bodies.ts'
import { entitySet } from './entity-sets.ts'
import { type Entity, readEntity, readPage } from './read-entities.ts'
import { contextOf, entitySchema, linkTo, odataHeaders, readOne, root, UserKey } from './read-routes.ts'
import { keyOf, userByKey } from './user-key.ts'

const IdParams = Type.Object({ id: Guid })
const Nothing = Type.Null({ description: 'Done' })
const largestMemberPage = 1000

/** What can be done to catalogs, courses and enrollments under /odata/v2. */
export function addCatalogRoutes(server: HttpServer, app: Application): void {
  addCatalogUsers(server, app)
  const enrollments = entitySet('Enrollments')
  server.route({
    method: 'POST',
    url: `${root}/Courses(:id(.+))/Enroll`,
    config: { permission: 'learning.write' },
    schema: {
      tags: ['Courses'],
      summary: 'Enroll a user in a course or a training plan',
      params: IdParams,
      body: enrollBody,
      response: odataAnswers({ 201: entitySchema(enrollments) }, [404, 409, 500]),
    },
    handler: async (request, reply) => {
      const { id } = await inTenantOf(request, app, async (tx) => {
        const place = await placeOf(tx, request.params.id)
        const { userId } = await userByKey(tx, request.body.userLoginName)
        return await enroll(tx, { ...place, userId })
      })
      reply.code(201).header('location', `${root}/Enrollments(${id})`)
      return await readOne(request, reply, app, enrollments, id)
    },
  })
  server.route({
    method: 'POST',
    url: `${root}/Courses(:id(.+))/Unenroll`,
    config: { permission: 'learning.write' },
    schema: {
      tags: ['Courses'],
      summary: 'Unenroll a user from a course or a training plan',
      description: 'The enrollment stays in the transcript.',
      params: IdParams,
      body: unenrollBody,
      response: odataAnswers({ 204: Nothing }, [404, 409, 500]),
    },
    handler: async (request, reply) => {
      const { userLoginName, message } = request.body
      await inTenantOf(request, app, async (tx) => {
        const place = await placeOf(tx, request.params.id)
        const { userId } = await userByKey(tx, userLoginName)
        await unenroll(tx, { ...place, userId, ...(message?.trim() && { note: message }) })
      })
      return reply.code(204).send(null)
    },
  })
  server.route({
    method: 'POST',
    url: `${root}/Enrollments(:id(.+))/Purge`,
    config: { permission: 'learning.write' },
    schema: {
      tags: ['Enrollments'],
      summary: 'Purge an enrollment that is not active',
      description: 'With the progress and the records of actions in its course. Cannot be undone.',
      params: IdParams,
      response: odataAnswers({ 204: Nothing }, [404, 409]),
    },
    handler: async (request, reply) => {
      await inTenantOf(request, app, (tx) => purgeEnrollment(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
}

function addCatalogUsers(server: HttpServer, app: Application): void {
  const users = entitySet('Users')
  const url = `${root}/CourseCatalogs(:id(.+))/Users`
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read' },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Read the users of a catalog',
      description:
        'With IsAddedToCatalog: false for whoever is in the catalog through a group only; Groups says through which.',
      params: IdParams,
      querystring: Type.Object({
        $top: Type.Optional(Type.Integer({ minimum: 1, maximum: largestMemberPage })),
        $skiptoken: Type.Optional(Type.String({ format: 'uuid', description: 'Part of @odata.nextLink' })),
      }),
      response: odataAnswers(
        {
          200: Type.Unsafe<Entity>({
            type: 'object',
            description: 'A page',
            properties: {
              '@odata.context': { type: 'string' },
              value: { type: 'array', items: entitySchema(users) },
              '@odata.nextLink': { type: 'string' },
            },
          }),
        },
        [404],
      ),
    },
    handler: async (request, reply) => {
      const { $top: limit = largestMemberPage, $skiptoken: after } = request.query
      const catalogId = request.params.id
      const { value, next } = await inTenantOf(request, app, async (tx) => {
        const { members, next } = await listCatalogMembers(tx, {
          catalogId,
          limit,
          ...(after !== undefined && { after }),
        })
        const { value } = await readPage(tx, users, {
          raw: {},
          where: (bind) => `${users.properties.Id?.sql} = any (${bind(members.map(({ id }) => id))}::uuid[])`,
        })
        const membership = new Map(members.map((member) => [member.id, member]))
        return {
          next,
          value: value.map((entity) => {
            const member = membership.get(String(entity.Id))
            return {
              ...entity,
              IsAddedToCatalog: member?.added_to_catalog === true,
              Groups: member?.groups.map(({ display_name }) => display_name) ?? [],
            }
          }),
        }
      })
      odataHeaders(reply)
      const options = { $skiptoken: next, ...(request.query.$top !== undefined && { $top: String(limit) }) }
      return {
        ...contextOf(request, '#Users'),
        value,
        ...(next !== undefined && {
          '@odata.nextLink': linkTo(request, `${root}/CourseCatalogs(${catalogId})/Users`, options),
        }),
      }
    },
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'learning.write' },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Add a user or a group to a catalog',
      params: IdParams,
      body: CatalogUserBody,
      response: odataAnswers({ 202: Nothing }, [404, 409, 500]),
    },
    handler: async (request, reply) => {
      const { LoginName, DirectoryObjectId } = request.body
      const key = DirectoryObjectId ?? LoginName
      if (key === undefined) throw new LetheError('subject.no_selector')
      await inTenantOf(request, app, async (tx) => {
        const catalogId = request.params.id
        const { userId, groupId } = await userOrGroup(tx, key)
        if (userId !== undefined) await addCatalogMembers(tx, { catalogId, userIds: [userId] })
        else await assignGroupToCatalog(tx, { catalogId, groupId })
      })
      return reply.code(202).send(null)
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}(':key(.+)')`,
    config: { permission: 'learning.write' },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Remove a user or a group from a catalog',
      description:
        'Unenrolls the user from its courses and plans; the records stay in the transcript. Who is in the catalog through a group stays listed.',
      params: Type.Object({ id: Guid, key: UserKey }),
      response: odataAnswers({ 204: Nothing }, [404, 409, 500]),
    },
    handler: async (request, reply) => {
      await inTenantOf(request, app, async (tx) => {
        const catalogId = request.params.id
        const { userId, groupId } = await userOrGroup(tx, keyOf(request.params.key))
        if (userId !== undefined) await removeCatalogMembers(tx, { catalogId, userIds: [userId] })
        else await unassignGroupFromCatalog(tx, { catalogId, groupId })
      })
      return reply.code(204).send(null)
    },
  })
}

type UserOrGroup = { userId: string; groupId?: undefined } | { userId?: undefined; groupId: string }

/** A group has no login name, only a directory object id. Throws as {@link userByKey} does. */
async function userOrGroup(tx: TenantTransaction, key: string): Promise<UserOrGroup> {
  try {
    const { userId } = await userByKey(tx, key)
    return { userId }
  } catch (error) {
    if (!isLetheError(error) || error.code !== 'user.not_found' || !isUuid(key)) throw error
    const group = await findGroup(tx, key)
    if (group === undefined) throw error
    return { groupId: group.id }
  }
}

/** For Learn365 a training plan is a course; here it is one of the two. Throws `odata.entity_not_found`. */
async function placeOf(tx: TenantTransaction, id: string): Promise<PlaceOptions> {
  const courses = entitySet('Courses')
  const course = await readEntity(tx, courses, {
    raw: {},
    where: (bind) => `${courses.properties.Id?.sql} = ${bind(id)}::uuid`,
  })
  if (course === undefined) throw new LetheError('odata.entity_not_found', { set: 'Courses' })
  return course.CourseType === 'TrainingPlan' ? { trainingPlanId: id } : { courseId: id }
}
