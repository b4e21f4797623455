import type { Logger } from 'pino'
import type { Application } from '../application.ts'
import type { Workers } from '../platform/jobs/work.ts'
import { openLog } from '../platform/log.ts'

/**
 * Starts the workers for a command that waits for its own work. They are loaded only here, because loading them takes
 * longer than most commands take to run.
 */
export async function startOwnWorkers(application: Application, log: Logger = openLog('fatal')): Promise<Workers> {
  const { startWorkers } = await import('../workers.ts')
  return await startWorkers(application, log)
}
