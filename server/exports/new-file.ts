import { open, rm } from 'node:fs/promises'
import { codeOf } from '../platform/database/pool.ts'
import { exportError } from './errors.ts'

/**
 * Writes a file that does not exist yet, for its owner's eyes only. `write` is called with a function that takes the
 * content. Where it fails, there is no file. Throws `export.file_unusable`, and what `write` throws.
 */
export async function writeNewFile<T>(
  file: string,
  write: (take: (bytes: AsyncIterable<Buffer>) => Promise<void>) => Promise<T>,
): Promise<T> {
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    const reason = codeOf(error) === 'EEXIST' ? 'it exists' : (codeOf(error) ?? 'it cannot be made')
    throw exportError('export.file_unusable', { file, reason }, error)
  })
  try {
    const result = await write(async (bytes) => {
      for await (const piece of bytes) await handle.writeFile(piece)
    })
    await handle.close()
    return result
  } catch (error) {
    await handle.close()
    await rm(file, { force: true })
    throw error
  }
}
