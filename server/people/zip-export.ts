import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import yazl from 'yazl'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { exportUser } from './export-user.ts'

/**
 * Everything that is held about a user, as {@link exportUser} writes it, in one ZIP file that is read as a stream. When
 * this answers, nothing on the disk has a name any more: what is left of the file goes when the stream is closed.
 *
 * Throws `user.not_found`, also for an anonymized user.
 */
export async function zipExport(tx: TenantTransaction, userId: string): Promise<{ stream: Readable; bytes: number }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-'))
  try {
    const content = path.join(folder, 'content')
    await mkdir(content, { mode: 0o700 })
    await exportUser(tx, { userId, folder: content })
    const file = path.join(folder, 'export.zip')
    await zip(content, file)
    const handle = await open(file, 'r')
    const { size } = await handle.stat()
    return { stream: handle.createReadStream(), bytes: size }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function zip(folder: string, file: string): Promise<void> {
  const archive = new yazl.ZipFile()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter((one) => one.isFile())) {
    const whole = path.join(entry.parentPath, entry.name)
    archive.addFile(whole, path.relative(folder, whole).split(path.sep).join('/'), { mode: 0o100600 })
  }
  archive.end()
  await pipeline(archive.outputStream, createWriteStream(file, { mode: 0o600 }))
}
