import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { listNotifications } from '../../../notify/list-notifications.ts'
import { markNotificationsRead } from '../../../notify/mark-notifications-read.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { Id, IdParams, Next, NullableTime, paging, Time } from '../schemas.ts'

const tags = ['Notifications']
const url = '/api/v1/users/:id/notifications'

const Notification = sharedSchema(
  'Notification',
  Type.Object(
    {
      id: Id,
      kind: Type.String({ description: 'Stable; programs rely on it', examples: ['skill_revoked'] }),
      subject: Type.String(),
      body: Type.String(),
      data: Type.Object({}, { additionalProperties: true, description: 'Data for programs, such as ids' }),
      created_at: Time,
      read_at: NullableTime,
    },
    { description: 'A message to a user' },
  ),
)

const Unread = Type.Integer({ description: 'The number of unread notifications' })

/** `/api/v1/users/:id/notifications` */
export function addNotificationRoutes(server: HttpServer): void {
  server.addSchema(Notification.schema)
  server.route({
    method: 'GET',
    url,
    config: { permission: 'notifications.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'List the notifications of a user, newest first',
      params: IdParams,
      querystring: Type.Object(
        { ...paging, unread: Type.Optional(Type.Boolean({ description: 'Only unread notifications' })) },
        { additionalProperties: false },
      ),
      response: {
        200: Type.Object(
          { notifications: Type.Array(Notification.ref), unread: Unread, next: Next },
          { description: 'A page' },
        ),
      },
    },
    handler: async (request) => {
      const {
        notifications,
        unread,
        next = null,
      } = await inTenantOf(request, async (tx) => {
        const { id: userId } = await findUser(tx, { by: 'id', value: request.params.id })
        return await listNotifications(tx, { userId, ...request.query })
      })
      return { notifications, unread, next }
    },
  })
  server.route({
    method: 'POST',
    url: `${url}/read`,
    config: { permission: 'notifications.mark', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'Mark notifications of a user as read',
      description: 'Marks the notifications with these ids; without ids, all. It is safe to repeat.',
      params: IdParams,
      body: Type.Object(
        { ids: Type.Optional(Type.Array(Id, { maxItems: 1000 })) },
        { additionalProperties: false, examples: [{}] },
      ),
      response: { 200: Type.Object({ marked: Type.Integer(), unread: Unread }, { description: 'Done' }) },
    },
    handler: (request) =>
      inTenantOf(request, async (tx) => {
        const { id: userId } = await findUser(tx, { by: 'id', value: request.params.id })
        const { ids } = request.body
        return await markNotificationsRead(tx, { userId, ...(ids !== undefined && { ids }) })
      }),
  })
}
