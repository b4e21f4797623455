import type { Api } from '../../http/api.ts'
import { thriveErrorFormat } from './error-format.ts'
import { addLifecycleRoutes } from './lifecycle-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/**
 * The public API of Thrive Learning, under /rest/v1, /rest/v2 and the bare addresses of its reference. It only translates to
 * the rooms' operations.
 */
export const thriveApi: Api = {
  title: 'Thrive',
  prefixes: ['/rest/v1', '/rest/v2', '/users', '/webhooks'],
  errors: thriveErrorFormat,
  tags: [{ name: 'Users', description: 'Create, read, change, suspend and delete users by ref.' }],
  plugin(server) {
    addUserRoutes(server)
    addLifecycleRoutes(server)
  },
}
