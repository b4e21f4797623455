import { once } from 'node:events'
import type { Command } from 'commander'
import { claimDataFolder } from '../platform/database/embedded.ts'
import { openLog } from '../platform/log.ts'
import { startWorkers } from '../workers.ts'
import { helpText } from './help-text.ts'
import { type ApplicationSession, withApplication } from './session.ts'

/** `lethe serve` */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('work on orders until stopped with Ctrl-C')
    .addHelpText(
      'after',
      helpText({
        notes:
          'With a server of your own, any number of them may run. "lethe purge" and "lethe anonymize" also work by themselves.',
        exitCodes: { 0: 'stopped with Ctrl-C, when what was running had ended' },
        examples: ['lethe serve', 'lethe serve --data /var/lib/lethe --quiet'],
      }),
    )
    .action(async (_options: unknown, command: Command) => {
      await withApplication(command, (session) => serve(session, { command: 'lethe serve' }), { untilStopped: true })
    })
}

/**
 * Runs the workers until the session is stopped; `prepare` comes first, when the data folder is this process's alone.
 * `command` is kept in the data folder for whoever wants to know what runs there.
 *
 * Throws `data_folder.in_use` where another process serves the data folder.
 */
export async function serve(
  session: ApplicationSession,
  options: { command: string; prepare?: () => Promise<void> },
): Promise<void> {
  const { application, signal, output, config } = session
  const claim = config.databaseUrl === undefined ? await claimDataFolder(config.dataFolder, options.command) : undefined
  try {
    await options.prepare?.()
    signal.throwIfAborted()
    const workers = await startWorkers(application, openLog())
    try {
      output.note('Working on orders. Ctrl-C ends.')
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      await workers.stop()
    }
  } finally {
    await claim?.release()
  }
}
