import { PassThrough } from 'node:stream'
import { ZipFile } from 'yazl'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { ExportIndex } from './export-index.ts'
import { type ExportUserOptions, exportUser, type ReceiveFile } from './export-user.ts'
import { writeNewFile } from './new-file.ts'

/**
 * Writes what {@link exportUser} hands over into one ZIP archive, a file that does not exist yet. Nothing is kept in the
 * database. Where it fails, there is no file. Throws `export.file_unusable`, and like exportUser.
 */
export function exportToArchive(
  tx: TenantTransaction,
  options: Omit<ExportUserOptions, 'receive'> & { file: string },
): Promise<ExportIndex> {
  const { file, ...rest } = options
  return writeNewFile(file, (take) => writeArchive(take, (receive) => exportUser(tx, { ...rest, receive })))
}

/**
 * Makes a ZIP archive (ZIP64 if needed) of the files that `produce` hands over: `take` gets the bytes as they are made,
 * and reads them to the end or throws. Neither has to wait in memory for the other. Throws what either throws, once
 * both have ended.
 */
export async function writeArchive<T>(
  take: (bytes: AsyncIterable<Buffer>) => Promise<void>,
  produce: (receive: ReceiveFile) => Promise<T>,
): Promise<T> {
  const zip = new ZipFile()
  const bytes = new PassThrough()
  zip.outputStream.pipe(bytes)
  const failed = new Promise<never>((_, reject) => {
    zip.on('error', reject)
    bytes.on('error', reject)
  })
  const taken = take(bytes)
  const ended = Promise.race([taken, failed])
  let failure: unknown
  let goOn: () => void = () => undefined
  ended.catch((error: unknown) => {
    failure = error
    goOn()
  })
  const mtime = new Date()
  try {
    const result = await produce(async (name, content) => {
      const input = new PassThrough()
      zip.addReadStream(input, name, { mtime, mode: 0o100600 })
      for await (const piece of content) {
        if (!input.write(piece)) {
          await new Promise<void>((resolve) => {
            goOn = resolve
            input.once('drain', resolve)
          })
        }
        if (failure !== undefined) throw failure
      }
      input.end()
    })
    zip.end()
    await ended
    return result
  } catch (error) {
    bytes.destroy(error instanceof Error ? error : new Error(String(error)))
    await Promise.allSettled([taken])
    throw error
  }
}
