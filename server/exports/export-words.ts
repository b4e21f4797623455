import { type Hasher, type WordHash, wholeWord, wordsOfText } from '../audit/words.ts'
import { BloomFilter } from '../platform/bloom-filter.ts'
import { type IdentifierKind, identifierKey } from '../identifiers/identifier-key.ts'
import { identifierColumns } from '../datamap/identifier-columns.ts'

/** Of more words than these, a filter of fixed size is kept: what an export takes in memory has an end. */
const mostWords = 100_000
const roomForMany = 1 << 20

/** The value of a field that holds an identifier, in the JSON of rows; `value` is that of a former identifier. */
const identifierFields = new RegExp(
  `"(?:${[...identifierColumns.map(({ column }) => column), 'value'].join('|')})" ?: ?("(?:[^"\\\\]|\\\\.)*")`,
  'g',
)
const kinds: readonly IdentifierKind[] = [...new Set(identifierColumns.map(({ kind }) => kind))]

/**
 * The words of an export, gathered while it is written: whether it may hold an identifier of somebody who is erased later
 * can be told without opening it. About one in a thousand of those that hold none is taken for one that does.
 */
export class ExportWords {
  readonly #hash: Hasher
  #words = new Set<WordHash>()
  #filter: BloomFilter | undefined

  constructor(hash: Hasher) {
    this.#hash = hash
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
    if (this.#words.size <= mostWords) return
    this.#filter ??= new BloomFilter(roomForMany)
    addAll(this.#filter, this.#words)
    this.#words.clear()
  }

  /** The filter as it is stored; nothing can be added to it any more. */
  toBytes(): Buffer {
    const filter = this.#filter ?? new BloomFilter(this.#words.size)
    addAll(filter, this.#words)
    return filter.toBytes()
  }
}

function addAll(filter: BloomFilter, words: Iterable<WordHash>): void {
  for (const word of words) filter.add(...halvesOf(word))
}

/** Whether an export with these words, as stored, may hold an identifier: all words of one of its lists. */
export function mayHold(stored: Buffer, probes: readonly (readonly WordHash[])[]): boolean {
  const filter = BloomFilter.fromBytes(stored)
  return probes.some((words) => words.every((word) => filter.mayHold(...halvesOf(word))))
}

function halvesOf(word: WordHash): [first: number, second: number] {
  const bits = BigInt.asUintN(64, BigInt(word))
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)]
}
