import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { codeOf } from '../platform/database/pool.ts'
import { connectorError } from './errors.ts'
import type { ConnectorSettings } from './settings.ts'

/**
 * Opens a file below a folder that the operator opened to this tenant. What counts is the file that is opened: links are
 * resolved first, and a file that was swapped meanwhile is refused. Close it after use.
 *
 * Throws `connector.folder_not_allowed`, `connector.file_unreadable`.
 */
export async function openFolderFile(
  address: string,
  tenant: string,
  { connectorFolders }: Pick<ConnectorSettings, 'connectorFolders'>,
): Promise<FileHandle> {
  const roots = connectorFolders.filter((one) => one.tenant === undefined || one.tenant === tenant)
  // Outside of every folder, whether there is a file is not told.
  if (!roots.some(({ folder }) => isInside(path.resolve(folder), path.resolve(address)))) {
    throw connectorError('connector.folder_not_allowed')
  }
  try {
    const real = await realpath(address)
    await requireInside(roots, real)
    // Not waiting for a writer, should it be a pipe.
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const opened = await file.stat()
      if (!opened.isFile()) throw connectorError('connector.file_unreadable', { reason: 'it is no regular file' })
      // A folder of the path may have become a link since: then the path leads elsewhere now.
      const again = await realpath(real)
      const found = await stat(again)
      await requireInside(roots, again)
      if (found.dev !== opened.dev || found.ino !== opened.ino) throw connectorError('connector.folder_not_allowed')
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error
    throw connectorError('connector.file_unreadable', { reason: code })
  }
}

async function requireInside(roots: ConnectorSettings['connectorFolders'], real: string): Promise<void> {
  for (const { folder } of roots) {
    if (isInside(await realpath(folder).catch(() => path.resolve(folder)), real)) return
  }
  throw connectorError('connector.folder_not_allowed')
}

function isInside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file)
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)
}
