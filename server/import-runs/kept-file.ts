import { type Hasher, wholeWord } from '../audit/words.ts'
import { type Chunk, chunkBytes, sealChunk } from '../exports/export-content.ts'
import { ExportWords } from '../exports/export-words.ts'
import type { IdentifierKind } from '../identifiers/identifier-key.ts'
import { newKey } from '../platform/crypto/seal.ts'

const newline = 0x0a
/** A file without line breaks is read for words in pieces of this many bytes. */
const longestLine = 1024 * 1024

/**
 * The file of an import, sealed while it is read: chunks under a key of its own, and the words in it as keyed hashes. So
 * the process holds a chunk and the words of at most so many lines, never the whole file.
 */
export class KeptFile {
  readonly key = newKey()
  readonly #words: ExportWords
  /** Bytes of the file so far. */
  size = 0
  #position = 0
  #gathered: Buffer[] = []
  #length = 0
  #line: Buffer = Buffer.alloc(0)
  #sealed: { position: number; content: Buffer }[] = []

  constructor(hash: Hasher) {
    this.#words = new ExportWords(hash)
  }

  /** Takes the next bytes of the file. */
  add(bytes: Buffer): void {
    this.size += bytes.length
    this.#readWords(bytes)
    this.#gathered.push(bytes)
    this.#length += bytes.length
    // A full chunk waits for what comes next, because it may be the last.
    if (this.#length <= chunkBytes) return
    const all = Buffer.concat(this.#gathered)
    let from = 0
    for (; all.length - from > chunkBytes; from += chunkBytes) this.#seal(all.subarray(from, from + chunkBytes), false)
    this.#gathered = [all.subarray(from)]
    this.#length = all.length - from
  }

  /** Takes the whole value of a cell that holds an identifier of this kind. */
  addIdentifier(kind: IdentifierKind, value: string): void {
    this.#words.addValue(kind, value)
  }

  /** The chunks that are complete since the last call. */
  take(): { position: number; content: Buffer }[] {
    return this.#sealed.splice(0)
  }

  /** Ends the file; {@link take} then gives the last chunk. */
  end(): void {
    this.#words.addText(this.#line.toString('utf8'))
    this.#line = Buffer.alloc(0)
    this.#seal(Buffer.concat(this.#gathered), true)
    this.#gathered = []
  }

  /** The words of the file as they are stored. */
  words(): Buffer {
    return this.#words.toBytes()
  }

  #seal(plain: Buffer, last: boolean): void {
    const chunk: Chunk = { position: this.#position++, plain, last }
    this.#sealed.push({ position: chunk.position, content: sealChunk(this.key, chunk) })
  }

  #readWords(bytes: Buffer): void {
    const all = this.#line.length === 0 ? bytes : Buffer.concat([this.#line, bytes])
    const end = all.lastIndexOf(newline) + 1
    const cut = end > 0 ? end : all.length > longestLine ? all.length : 0
    // Bytes that are no UTF-8 become signs, which end a word; the words around them count.
    if (cut > 0) this.#words.addText(all.subarray(0, cut).toString('utf8'))
    this.#line = all.subarray(cut)
  }
}

/** The word of a user's internal id, as the whole value of a cell. */
export function wordOfUser(hash: Hasher, userId: string): string {
  return hash(wholeWord(userId.toLowerCase()))
}
