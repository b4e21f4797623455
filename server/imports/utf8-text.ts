import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { LetheError } from '../platform/errors.ts'
import { inputError } from '../platform/validation/errors.ts'
import { unreadable } from './line-reader.ts'

const newline = 0x0a
const longestLine = 1024 * 1024

/**
 * The text of a source in UTF-8, in pieces that end with whole lines, without a byte order mark. Nothing is put in the
 * place of bytes that are no UTF-8: they would be stored as if somebody had written that.
 *
 * Throws `input.invalid` with the line that is no UTF-8, and `input.file_unreadable` for UTF-16, for a line of more than
 * 1 MiB, and where the source cannot be read. `file` names it in errors.
 */
export async function* utf8Text(source: AsyncIterable<Buffer | string>, file: string): AsyncGenerator<string> {
  let begun: Buffer = Buffer.alloc(0)
  let line = 1
  let atStart = true
  function decode(bytes: Buffer): string {
    if (atStart) refuseUtf16(bytes, file)
    if (!isUtf8(bytes)) throw notUtf8(file, line + badLine(bytes))
    const text = bytes.toString('utf8')
    const isMarked = atStart && text.startsWith('\ufeff')
    atStart = false
    line += countOf(bytes)
    return isMarked ? text.slice(1) : text
  }
  try {
    for await (const piece of source) {
      const bytes = Buffer.concat([begun, Buffer.from(piece)])
      const end = bytes.lastIndexOf(newline) + 1
      if (end > 0) yield decode(bytes.subarray(0, end))
      begun = bytes.subarray(end)
      if (begun.length > longestLine) {
        throw inputError('input.file_unreadable', { file, reason: 'it has a line of more than 1 MiB' })
      }
    }
  } catch (error) {
    throw error instanceof LetheError ? error : unreadable(file, error)
  }
  if (begun.length > 0) yield decode(begun)
}

/** All of a file that is one text. Throws as {@link utf8Text} does, except for a long line. */
export async function readUtf8(source: AsyncIterable<Buffer | string>, file: string): Promise<string> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of source) pieces.push(Buffer.from(piece))
  } catch (error) {
    throw unreadable(file, error)
  }
  const bytes = Buffer.concat(pieces)
  refuseUtf16(bytes, file)
  if (!isUtf8(bytes)) throw notUtf8(file, 1 + badLine(bytes))
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

/** A file's bytes; "-" stands for standard input. */
export function openSource(file: string): AsyncIterable<Buffer | string> {
  return file === '-' ? process.stdin : createReadStream(file)
}

function refuseUtf16(bytes: Buffer, file: string): void {
  const mark = bytes.length > 1 ? bytes.readUInt16BE(0) : 0
  if (mark === 0xfeff || mark === 0xfffe || bytes.subarray(0, 4).includes(0)) {
    throw inputError('input.file_unreadable', { file, reason: 'it is UTF-16; save it as UTF-8' })
  }
}

function notUtf8(file: string, line: number): LetheError {
  return inputError('input.invalid', {
    field: `line ${line} of ${file}`,
    expected: 'it is not UTF-8; save the file as UTF-8',
  })
}

/** How many lines come before the first one that is no UTF-8. */
function badLine(bytes: Buffer): number {
  let start = 0
  for (let before = 0; ; before++) {
    const end = bytes.indexOf(newline, start) + 1
    if (end === 0 || !isUtf8(bytes.subarray(start, end))) return before
    start = end
  }
}

function countOf(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count++
  return count
}
