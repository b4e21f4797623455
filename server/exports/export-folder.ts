import { mkdir, open, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { codeOf } from '../platform/database/pool.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { exportError } from './errors.ts'
import type { ExportIndex } from './export-index.ts'
import { type ExportUserOptions, exportUser } from './export-user.ts'

/**
 * Makes the folder of an export, for its owner's eyes only. Throws `export.folder_unusable` where it exists and is not
 * empty, or cannot be made.
 */
export async function makeExportFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const present = await readdir(folder)
    if (present.length > 0) throw exportError('export.folder_unusable', { folder, reason: 'it is not empty' })
  } catch (error) {
    if (error instanceof LetheError) throw error
    throw exportError('export.folder_unusable', { folder, reason: codeOf(error) ?? 'it cannot be made' }, error)
  }
}

/**
 * Writes what {@link exportUser} hands over into an empty folder. Nothing is kept in the database. Where it fails, the
 * folder is empty again. Throws like exportUser.
 */
export async function exportToFolder(
  tx: TenantTransaction,
  options: Omit<ExportUserOptions, 'receive'> & { folder: string },
): Promise<ExportIndex> {
  const { folder, ...rest } = options
  try {
    for (const name of ['data', 'files']) await mkdir(path.join(folder, name), { recursive: true, mode: 0o700 })
    return await exportUser(tx, {
      ...rest,
      async receive(name, content) {
        const file = await open(path.join(folder, name), 'wx', 0o600)
        try {
          for await (const piece of content) await file.writeFile(piece)
        } finally {
          await file.close()
        }
      },
    })
  } catch (error) {
    for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true })
    throw error
  }
}
