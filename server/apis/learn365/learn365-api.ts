import type { Application } from '../../application.ts'
import { attempt } from '../../http/body/attempt.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { addCatalogRoutes } from './catalog-routes.ts'
import { isODataAddress } from './odata-error.ts'
import { dropUnread, readOptionNames } from './read-request.ts'
import { addReadRoutes } from './read-routes.ts'
import { addSkillRoutes } from './skill-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/** The API of Learn365, under /odata/v2 and /services/skills. It only translates to the rooms' operations. */
export function addLearn365Api(server: HttpServer, app: Application): void {
  server.addHook('preValidation', (request, _reply, done) => {
    const { url, schema } = request.routeOptions
    // Not of an address that is not there, nor of one that takes other methods.
    if (url === undefined || !isODataAddress(url) || schema?.tags === undefined) done()
    else
      attempt(() => {
        readOptionNames(request)
        if (schema.body !== undefined) dropUnread(request)
      }, done)
  })
  addReadRoutes(server, app)
  addUserRoutes(server, app)
  addCatalogRoutes(server, app)
  addSkillRoutes(server, app)
}
