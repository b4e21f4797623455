import type { Readable } from 'node:stream'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { writeArchive } from './export-archive.ts'
import { exportUser } from './export-user.ts'
import { spool } from './spool.ts'

/**
 * Everything that is held about a user in one ZIP archive, as a stream that begins when the archive is complete. So a
 * response that begins is complete, and a slow reader holds no connection. Until then it lies in `folder`, as {@link
 * spool} keeps it. Throws like {@link exportUser}.
 */
export async function streamExport(
  tx: TenantTransaction,
  options: { userId: string; folder: string },
): Promise<{ stream: Readable; bytes: number }> {
  const { userId, folder } = options
  return await spool(folder, (take) => writeArchive(take, (receive) => exportUser(tx, { userId, receive })))
}
