import type { Application } from '../../application.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { addTokenRoutes } from '../oauth/token-routes.ts'
import { addAuditRoutes } from './audit/routes.ts'
import { addCatalogRoutes } from './catalogs/routes.ts'
import { addCourseRoutes } from './courses/routes.ts'
import { addCredentialRoutes } from './credentials/routes.ts'
import { addEnrollmentRoutes } from './enrollments/routes.ts'
import { addProofRoutes } from './erasures/proof-routes.ts'
import { addErasureRoutes } from './erasures/routes.ts'
import { addKeptExportRoutes } from './exports/routes.ts'
import { addGroupRoutes } from './groups/routes.ts'
import { addNotificationRoutes } from './notifications/routes.ts'
import { addSessionRoutes } from './sign-in/routes.ts'
import { addSkillRoutes } from './skills/routes.ts'
import { addTenantRoutes } from './tenants/routes.ts'
import { addExportRoute } from './users/export-route.ts'
import { addUserRoutes } from './users/routes.ts'
import { addTranscriptRoute } from './users/transcript-route.ts'

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
