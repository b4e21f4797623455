import type { Logger } from 'pino'
import { rewriteError } from './errors.ts'
import { concludeOnDisk, passLog } from './pass-log.ts'
import { asOwner, type OwnedDatabase, rewriteDatabase } from './rewrite-database.ts'

/** So many segments of the log, of 16 MiB each, are written over in one night. */
const mostSegments = 64

/**
 * The job that brings erasures to the higher levels on disk, on the embedded server. It rewrites the touched tables up
 * to the limit (in bytes), and pauses after each for as long as it took. It lets requests pass that use a table, and
 * then moves the log forward. What is not done this time is done the next.
 */
export async function runRewrite(
  owned: OwnedDatabase,
  options: { sizeLimit: number | undefined },
  log: Logger,
): Promise<void> {
  await asOwner(owned, async (owner) => {
    try {
      const { tables, held, stale, busy, reached } = await rewriteDatabase(owned, owner, {
        level: 4,
        sizeLimit: options.sizeLimit,
        gentle: true,
        lockTimeout: 2_000,
        tries: 5,
      })
      if (tables.length + held.length + busy.length > 0) {
        log.info({ tables: tables.length, held, stale, busy, reached }, 'tables that erasures touched were rewritten')
      }
    } catch (error) {
      if (!rewriteError.is(error, 'database.rewrite_running')) throw error
      log.info('the tables are being rewritten already')
    }
    await passLog(owner, { most: mostSegments })
  })
  await concludeOnDisk(owned.database)
}
