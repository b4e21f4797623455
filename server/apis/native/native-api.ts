import type { Api } from '../../http/api.ts'
import type { WebhookSettings } from '../../webhooks/settings.ts'
import { addAuditRoutes } from './audit/routes.ts'
import { addCatalogChanges } from './catalogs/change-routes.ts'
import { addCatalogRoutes } from './catalogs/routes.ts'
import { addConnectorRoutes } from './connectors/routes.ts'
import { addContactRoutes } from './contacts/routes.ts'
import { addCourseChanges } from './courses/change-routes.ts'
import { addPostRoutes } from './courses/post-routes.ts'
import { addCourseRoutes } from './courses/routes.ts'
import { addCredentialRoutes } from './credentials/routes.ts'
import { addEnrollmentRoutes } from './enrollments/routes.ts'
import { addAcknowledgementRoutes } from './erasures/acknowledgement-routes.ts'
import { addApprovalRoutes } from './erasures/approval-routes.ts'
import { addCertificateKeys } from './erasures/certificate-keys.ts'
import { addConfirmRoute } from './erasures/confirm-route.ts'
import { addProofRoutes } from './erasures/proof-routes.ts'
import { addErasureRoutes } from './erasures/routes.ts'
import { addSubjectProofRoute } from './erasures/subject-proof-route.ts'
import { addKeptExportRoutes } from './exports/routes.ts'
import { addExternalSystemRoutes } from './external-systems/routes.ts'
import { addGroupRoutes } from './groups/routes.ts'
import { addHoldRoutes } from './holds/routes.ts'
import { addProviderRoutes } from './identity/provider-routes.ts'
import { addIdentityRoutes } from './identity/user-routes.ts'
import { addImportRoutes } from './imports/routes.ts'
import { addUpload } from './imports/upload-route.ts'
import { addNotificationRoutes } from './notifications/routes.ts'
import { addReachRoutes } from './reach/routes.ts'
import { addRetentionRoutes } from './retention/routes.ts'
import { addSessionRoutes } from './sign-in/routes.ts'
import { addSkillRoutes } from './skills/routes.ts'
import { addTenantDeletionRoutes } from './tenants/deletion-routes.ts'
import { addCreatorRoute, addTenantRoutes } from './tenants/routes.ts'
import { addDatesRoute } from './users/dates-route.ts'
import { addExportRoute } from './users/export-route.ts'
import { addReturnedRoute } from './users/returned-route.ts'
import { addUserRoutes } from './users/routes.ts'
import { addTranscriptRoute } from './users/transcript-route.ts'
import { addWebhookRoutes } from './webhooks/routes.ts'
import { addWishRoutes } from './wishes/routes.ts'

/** The API of Lethe itself, under /api/v1. It only translates to the rooms' operations. */
export function nativeApi(options: { spoolFolder: string; webhooks: WebhookSettings }): Api {
  return {
    title: 'Lethe',
    prefixes: ['/api/v1', '/.well-known/jwks.json'],
    tags: [
      {
        name: 'Users',
        description: 'People with an account in the tenant: create, change, suspend, delete and restore them.',
      },
      { name: 'Erasures', description: 'Erasure requests to purge or anonymize people, and their certificates.' },
      { name: 'Legal holds', description: 'Legal holds on users and directory groups, which stop every erasure.' },
      { name: 'Retention', description: 'Policies that purge users so many days after they were deleted.' },
      { name: 'Exports', description: 'Kept exports about people, until they expire.' },
      { name: 'Catalogs', description: 'Catalogs and their members.' },
      { name: 'Learning', description: 'Courses, training plans, enrollments, certificates of learners, transcripts.' },
      { name: 'Skills', description: 'Skills, their scales, and awards to users.' },
      { name: 'Groups', description: 'Directory groups, their members, and purged people who return with them.' },
      { name: 'Imports', description: 'Imports of users and data sets: their rows and files.' },
      {
        name: 'External systems',
        description: 'The register of systems outside of Lethe that hold data about people.',
      },
      { name: 'Connectors', description: 'Sources that users are pulled from, on a schedule or on request.' },
      { name: 'Webhooks', description: 'Systems that are told about events, and what is delivered to them.' },
      { name: 'Notifications', description: 'Messages to a user inside the product, read and unread.' },
      { name: 'Audit', description: 'Who did what, and when.' },
      { name: 'Credentials', description: 'API keys and OAuth clients.' },
      { name: 'Sign-in', description: 'Sessions of people and tokens of programs.' },
      { name: 'Tenants', description: 'For the operator of the installation.' },
    ],
    plugin(server) {
      addUserRoutes(server)
      addDatesRoute(server)
      addReturnedRoute(server)
      addIdentityRoutes(server)
      addExportRoute(server, options)
      addKeptExportRoutes(server)
      addTranscriptRoute(server)
      addCatalogRoutes(server)
      addCatalogChanges(server)
      addCourseRoutes(server)
      addCourseChanges(server)
      addPostRoutes(server)
      addEnrollmentRoutes(server)
      addSkillRoutes(server)
      addGroupRoutes(server)
      addImportRoutes(server)
      addUpload(server)
      addConnectorRoutes(server)
      addWebhookRoutes(server, options.webhooks)
      addNotificationRoutes(server)
      addExternalSystemRoutes(server)
      addWishRoutes(server)
      addErasureRoutes(server)
      addContactRoutes(server)
      addConfirmRoute(server)
      addReachRoutes(server)
      addProviderRoutes(server)
      addProofRoutes(server)
      addAcknowledgementRoutes(server)
      addSubjectProofRoute(server)
      addApprovalRoutes(server)
      addHoldRoutes(server)
      addRetentionRoutes(server)
      addAuditRoutes(server)
      addCredentialRoutes(server)
      addSessionRoutes(server)
      addTenantRoutes(server)
      addCreatorRoute(server)
      addTenantDeletionRoutes(server)
      addCertificateKeys(server)
    },
  }
}
