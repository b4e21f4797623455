import { Type } from 'typebox'
import { listReturnedUsers, returnWays } from '../../../directory/reappearances.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { userStates } from '../../../people/accounts/user.ts'
import { asPage, Id, NullableId, NullableText, Paging, pageOf, Time } from '../schemas.ts'

const Returned = Type.Object({
  user_id: Id,
  display_name: NullableText,
  state: Type.Enum([...userStates]),
  how: Type.Enum([...returnWays], { description: '`creation`: a user or a program created the account again' }),
  group_id: NullableId,
  group_name: NullableText,
  import_run_id: NullableId,
  request_id: Type.Unsafe<string>({ ...Id, description: 'The erasure request that had purged the person' }),
  reappeared_at: Time,
})

/** `/api/v1/returned-users` */
export function addReturnedRoute(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/returned-users',
    config: { permission: 'users.read' },
    schema: {
      tags: ['Users'],
      summary: 'List the purged people who came back, the newest return first',
      querystring: Paging,
      response: { 200: pageOf('returned_users', Returned) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listReturnedUsers(tx, request.query))),
  })
}
