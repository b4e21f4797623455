import type { Readable } from 'node:stream'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { writeArchive } from './export-archive.ts'
import { exportUser } from './export-user.ts'
import { spool } from './spool.ts'

/**
 * Everything that is held about a user in one ZIP archive that is read as a stream, once the whole of it is there: an
 * answer that begins is complete, and a slow reader holds nothing of the database. Until then it lies in `folder`, as
 * {@link spool} keeps it. Throws like {@link exportUser}.
 */
export async function streamExport(
  tx: TenantTransaction,
  options: { userId: string; folder: string },
): Promise<{ stream: Readable; bytes: number }> {
  const { userId, folder } = options
  return await spool(folder, (take) => writeArchive(take, (receive) => exportUser(tx, { userId, receive })))
}
