import { Type } from 'typebox'
import { pageGroups, pageMembers } from '../../directory/page-groups.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { inEnvelope, Moment, pageOf, paging, readMoment, resultsOf } from './read-query.ts'

const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })

const Audience = Type.Object({
  id: Type.String(),
  name: Type.String(),
  reference: Type.String({ description: 'The object id of the directory, or the id of a group that has none' }),
  apiControlled: Type.Boolean(),
  category: Type.Literal('audience'),
  type: Type.Literal('manual'),
  parent: Type.Null(),
  createdAt: Time,
  updatedAt: Time,
})

const Member = Type.Object({
  userId: Type.String(),
  reference: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  email: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
})

/** `/rest/v1/audiences`: the directory groups of the tenant. */
export function addAudienceRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/rest/v1/audiences',
    config: { permission: 'groups.read' },
    schema: {
      tags: ['Audiences'],
      summary: 'List audiences',
      description: 'An audience is a directory group.',
      querystring: Type.Object(
        {
          ...paging,
          apiControlled: Type.Optional(Type.Boolean({ description: 'true: none' })),
          updatedSince: Type.Optional(Moment),
        },
        { additionalProperties: false },
      ),
      response: { 200: resultsOf(Audience) },
    },
    handler: async (request) => {
      const { apiControlled, updatedSince, ...query } = request.query
      const page = pageOf(query)
      const since = updatedSince === undefined ? undefined : readMoment('updatedSince', updatedSince)
      if (apiControlled === true) return inEnvelope([], 0, page)
      const { groups, total } = await inTenantOf(request, (tx) => pageGroups(tx, { since, ...page }))
      const audiences = groups.map(({ id, display_name, directory_object_id, created_at }) => ({
        id,
        name: display_name,
        reference: directory_object_id ?? id,
        apiControlled: false,
        category: 'audience' as const,
        type: 'manual' as const,
        parent: null,
        createdAt: created_at,
        updatedAt: created_at,
      }))
      return inEnvelope(audiences, total, page)
    },
  })
  server.route({
    method: 'GET',
    url: '/rest/v1/audiences/:audienceId/members',
    config: { permission: 'groups.read', errors: [404] },
    schema: {
      tags: ['Audiences'],
      summary: 'List the members of an audience',
      params: Type.Object({
        audienceId: Type.String({ maxLength: 64, description: 'The id or the reference of the audience' }),
      }),
      querystring: Type.Object(paging, { additionalProperties: false }),
      response: { 200: resultsOf(Member) },
    },
    handler: async (request) => {
      const page = pageOf(request.query)
      const { members, total } = await inTenantOf(request, (tx) =>
        pageMembers(tx, { group: request.params.audienceId, ...page }),
      )
      const results = members.map(({ id, ref, email }) => ({ userId: id, reference: ref, email }))
      return inEnvelope(results, total, page)
    },
  })
}
