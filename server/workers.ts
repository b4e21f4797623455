import type { Logger } from 'pino'
import { cleanAttempts } from './access/sign-in-attempts.ts'
import type { Application } from './application.ts'
import { sealWaiting } from './audit/seal-audit.ts'
import { watchUnsealed } from './audit/watch-unsealed.ts'
import { enqueueDueRuns } from './connectors/runs.ts'
import { cleanAcknowledgementLinks, webhookLink } from './erasure/acknowledgements/links.ts'
import { signAcknowledgements, signAllWaiting } from './erasure/acknowledgements/sign-acknowledgements.ts'
import { runRewrite } from './erasure/disk/run-rewrite.ts'
import { runErasure } from './erasure/engine/run-erasure.ts'
import { cleanPlans } from './erasure/plans/clean-plans.ts'
import { expireMatches } from './erasure/reach/decide-match.ts'
import { runReach } from './erasure/reach/run-reach.ts'
import { runDuePolicies } from './erasure/retention/run-due-policies.ts'
import { runResumeHeld } from './erasure/safeguards/resume-held.ts'
import { runStartScheduled } from './erasure/safeguards/start-scheduled.ts'
import { wakeErasures } from './erasure/safeguards/wake-erasures.ts'
import { runSearch } from './erasure/search/run-search.ts'
import { isTenantDeleted } from './erasure/tenants/read-tenant-deletions.ts'
import { tellAccepted } from './erasure/wishes/tell-accepted.ts'
import { cleanExports } from './exports/clean-exports.ts'
import { runExport } from './exports/run-export.ts'
import { spoolFolderOf } from './exports/spool.ts'
import { cleanIdempotentRequests } from './http/idempotency.ts'
import { cleanConfirmationLinks, sendConfirmation } from './identity/send-confirmation.ts'
import { cleanProviderTokens } from './identity/verify-provider-token.ts'
import { cleanImportFiles } from './import-runs/clean-files.ts'
import { runConnector } from './imports/connectors/run-connector.ts'
import { sendConnectorEmail } from './imports/connectors/send-connector-email.ts'
import { openMailer } from './notify/mailer.ts'
import { sendEmail } from './notify/send-email.ts'
import { readTrails } from './people/identifiers/read-trail.ts'
import { applyDueDates } from './people/lifecycle/employment-dates.ts'
import { actingFor, type Database, forWork } from './platform/database/pool.ts'
import { type Task, type Workers, work } from './platform/jobs/work.ts'
import { cleanReceivedEvents } from './received-events/reserve-event.ts'
import { deliverEvents } from './webhooks/deliver.ts'
import { cleanDeliveries } from './webhooks/end-deliveries.ts'

const hourly = [
  'wake_erasures',
  'run_retention',
  'read_trails',
  'clean_exports',
  'clean_imports',
  'clean_plans',
  'clean_sign_in_attempts',
  'clean_idempotent_requests',
  'clean_received_events',
  'clean_confirmation_links',
  'clean_provider_tokens',
  'clean_deliveries',
  'reach',
  'expire_matches',
  'sign_all_acknowledgements',
  'clean_acknowledgement_links',
]

/** Starts working on the jobs of every room. The system is the initiator of a job, whoever requested the work. */
export async function startWorkers(given: Application, log: Logger): Promise<Workers> {
  const app = { ...given, database: forWork(actingFor(given.database, { from: 'system' })) }
  const mailer = openMailer(app.config)
  const workers = await work(
    app.database,
    endingWithTenants(app.database, {
      async erase(payload, signal) {
        await tellAccepted(app.database, mailer, payload)
        await runErasure(app.database, payload, signal)
      },
      reach: (payload) => runReach(app.database, payload),
      clean_provider_tokens: () => cleanProviderTokens(app.database),
      clean_deliveries: () => cleanDeliveries(app.database),
      expire_matches: () => expireMatches(app.database),
      resume_held: ({ tenant = '' }) => runResumeHeld(app.database, tenant),
      start_erasure: ({ tenant = '', request = '' }) => runStartScheduled(app.database, tenant, request),
      wake_erasures: () => wakeErasures(app.database),
      run_retention: () => runDuePolicies(app.database),
      search: () => runSearch(app.database),
      sign_acknowledgements: ({ tenant = '', request = '' }) => signAcknowledgements(app.database, tenant, request),
      sign_all_acknowledgements: () => signAllWaiting(app.database),
      clean_acknowledgement_links: () => cleanAcknowledgementLinks(app.database),
      send_email: (payload) => sendEmail(app.database, mailer, payload),
      send_confirmation: (payload) => sendConfirmation(app.database, mailer, payload),
      clean_confirmation_links: () => cleanConfirmationLinks(app.database),
      seal_audit: (payload) => sealWaiting(app.database, payload),
      export: (payload) => runExport(app.database, payload),
      clean_exports: () => cleanExports(app.database),
      enqueue_due_connectors: () => enqueueDueRuns(app.database),
      run_connector: (payload, signal) =>
        runConnector(app.database, { ...app.config, spoolFolder: spoolFolderOf(app.config) }, payload, signal),
      send_connector_email: (payload) => sendConnectorEmail(app.database, mailer, payload),
      clean_imports: () => cleanImportFiles(app.database),
      read_trails: () => readTrails(app.database, log),
      rewrite_tables: () => runRewrite(app, { sizeLimit: app.config.rewriteLimit }, log),
      apply_due_dates: () => applyDueDates(app.database, log),
      clean_plans: () => cleanPlans(app),
      clean_sign_in_attempts: () => cleanAttempts(app.database),
      clean_idempotent_requests: () => cleanIdempotentRequests(app),
      clean_received_events: () => cleanReceivedEvents(app),
    }),
    {
      concurrency: app.config.workers,
      log,
      everyMinute: ['enqueue_due_connectors', 'apply_due_dates'],
      hourly,
      // With a server of one's own, "lethe db rewrite" does it when its operator says so.
      daily:
        app.embeddedFolder !== undefined && app.config.rewriteAt !== undefined
          ? [{ task: 'rewrite_tables', at: app.config.rewriteAt }]
          : [],
    },
  )
  const sealing = watchUnsealed(app.database, log)
  const delivering = deliverEvents(app.database, app.config, log, {
    linkOf: async (tx, given) => (await webhookLink(tx, { ...given, publicUrl: app.config.publicUrl }))?.url,
  })
  return {
    missingFor: workers.missingFor,
    idleFor: workers.idleFor,
    async stop() {
      await Promise.all([sealing.stop(), delivering.stop()])
      await workers.stop()
    },
  }
}

/** Tasks that end quietly where their tenant was deleted meanwhile: nothing is left to do, and another try would fail too. */
function endingWithTenants(database: Database, tasks: Record<string, Task>): Record<string, Task> {
  const ending =
    (task: Task): Task =>
    async (payload, signal) => {
      try {
        await task(payload, signal)
      } catch (error) {
        const { tenant } = payload ?? {}
        if (tenant === undefined || !(await isTenantDeleted(database, tenant))) throw error
      }
    }
  return Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, ending(task)]))
}
