import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { deleteAndRequestErasure } from '../../erasure/requests/delete-and-request.ts'
import { requestStates } from '../../erasure/states.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../http/idempotency.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { originOf } from '../../http/public-address.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import { awardSkill } from '../../skills/award-skill.ts'
import { revokeSkill } from '../../skills/revoke-skill.ts'
import { changesBody, readOnlyOf, skillOfUserBody } from './bodies.ts'
import { entitySet } from './entity-sets.ts'
import { entitySchema, OneQuery, odataHeaders, readOne, requireOneQuery, root, UserKey } from './read-routes.ts'
import { keyOf, userByKey } from './user-key.ts'

const tags = ['Users']
const params = Type.Object({ key: UserKey })
const user = `${root}/Users(':key(.+)')`

/** What can be done to a user under /odata/v2. */
export function addUserRoutes(server: HttpServer): void {
  const users = entitySet('Users')
  const changes = changesBody(users)
  server.route({
    method: 'POST',
    url: `${user}/Purge`,
    config: { permission: 'erasures.order', errors: [404, 409, 500] },
    schema: {
      tags,
      summary: "Purge user's data",
      description:
        'Erases everything about the user for good: enrollments, progress, records of actions, memberships in every catalog, course and training plan, and the accounts. The response comes immediately; its link shows the progress.',
      params,
      headers: IdempotencyHeaders,
      response: {
        202: Type.Object(
          {
            RequestId: Type.String({ format: 'uuid' }),
            State: Type.Enum([...requestStates], { description: 'queued, or what the request waits for' }),
            Link: Type.String({ description: 'Shows the progress of the erasure request, and its receipt' }),
          },
          { description: 'Requested' },
        ),
      },
    },
    handler: (request, reply) =>
      withIdempotency(request, odataHeaders(reply), async (tx) => {
        const { userId } = await userByKey(tx, keyOf(request.params.key))
        const order = { operation: 'purge' as const, userIds: [userId] }
        const { request: id, state } = await deleteAndRequestErasure(tx, order)
        const location = `/api/v1/erasures/${id}`
        return {
          status: 202,
          location,
          body: { RequestId: id, State: state, Link: `${originOf(request)}${location}` },
        }
      }),
  })
  server.route({
    method: 'PUT',
    url: user,
    config: { permission: 'users.write', unread: readOnlyOf(users, changes), errors: [404, 409, 500] },
    schema: {
      tags,
      summary: 'Change a user',
      params,
      querystring: OneQuery,
      body: changes,
      response: { 200: entitySchema(users) },
    },
    handler: async (request, reply) => {
      requireOneQuery(request, users)
      const given = Object.entries(request.body).flatMap(([name, value]) => {
        const field = Object.hasOwn(users.properties, name) ? users.properties[name]?.field : undefined
        return field === undefined ? [] : [[field, value]]
      })
      const id = await inTenantOf(request, async (tx) => {
        const { userId } = await userByKey(tx, keyOf(request.params.key))
        return (await updateUser(tx, userId, Object.fromEntries(given))).id
      })
      return await readOne(request, reply, users, id)
    },
  })
  server.route({
    method: 'POST',
    url: `${user}/RevokeCompetency`,
    config: { permission: 'skills.award', errors: [404, 409, 500] },
    schema: {
      tags,
      deprecated: true,
      summary: 'Revokes competency (skill)',
      description: 'Deprecated: RevokeSkill replaces it.',
      params,
      body: skillOfUserBody('competencyId', 'competencyLevelId'),
      response: { 200: Type.Object({ RevokedDate: Type.String({ format: 'date-time' }) }, { description: 'Revoked' }) },
    },
    handler: async (request, reply) => {
      const { competencyId: skillId, competencyLevelId: levelId } = request.body
      deprecate(reply)
      const { revokedAt } = await inTenantOf(request, async (tx) => {
        const { userId } = await userByKey(tx, keyOf(request.params.key))
        return await revokeSkill(tx, { userId, skillId, levelId })
      })
      odataHeaders(reply)
      return { RevokedDate: revokedAt.toISOString() }
    },
  })
  server.route({
    method: 'POST',
    url: `${user}/AssignCompetency`,
    config: { permission: 'skills.award', errors: [404, 409, 500] },
    schema: {
      tags,
      deprecated: true,
      summary: 'Assigns competency (skill)',
      description: 'Deprecated: AssignSkill replaces it.',
      params,
      body: skillOfUserBody('competencyId', 'competencyLevelId'),
      response: { 200: Type.Object({ Id: Type.String({ format: 'uuid' }) }, { description: 'Awarded' }) },
    },
    handler: async (request, reply) => {
      const { competencyId: skillId, competencyLevelId: levelId } = request.body
      deprecate(reply)
      const { id } = await inTenantOf(request, async (tx) => {
        const { userId } = await userByKey(tx, keyOf(request.params.key))
        return await awardSkill(tx, { userId, skillId, levelId })
      })
      odataHeaders(reply)
      return { Id: id }
    },
  })
}

/** Says that the address is out of date (RFC 9745), until when it stays (RFC 8594), and what takes its place. */
function deprecate(reply: FastifyReply): void {
  reply.headers({
    // The day that Learn365 named, 18 August 2025.
    deprecation: '@1755475200',
    sunset: 'Fri, 18 Aug 2028 00:00:00 GMT',
    link: '</docs>; rel="deprecation"; type="text/html"',
  })
}
