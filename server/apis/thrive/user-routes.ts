import { Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { findUser } from '../../people/accounts/find-users.ts'
import { pageUsers } from '../../people/accounts/page-users.ts'
import { peopleError } from '../../people/errors.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import { readProfiles } from '../../views/profiles.ts'
import { BasicUser, FullUser } from './bodies.ts'
import { presentUser } from './change-accounts.ts'
import { RefParams } from './lifecycle-routes.ts'
import { inEnvelope, Moment, pageOf, paging, readMoment, readStates, resultsOf } from './read-query.ts'
import { basicUserOf, fullUserOf } from './user-bodies.ts'

const tags = ['Users']

const Statuses = Type.Optional(
  Type.String({
    maxLength: 128,
    description: 'active, inactive, expired, new; several with commas. No user of Lethe is expired or new',
  }),
)

/** The reads of users under `/rest/v1`. */
export function addUserRoutes(server: HttpServer): void {
  server.addSchema(BasicUser.schema)
  server.addSchema(FullUser.schema)
  server.route({
    method: 'GET',
    url: '/rest/v1/users',
    config: { permission: 'users.read' },
    schema: {
      tags,
      summary: 'List users',
      description: 'Active and suspended users, in the order of creation. Deleted users are not listed.',
      querystring: Type.Object(
        {
          ...paging,
          updatedSince: Type.Optional(Moment),
          status: Statuses,
          statuses: Statuses,
          omitStatuses: Statuses,
        },
        { additionalProperties: false },
      ),
      response: { 200: resultsOf(FullUser.ref) },
    },
    handler: (request) => {
      const { updatedSince, ...query } = request.query
      const page = pageOf(query)
      const states = readStates(query)
      const since = updatedSince === undefined ? undefined : readMoment('updatedSince', updatedSince)
      return inTenantOf(request, async (tx) => {
        const { users, total } = await pageUsers(tx, { states, updatedSince: since, ...page })
        const profileOf = await readProfiles(tx, users)
        return inEnvelope(
          users.map((user) => fullUserOf(user, profileOf(user.id))),
          total,
          page,
        )
      })
    },
  })
  server.route({
    method: 'GET',
    url: '/rest/v1/users/ref/:ref',
    config: { permission: 'users.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read a user by ref',
      description: 'Deleted and anonymized users are not found.',
      params: RefParams,
      response: { 200: BasicUser.ref },
    },
    handler: (request) => inTenantOf(request, async (tx) => basicUserOf(await presentUser(tx, request.params.ref))),
  })
  server.route({
    method: 'GET',
    url: '/rest/v1/user/:id',
    config: { permission: 'users.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'Read a user by internal id',
      description: 'Deleted and anonymized users too, with `deleted` true and nothing that identifies the person.',
      params: Type.Object({ id: Type.String({ maxLength: 64, description: 'The internal id' }) }),
      response: { 200: FullUser.ref },
    },
    handler: (request) =>
      inTenantOf(request, async (tx) => {
        const { id } = request.params
        // Thrive's own ids have another form: here they belong to no user.
        if (!isUuid(id)) throw peopleError('user.not_found', { selector: 'id' })
        const user = await findUser(tx, { by: 'id', value: id }, { withAnonymized: true })
        return fullUserOf(user, (await readProfiles(tx, [user]))(user.id))
      }),
  })
}
