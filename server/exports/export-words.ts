import { type Hasher, type WordHash, wholeWord, wordsOfText } from '../audit/words.ts'
import { identifierColumns } from '../datamap/identifier-columns.ts'
import { type IdentifierKind, identifierKey } from '../identifiers/identifier-key.ts'
import { BloomFilter } from '../platform/bloom-filter.ts'

/**
 * Of more words than these, a filter of fixed size is kept: what an export takes in memory has an end. Fewer are kept
 * whole. A filter errs, and a purge of thousands of people asks it often enough to destroy each export that it asks about.
 */
const usualMostWords = 100_000
const roomForMany = 1 << 21

/** The first byte of stored words says how the rest is written. */
const asHashes = 0
const asFilter = 1
const bytesOfHash = 8

/** The value of a field that holds an identifier, in the JSON of rows; `value` is that of a former identifier. */
const identifierFields = new RegExp(
  `"(?:${[...identifierColumns.map(({ column }) => column), 'value'].join('|')})" ?: ?("(?:[^"\\\\]|\\\\.)*")`,
  'g',
)
const kinds: readonly IdentifierKind[] = [...new Set(identifierColumns.map(({ kind }) => kind))]

/**
 * The words of an export, gathered while it is written: whether it may hold an identifier of somebody who is erased later
 * can be told without opening it. Of an export with more than 100,000 different words, at most one in a thousand words that
 * it does not hold is taken for one of its own.
 */
export class ExportWords {
  readonly #hash: Hasher
  readonly #mostWords: number
  #words = new Set<WordHash>()
  #filter: BloomFilter | undefined

  /** Keeps at most so many words whole. */
  constructor(hash: Hasher, mostWords = usualMostWords) {
    this.#hash = hash
    this.#mostWords = mostWords
  }

  /** Takes the JSON of some rows. */
  add(text: string): void {
    const hashed = new Map<string, WordHash>()
    const once = (word: string) => {
      const known = hashed.get(word)
      if (known !== undefined) return known
      const made = this.#hash(word)
      hashed.set(word, made)
      return made
    }
    wordsOfText(once, text, this.#words)
    for (const [, field = '""'] of text.matchAll(identifierFields)) {
      const value = String(JSON.parse(field))
      for (const kind of kinds) this.#words.add(once(wholeWord(identifierKey(kind, value))))
    }
    this.#keepFew()
  }

  /** Takes any text, such as lines of a file. */
  addText(text: string): void {
    wordsOfText(this.#hash, text, this.#words)
    this.#keepFew()
  }

  /** Takes the whole value of a field that holds an identifier of this kind. */
  addValue(kind: IdentifierKind, value: string): void {
    this.#words.add(this.#hash(wholeWord(identifierKey(kind, value))))
  }

  #keepFew(): void {
    if (this.#words.size <= this.#mostWords) return
    this.#filter ??= new BloomFilter(roomForMany)
    addAll(this.#filter, this.#words)
    this.#words.clear()
  }

  /** The words as they are stored; nothing can be added to them any more. */
  toBytes(): Buffer {
    if (this.#filter !== undefined) {
      addAll(this.#filter, this.#words)
      return Buffer.concat([Buffer.of(asFilter), this.#filter.toBytes()])
    }
    const hashes = BigInt64Array.from(this.#words, BigInt).sort()
    const bytes = Buffer.alloc(1 + bytesOfHash * hashes.length, asHashes)
    for (const [at, hash] of hashes.entries()) bytes.writeBigInt64LE(hash, 1 + bytesOfHash * at)
    return bytes
  }
}

function addAll(filter: BloomFilter, words: Iterable<WordHash>): void {
  for (const word of words) filter.add(...halvesOf(word))
}

/** Whether an export with these words, as stored, may hold an identifier: all words of one of its lists. */
export function mayHold(stored: Buffer, probes: readonly (readonly WordHash[])[]): boolean {
  const has = reader(stored)
  return probes.some((words) => words.every(has))
}

function reader(stored: Buffer): (word: WordHash) => boolean {
  if (stored[0] === asHashes) return (word) => isAmong(stored, BigInt(word))
  const filter = BloomFilter.fromBytes(stored.subarray(1))
  return (word) => filter.mayHold(...halvesOf(word))
}

/** Looks the hash up in sorted ones, by halves. */
function isAmong(stored: Buffer, hash: bigint): boolean {
  let from = 0
  let to = (stored.length - 1) / bytesOfHash
  while (from < to) {
    const middle = (from + to) >>> 1
    const found = stored.readBigInt64LE(1 + bytesOfHash * middle)
    if (found === hash) return true
    if (found < hash) from = middle + 1
    else to = middle
  }
  return false
}

function halvesOf(word: WordHash): [first: number, second: number] {
  const bits = BigInt.asUintN(64, BigInt(word))
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)]
}
