import type { Logger } from 'pino'
import type { Application } from './application.ts'
import { runErasure } from './erasure/run-erasure.ts'
import { runSearch } from './erasure/run-search.ts'
import { cleanExports } from './exports/clean-exports.ts'
import { runExport } from './exports/run-export.ts'
import { type Workers, work } from './platform/jobs/work.ts'

/** Starts working on the jobs of every room. */
export function startWorkers(app: Application, log: Logger): Promise<Workers> {
  return work(
    app.database,
    {
      erase: (payload) => runErasure(app, payload),
      search: () => runSearch(app),
      export: (payload) => runExport(app, payload),
      clean_exports: () => cleanExports(app),
    },
    { concurrency: app.config.workers, log, hourly: ['clean_exports'] },
  )
}
