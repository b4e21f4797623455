import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { codeOf } from '../platform/database/pool.ts'
import { LetheError } from '../platform/errors.ts'
import { inputError } from '../platform/validation/errors.ts'

const newline = 0x0a
const longestLine = 1024 * 1024

/** Whole lines of a file; each one ends with a line feed, the last line of the file too. */
export type Lines = { text: Buffer; count: number }

/**
 * Reads a text file, compressed by gzip where its name ends in .gz, line by line, and never holds more of it than the
 * caller asks for. Carriage returns before a line feed are dropped. `digest` is the SHA-256 of the lines handed out or
 * skipped, header apart, so it does not depend on the compression, the line ends or where the reader was stopped.
 *
 * Throws `input.file_unreadable` where the file cannot be read to its end.
 */
export class LineReader {
  readonly file: string
  #source: { bytesRead: number }
  #blocks: AsyncGenerator<Buffer>
  #rest: Buffer = Buffer.alloc(0)
  #hash = createHash('sha256')

  constructor(filePath: string) {
    this.file = path.basename(filePath)
    const source = createReadStream(filePath, { highWaterMark: 256 * 1024 })
    this.#source = source
    this.#blocks = wholeLines(this.file, filePath.endsWith('.gz') ? unzipped(source) : source)
  }

  /** Bytes of the file, as it lies on the disk, read so far. */
  get bytesRead(): number {
    return this.#source.bytesRead
  }

  /** SHA-256 of all lines after the header that were read or skipped. */
  digest(): Buffer {
    return this.#hash.copy().digest()
  }

  /** The first line, without its end; undefined for an empty file. Call it first: it does not count for the digest. */
  async readHeader(): Promise<string | undefined> {
    const lines = await this.#take(1)
    return lines?.text
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trimEnd()
  }

  /** The next lines, at most `most` of them; undefined at the end of the file. */
  async read(most: number): Promise<Lines | undefined> {
    const lines = await this.#take(most)
    if (lines !== undefined) this.#hash.update(lines.text)
    return lines
  }

  /** Reads past so many lines; false where the file ends before. */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0; ) {
      const lines = await this.read(left)
      if (lines === undefined) return false
      left -= lines.count
    }
    return true
  }

  /** Closes the file. Calling it again does nothing more. */
  async close(): Promise<void> {
    await this.#blocks.return(undefined)
  }

  async #take(most: number): Promise<Lines | undefined> {
    if (this.#rest.length === 0) {
      const next = await this.#blocks.next()
      if (next.done) return undefined
      this.#rest = next.value
    }
    let end = 0
    let count = 0
    while (count < most && end < this.#rest.length) {
      end = this.#rest.indexOf(newline, end) + 1
      count++
    }
    const text = this.#rest.subarray(0, end)
    this.#rest = this.#rest.subarray(end)
    return { text, count }
  }
}

function unzipped(source: Readable): Readable {
  // An error of either stream destroys the last one with that error, and so reaches whoever reads from it.
  return pipeline(source, createGunzip({ chunkSize: 256 * 1024 }), () => undefined)
}

async function* wholeLines(file: string, source: Readable): AsyncGenerator<Buffer> {
  let begun: Buffer = Buffer.alloc(0)
  try {
    for await (const piece of source as AsyncIterable<Buffer>) {
      const end = piece.lastIndexOf(newline) + 1
      if (end > 0) yield withoutReturns(Buffer.concat([begun, piece.subarray(0, end)]))
      begun = end > 0 ? Buffer.from(piece.subarray(end)) : Buffer.concat([begun, piece])
      if (begun.length > longestLine) {
        throw inputError('input.file_unreadable', { file, reason: 'it has a line of more than 1 MiB' })
      }
    }
  } catch (error) {
    throw error instanceof LetheError ? error : unreadable(file, error)
  }
  if (begun.length > 0) yield withoutReturns(Buffer.concat([begun, Buffer.from('\n')]))
}

function withoutReturns(lines: Buffer): Buffer {
  return lines.includes('\r\n') ? Buffer.from(lines.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : lines
}

const reasons: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'the permission is missing',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it is not in a folder',
  Z_BUF_ERROR: 'the compressed data end too early',
  Z_DATA_ERROR: 'the compressed data are damaged',
}

/** Turns a failure to read a file or folder into the error of the table. */
export function unreadable(file: string, error: unknown): LetheError<'input.file_unreadable'> {
  const code = codeOf(error)
  const reason = reasons[code ?? ''] ?? code ?? (error instanceof Error ? error.message : String(error))
  return inputError('input.file_unreadable', { file, reason }, error)
}
