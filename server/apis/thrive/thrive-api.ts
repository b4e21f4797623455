import type { Api } from '../../http/api.ts'
import { addAudienceRoutes } from './audience-routes.ts'
import { addCompletionRoutes } from './completion-routes.ts'
import { addDeleteRoutes } from './delete-routes.ts'
import { thriveErrorFormat } from './error-format.ts'
import { addEventRoutes } from './event-routes.ts'
import { addLifecycleRoutes } from './lifecycle-routes.ts'
import { addSkillRoutes } from './skill-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/**
 * The public API of Thrive Learning, under /rest/v1, /rest/v2 and the bare addresses of its reference. It only translates to
 * the rooms' operations.
 */
export const thriveApi: Api = {
  title: 'Thrive',
  prefixes: ['/rest/v1', '/rest/v2', '/users', '/webhooks'],
  errors: thriveErrorFormat,
  tags: [
    { name: 'Users', description: 'Create, read, change, suspend and delete users by ref.' },
    { name: 'Webhooks', description: 'Take events about users from other systems.' },
    { name: 'Skills', description: 'Set the levels of skills of a user.' },
    { name: 'Learning', description: 'What users completed.' },
    { name: 'Audiences', description: 'Directory groups and their members.' },
  ],
  plugin(server) {
    addUserRoutes(server)
    addLifecycleRoutes(server)
    addDeleteRoutes(server)
    addEventRoutes(server)
    addSkillRoutes(server)
    addCompletionRoutes(server)
    addAudienceRoutes(server)
  },
}
