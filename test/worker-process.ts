import { openApplication } from '../server/application.ts'
import { readConfig } from '../server/config.ts'
import { openLog } from '../server/platform/log.ts'
import { startWorkers } from '../server/workers.ts'

// A process that works on jobs, one at a time, until it is told to stop, or killed. The environment says where the
// database is.

const app = await openApplication({
  config: readConfig(process.env, { workers: 1 }),
  applicationName: process.argv[2] ?? 'worker',
})
const workers = await startWorkers(app, openLog('warn'))
process.stdout.write('ready\n')
process.once('SIGTERM', () => {
  const stop = async () => {
    await workers.stop()
    await app.close()
  }
  stop().catch((error: unknown) => {
    process.stderr.write(`${error}\n`)
    process.exitCode = 1
  })
})
