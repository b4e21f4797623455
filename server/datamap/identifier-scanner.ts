import {
  type BoundaryRule,
  boundaryRule,
  type Identifier,
  isAsciiAlphanumeric,
  isSearchable,
  searchForms,
} from './identifiers.ts'
import {
  backslash,
  isEscapeLetter,
  isJoiner,
  letterEndsBefore,
  letterStartsAt,
  lookBack,
  markedBytes,
  newline,
  SearchFormStream,
  tab,
} from './search-form-stream.ts'

/** One identifier in one value: its index in the given list, and the column and row of the stream, counted from 0. */
export type Finding = { identifier: number; column: number; row: number }

type Needle = { bytes: Uint8Array; rule: BoundaryRule; identifiers: number[] }

const prefixLength = 5
const filterBits = 20

const noNeedles: readonly Needle[] = []

const isAddressJoiner = markedBytes('.-')

/**
 * Looks for any number of identifiers at once in the output of PostgreSQL's `copy ... to stdout` (text format, UTF-8), in
 * one pass and in memory that depends on the identifiers only. What counts as an occurrence is said in identifiers.ts;
 * identifiers that are not searchable are compared with whole column values.
 *
 * Every identifier is reported at most once per value, through `onFinding`, in the order of the stream. Findings are
 * complete after `end()`. Chunks may be cut anywhere. An exception thrown by `onFinding` leaves `write` or `end` as it is;
 * the scanner cannot be used after that.
 *
 * How: the stream is brought to search form (COPY, JSON and URL escapes read, case folded) in a sliding window. Only
 * behind a byte that is no ASCII letter or digit can an identifier start; there the hash of the next five bytes is looked
 * up in a bit set that fits the processor's cache and rejects nearly everything. What passes is hashed on to the next end
 * of a word, and on from there as long as some identifier has this beginning.
 */
export class IdentifierScanner extends SearchFormStream {
  readonly #onFinding: (finding: Finding) => void
  /** By the hash of their bytes; the hash of every part of a needle that ends where a word ends is a key, too. */
  readonly #needles = new Map<number, readonly Needle[]>()
  readonly #wholeValues = new Map<number, readonly Needle[]>()
  readonly #filter = new Uint8Array((1 << filterBits) >>> 3)
  #longest = prefixLength
  #longestWholeValue = 0
  /** For every identifier the number of the value it was last reported in. */
  readonly #reportedIn: Float64Array

  #rows = 0
  #column = 0
  #valueNumber = 1

  /** Where the current value starts in the window; negative when that has left the window. */
  #valueStart = 0

  constructor(identifiers: readonly Identifier[], onFinding: (finding: Finding) => void) {
    super()
    this.#onFinding = onFinding
    this.#reportedIn = new Float64Array(identifiers.length)
    identifiers.forEach((identifier, index) => {
      const searchable = isSearchable(identifier)
      for (const form of searchForms(identifier)) {
        const bytes = Uint8Array.from(Buffer.from(form))
        if (bytes.length === 0) continue
        const needle = { bytes, rule: boundaryRule(form), identifiers: [index] }
        if (searchable) this.#addNeedle(needle)
        else this.#addWholeValue(needle)
      }
    })
    this.open(lookBack + this.#longestWholeValue, this.#longest)
    this.#valueStart = this.textEnd
  }

  /** Rows that have been searched to their end. */
  get rows(): number {
    return this.#rows
  }

  /** Searches for everything that starts behind one of the stops before the limit. */
  protected search(limit: number): void {
    const text = this.text
    const filter = this.#filter
    const stopPlaces = this.stops
    const count = this.stopCount
    let index = 0
    for (; index < count; index++) {
      const place = stopPlaces[index] ?? 0
      if (place >= limit) break
      const byte = text[place] ?? 0
      if (byte === tab || byte === newline) this.#endValue(place, byte)
      else if (byte === backslash && isEscapeLetter[text[place + 1] ?? 0] === 1) this.#matchAt(place + 2)
      const hash = prefixHash(text, place + 1)
      if (((filter[hash >>> 3] ?? 0) & (1 << (hash & 7))) !== 0) this.#matchAt(place + 1)
    }
    stopPlaces.copyWithin(0, index, count)
    this.stopCount = count - index
  }

  /** Reports the needles that stand at this index as a word. */
  #matchAt(start: number): void {
    const text = this.text
    const end = start + this.#longest
    let hash = 0
    for (let at = start; at < end; at++) {
      hash = hashOn(hash, text[at] ?? 0)
      if (isAsciiAlphanumeric(text[at + 1] ?? 0)) continue
      const needles = this.#needles.get(hash)
      if (needles === undefined) return
      for (const needle of needles) {
        if (holdsAt(text, start, at + 1, needle.bytes) && isWord(text, start, at + 1, needle.rule)) this.#report(needle)
      }
    }
  }

  #endValue(end: number, separator: number): void {
    const length = end - this.#valueStart
    if (length > 0 && length <= this.#longestWholeValue) {
      const value = this.text.subarray(this.#valueStart, end)
      for (const needle of this.#wholeValues.get(value.reduce(hashOn, 0)) ?? []) {
        if (holdsAt(this.text, this.#valueStart, end, needle.bytes)) this.#report(needle)
      }
    }
    this.#valueStart = end + 1
    this.#valueNumber++
    this.#column++
    if (separator === newline) {
      this.#column = 0
      this.#rows++
    }
  }

  #report(needle: Needle): void {
    for (const identifier of needle.identifiers) {
      if (this.#reportedIn[identifier] === this.#valueNumber) continue
      this.#reportedIn[identifier] = this.#valueNumber
      this.#onFinding({ identifier, column: this.#column, row: this.#rows })
    }
  }

  protected moved(shift: number): void {
    this.#valueStart -= shift
  }

  #addNeedle(needle: Needle): void {
    const prefix = prefixHash(needle.bytes, 0)
    this.#filter[prefix >>> 3] = (this.#filter[prefix >>> 3] ?? 0) | (1 << (prefix & 7))
    this.#longest = Math.max(this.#longest, needle.bytes.length)
    let hash = 0
    needle.bytes.forEach((byte, index) => {
      hash = hashOn(hash, byte)
      const next = needle.bytes[index + 1]
      if (next !== undefined && !isAsciiAlphanumeric(next) && !this.#needles.has(hash))
        this.#needles.set(hash, noNeedles)
    })
    addByHash(this.#needles, needle)
  }

  #addWholeValue(needle: Needle): void {
    this.#longestWholeValue = Math.max(this.#longestWholeValue, needle.bytes.length)
    addByHash(this.#wholeValues, needle)
  }
}

function addByHash(needles: Map<number, readonly Needle[]>, needle: Needle): void {
  const hash = needle.bytes.reduce(hashOn, 0)
  const alike = needles.get(hash) ?? noNeedles
  const same = alike.find(({ bytes }) => Buffer.compare(bytes, needle.bytes) === 0)
  if (same === undefined) needles.set(hash, [...alike, needle])
  else same.identifiers.push(...needle.identifiers)
}

function hashOn(hash: number, byte: number): number {
  const mixed = Math.imul(hash ^ byte, 0x9e3779b1)
  // 30 bits: numbers that small are the fastest keys.
  return (mixed ^ (mixed >>> 15)) & 0x3fffffff
}

function prefixHash(text: Uint8Array, at: number): number {
  const four = (text[at] ?? 0) | ((text[at + 1] ?? 0) << 8) | ((text[at + 2] ?? 0) << 16) | ((text[at + 3] ?? 0) << 24)
  return (Math.imul(four, 0x9e3779b1) + Math.imul(text[at + 4] ?? 0, 0x85ebca6b)) >>> (32 - filterBits)
}

function holdsAt(text: Uint8Array, start: number, end: number, bytes: Uint8Array): boolean {
  if (end - start !== bytes.length) return false
  for (let index = 0; index < bytes.length; index++) if (text[start + index] !== bytes[index]) return false
  return true
}

function isWord(text: Uint8Array, start: number, end: number, rule: BoundaryRule): boolean {
  if (letterEndsBefore(text, start) || letterStartsAt(text, end)) return false
  if (rule === 'uuid') return true
  if (isJoiner[text[start - 1] ?? 0] === 1 && letterEndsBefore(text, start - 1)) return false
  const joins = rule === 'address' ? isAddressJoiner : isJoiner
  return joins[text[end] ?? 0] === 0 || !letterStartsAt(text, end + 1)
}
