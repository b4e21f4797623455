import type { Application } from '../../application.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { addAuditRoutes } from './audit-routes.ts'
import { addCatalogRoutes } from './catalog-routes.ts'
import { addCourseRoutes } from './course-routes.ts'
import { addCredentialRoutes } from './credential-routes.ts'
import { addEnrollmentRoutes } from './enrollment-routes.ts'
import { addErasureRoutes } from './erasure-routes.ts'
import { addExportRoute } from './export-route.ts'
import { addGroupRoutes } from './group-routes.ts'
import { addKeptExportRoutes } from './kept-export-routes.ts'
import { addNotificationRoutes } from './notification-routes.ts'
import { addProofRoutes } from './proof-routes.ts'
import { addSessionRoutes } from './session-routes.ts'
import { addSkillRoutes } from './skill-routes.ts'
import { addTenantRoutes } from './tenant-routes.ts'
import { addTokenRoutes } from './token-routes.ts'
import { addTranscriptRoute } from './transcript-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/** The API of Lethe itself, under /api/v1. It only translates to the rooms' operations. */
export async function addNativeApi(server: HttpServer, app: Application): Promise<void> {
  addUserRoutes(server, app)
  addExportRoute(server, app)
  addKeptExportRoutes(server, app)
  addTranscriptRoute(server, app)
  addCatalogRoutes(server, app)
  addCourseRoutes(server, app)
  addEnrollmentRoutes(server, app)
  addSkillRoutes(server, app)
  addGroupRoutes(server, app)
  addNotificationRoutes(server, app)
  addErasureRoutes(server, app)
  addProofRoutes(server, app)
  addAuditRoutes(server, app)
  addCredentialRoutes(server, app)
  addSessionRoutes(server, app)
  addTenantRoutes(server, app)
  await addTokenRoutes(server, app)
}
