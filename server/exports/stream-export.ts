import { mkdtemp, open, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { exportToArchive } from './export-archive.ts'

/**
 * Everything that is held about a user in one ZIP archive that is read as a stream, once the whole of it is there: an
 * answer that begins is complete. When this answers, nothing on the disk has a name any more; what is left of the file goes
 * when the stream is closed. Throws like {@link exportToArchive}.
 */
export async function streamExport(
  tx: TenantTransaction,
  userId: string,
): Promise<{ stream: Readable; bytes: number }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-'))
  try {
    const file = path.join(folder, 'export.zip')
    await exportToArchive(tx, { userId, file })
    const handle = await open(file, 'r')
    const { size } = await handle.stat()
    return { stream: handle.createReadStream(), bytes: size }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
