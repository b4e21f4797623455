import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Workers in a process of their own. */
export type WorkerProcess = {
  /** How its connections are called in pg_stat_activity. */
  name: string
  /** Ends the process as a crash of the machine would: nothing of it runs any more. */
  kill(): Promise<void>
  /** Lets it finish what it works on. */
  stop(): Promise<void>
}

/** Starts workers on a database; resolves once they work. */
export async function startWorkerProcess(options: {
  name: string
  databaseUrl: string
  masterKey: Buffer
}): Promise<WorkerProcess> {
  const script = fileURLToPath(new URL('worker-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, options.name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      DATABASE_URL: options.databaseUrl,
      LETHE_MASTER_KEY: options.masterKey.toString('base64'),
    },
  })
  const exited = once(child, 'exit')
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => {
      throw new Error('The worker process ended before it was ready')
    }),
  ])
  const end = async (signal: NodeJS.Signals) => {
    if (isRunning(child)) child.kill(signal)
    await exited
  }
  return { name: options.name, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
