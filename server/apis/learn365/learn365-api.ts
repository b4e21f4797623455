import type { Application } from '../../application.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { addCatalogRoutes } from './catalog-routes.ts'
import { addReadRoutes } from './read-routes.ts'
import { addSkillRoutes } from './skill-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/** The API of Learn365, under /odata/v2 and /services/skills. It only translates to the rooms' operations. */
export function addLearn365Api(server: HttpServer, app: Application): void {
  addReadRoutes(server, app)
  addUserRoutes(server, app)
  addCatalogRoutes(server, app)
  addSkillRoutes(server, app)
}
