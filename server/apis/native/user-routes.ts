import { Type } from 'typebox'
import type { Application } from '../../application.ts'
import { answers } from '../../http/declare-route.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { listUsers, readStates, userSorts } from '../../people/list-users.ts'
import { showUser } from '../../people/show-user.ts'
import { UserSchema } from './user-schemas.ts'

/** `/api/v1/users` */
export function addUserRoutes(server: HttpServer, app: Application): void {
  server.addSchema(UserSchema.schema)
  server.route({
    method: 'GET',
    url: '/api/v1/users',
    config: { permission: 'users.read' },
    schema: {
      tags: ['Users'],
      summary: 'List users',
      querystring: Type.Object({
        state: Type.Optional(Type.String({ maxLength: 64 })),
        search: Type.Optional(Type.String({ maxLength: 256 })),
        sort: Type.Optional(Type.Enum([...userSorts])),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        after: Type.Optional(Type.String({ maxLength: 512 })),
      }),
      response: answers({
        200: Type.Object(
          { users: Type.Array(UserSchema.ref), next: Type.Union([Type.String(), Type.Null()]) },
          { description: 'A page' },
        ),
      }),
    },
    handler: async (request) => {
      const { state, ...rest } = request.query
      const { users, next = null } = await inTenantOf(request, app, (tx) =>
        listUsers(tx, { ...rest, ...(state !== undefined && { states: readStates(state) }) }),
      )
      return { users, next }
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/users/:id',
    config: { permission: 'users.read', target: 'id' },
    schema: {
      tags: ['Users'],
      params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
      response: answers({ 200: UserSchema.ref }, [404]),
    },
    handler: async (request) => {
      const { user } = await inTenantOf(request, app, (tx) => showUser(tx, { by: 'id', value: request.params.id }))
      return user
    },
  })
}
