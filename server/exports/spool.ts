import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { v4 as randomId } from 'uuid'
import { newKey } from '../platform/crypto/seal.ts'
import { codeOf } from '../platform/database/pool.ts'
import { inChunks, openChunk, sealChunk } from './export-content.ts'

/** Where this process keeps files: the settings of the same names. */
export type SpoolPlace = { databaseUrl: string | undefined; dataFolder: string }

/**
 * The folder for content that waits on disk until it is sent: in the data folder. With a PostgreSQL server of your own,
 * there is no data folder, so it is the system's temporary folder.
 */
export function spoolFolderOf(place: SpoolPlace): string {
  return place.databaseUrl === undefined ? path.join(place.dataFolder, 'spool') : os.tmpdir()
}

/**
 * Keeps content on disk until it is read once, from the beginning to the end. Only this process can read it. The file
 * loses its name before the first write, so a crash leaves nothing. The content is encrypted under a key that exists
 * only in memory. Answers the content as a stream and its length in bytes.
 *
 * `write` is called with a function that takes the content. Throws what `write` throws.
 */
export async function spool(
  folder: string,
  write: (take: (bytes: AsyncIterable<Buffer>) => Promise<void>) => Promise<unknown>,
): Promise<{ stream: Readable; bytes: number }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = path.join(folder, `lethe-spool-${randomId()}`)
  const file = await open(name, 'wx+', 0o600)
  try {
    await rm(name)
    const key = newKey()
    let bytes = 0
    const lengths: number[] = []
    await write(async (content) => {
      for await (const chunk of inChunks(content)) {
        const sealed = sealChunk(key, chunk)
        lengths.push(sealed.length)
        bytes += chunk.plain.length
        await file.writeFile(sealed)
      }
    })
    const read = async function* () {
      try {
        let from = 0
        for (const [position, length] of lengths.entries()) {
          const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
          if (bytesRead < length) throw new Error('the spooled content is shorter than it was written')
          from += length
          yield openChunk(key, buffer, { position, last: position === lengths.length - 1 })
        }
      } finally {
        await file.close()
      }
    }
    // Destroyed before the first read, a generator does not run, not even its end.
    let begun = false
    const content = read()
    const stream = Readable.from(
      (async function* () {
        begun = true
        yield* content
      })(),
    )
    stream.once('close', () => {
      if (!begun) file.close().catch(() => undefined)
    })
    return { stream, bytes }
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Removes what crashes left in the spool folder; and archives that earlier versions left readable in the system's
 * temporary folder. Only for the one process that serves the data folder. What cannot be removed, because it is another
 * user's, stays.
 */
export async function cleanSpool(place: SpoolPlace): Promise<void> {
  const inDataFolder = place.databaseUrl === undefined
  if (inDataFolder) await removeFrom(spoolFolderOf(place), (name) => name.startsWith('lethe-spool-'))
  // An hour: longer than a server of an earlier version that still runs beside this one needs for an archive.
  const long = Date.now() - 60 * 60 * 1000
  await removeFrom(os.tmpdir(), async (name, file) => {
    if (!/^lethe-export-[A-Za-z0-9]{6}$/.test(name)) return false
    const content = await readdir(file)
    const found = await stat(file)
    return found.mtimeMs < long && content.every((one) => one === 'export.zip')
  })
}

async function removeFrom(
  folder: string,
  isLeft: (name: string, file: string) => boolean | Promise<boolean>,
): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  for (const name of names) {
    const file = path.join(folder, name)
    try {
      if (await isLeft(name, file)) await rm(file, { recursive: true, force: true })
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) throw error
    }
  }
}
