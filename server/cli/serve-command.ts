import { once } from 'node:events'
import type { Command } from 'commander'
import { claimDataFolder } from '../platform/database/embedded.ts'
import { openLog } from '../platform/log.ts'
import { startWorkers } from '../workers.ts'
import { type ApplicationSession, withApplication } from './session.ts'

/** `lethe serve` */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('work on orders until stopped with Ctrl-C')
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, (session) => serve(session))
    })
}

/** Runs the workers until the session is stopped. `ready` is called once they run. */
export async function serve(session: ApplicationSession, ready?: () => void): Promise<void> {
  const { application, signal, output, config } = session
  const claim = config.databaseUrl === undefined ? await claimDataFolder(config.dataFolder, 'lethe serve') : undefined
  try {
    const workers = await startWorkers(application, openLog())
    output.note('Working on orders. Ctrl-C ends.')
    ready?.()
    try {
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      await workers.stop()
    }
  } finally {
    await claim?.release()
  }
}
