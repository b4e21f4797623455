import type { Application } from '../../application.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { addUserRoutes } from './user-routes.ts'

/** The API of Lethe itself, under /api/v1. It only translates to the rooms' operations. */
export async function addNativeApi(server: HttpServer, app: Application): Promise<void> {
  addUserRoutes(server, app)
}
