import { inInstallation } from '../../audit/installation-trail.ts'
import { record } from '../../audit/record.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { concludeOnDisk } from './pass-log.ts'

/** How backups copy the database: its rows (pg_dump), or its files with the log (pg_basebackup, a copy of the folder). */
export const backupKinds = ['dump', 'files'] as const
export type BackupKind = (typeof backupKinds)[number]

/**
 * Stores the start of the oldest backup, and adds a signed addendum to the requests that no backup holds. For dumps,
 * the request must have ended before; for files, it must have been at level 5. Answers how many there were. Nothing
 * checks whether it is so. Throws `input.invalid` for a time to come.
 */
export async function declareBackups(
  database: Database,
  { kind, oldest }: { kind: BackupKind; oldest: Date },
): Promise<{ requests: number }> {
  const now = new Date()
  if (oldest > now) {
    throw inputError('input.invalid', { field: 'oldest', expected: 'a time in the past is expected' })
  }
  await inInstallation(database, async (tx) => {
    await tx.query('insert into backup_declarations (declared_at, kind, oldest) values ($1, $2, $3)', [
      now,
      kind,
      oldest,
    ])
    await record(tx, { activity: 'BackupsDeclared', details: { kind, oldest: oldest.toISOString() } })
  })
  return { requests: (await concludeOnDisk(database)).backups }
}
