import { Type } from 'typebox'
import { findGroup } from '../../directory/find-group.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { mediaTypes } from '../../http/openapi/shared-schema.ts'
import { addCatalogMembers } from '../../learning/catalogs/add-catalog-members.ts'
import { assignGroupToCatalog, unassignGroupFromCatalog } from '../../learning/catalogs/assign-groups.ts'
import { removeCatalogMembers } from '../../learning/catalogs/remove-catalog-members.ts'
import { enroll } from '../../learning/enrollments/enroll.ts'
import type { PlaceOptions } from '../../learning/enrollments/enrollment-target.ts'
import { purgeEnrollment } from '../../learning/enrollments/purge-enrollment.ts'
import { unenroll } from '../../learning/enrollments/unenroll.ts'
import { requirePresent } from '../../learning/require-existing.ts'
import { peopleError } from '../../people/errors.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { CatalogUserBody, enrollBody, Guid, unenrollBody } from './bodies.ts'
import { entitySet, usersOfCatalog } from './entity-sets.ts'
import { odataError } from './errors.ts'
import type { RawOptions } from './query-options.ts'
import { countEntities, readEntity, readPage } from './read-entities.ts'
import {
  CountQuery,
  entitySchema,
  OneQuery,
  odataHeaders,
  pageBody,
  pageSchema,
  preferredPageSize,
  Query,
  readOne,
  requireJson,
  requireOneQuery,
  root,
  UserKey,
} from './read-routes.ts'
import { keyOf, userByKey } from './user-key.ts'

const IdParams = Type.Object({ id: Guid })
const Nothing = Type.Null({ description: 'Done' })

/** What can be done to catalogs, courses and enrollments under /odata/v2. */
export function addCatalogRoutes(server: HttpServer): void {
  addCatalogUsers(server)
  const enrollments = entitySet('Enrollments')
  server.route({
    method: 'POST',
    url: `${root}/Courses(:id(.+))/Enroll`,
    config: { permission: 'learning.write', errors: [404, 409, 500] },
    schema: {
      tags: ['Courses'],
      summary: 'Enroll a user in a course or a training plan',
      params: IdParams,
      querystring: OneQuery,
      body: enrollBody,
      response: { 201: entitySchema(enrollments) },
    },
    handler: async (request, reply) => {
      requireOneQuery(request, enrollments)
      const { id } = await inTenantOf(request, async (tx) => {
        const place = await placeOf(tx, request.params.id)
        const { userLoginName, courseSessionId } = request.body
        const { userId } = await userByKey(tx, userLoginName)
        return await enroll(tx, { ...place, userId, ...(courseSessionId != null && { sessionId: courseSessionId }) })
      })
      reply.code(201).header('location', `${root}/Enrollments(${id})`)
      return await readOne(request, reply, enrollments, id)
    },
  })
  server.route({
    method: 'POST',
    url: `${root}/Courses(:id(.+))/Unenroll`,
    config: { permission: 'learning.write', errors: [404, 409, 500] },
    schema: {
      tags: ['Courses'],
      summary: 'Unenroll a user from a course or a training plan',
      description: 'The enrollment stays in the transcript.',
      params: IdParams,
      body: unenrollBody,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { userLoginName, message } = request.body
      await inTenantOf(request, async (tx) => {
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
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags: ['Enrollments'],
      summary: 'Purge an enrollment that is not active',
      description: 'Also purges the progress and the records of actions in its course. Cannot be undone.',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => purgeEnrollment(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
}

function addCatalogUsers(server: HttpServer): void {
  const url = `${root}/CourseCatalogs(:id(.+))/Users`
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Read the users of a catalog',
      description:
        'IsAddedToCatalog is false for a user that has access through a group only; Groups lists these groups.',
      params: IdParams,
      querystring: Query,
      response: { 200: pageSchema(usersOfCatalog('')) },
    },
    handler: async (request, reply) => {
      const raw: RawOptions = request.query
      requireJson(raw.$format)
      const set = usersOfCatalog(request.params.id)
      const page = await inTenantOf(request, async (tx) => {
        await requirePresent(tx, 'catalog', [request.params.id])
        return await readPage(tx, set, { raw, pageSize: preferredPageSize(request, reply) })
      })
      odataHeaders(reply)
      return pageBody(request, { context: '#Users', path: `${root}/${set.name}` }, page)
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/$count`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Count the users of a catalog',
      params: IdParams,
      querystring: CountQuery,
      response: { 200: mediaTypes('The number', { 'text/plain': { type: 'string' } }) },
    },
    handler: async (request, reply) => {
      const number = await inTenantOf(request, async (tx) => {
        await requirePresent(tx, 'catalog', [request.params.id])
        return await countEntities(tx, usersOfCatalog(request.params.id), request.query)
      })
      odataHeaders(reply).type('text/plain; charset=utf-8')
      return String(number)
    },
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'learning.write', errors: [404, 409, 500] },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Add a user or a group to a catalog',
      params: IdParams,
      body: CatalogUserBody,
      response: { 202: Nothing },
    },
    handler: async (request, reply) => {
      const { LoginName, DirectoryObjectId } = request.body
      const key = DirectoryObjectId ?? LoginName
      if (key === undefined) throw peopleError('subject.no_selector')
      await inTenantOf(request, async (tx) => {
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
    config: { permission: 'learning.write', errors: [404, 409, 500] },
    schema: {
      tags: ['CourseCatalogs'],
      summary: 'Remove a user or a group from a catalog',
      description:
        'Unenrolls the user from its courses and training plans; the records stay in the transcript. A user that has access through a group stays listed.',
      params: Type.Object({ id: Guid, key: UserKey }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, async (tx) => {
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
    if (!peopleError.is(error, 'user.not_found') || !isUuid(key)) throw error
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
  if (course === undefined) throw odataError('odata.entity_not_found', { set: 'Courses' })
  return course.CourseType === 'TrainingPlan' ? { trainingPlanId: id } : { courseId: id }
}
