import { type Identifier, identifierKey } from '../identifier-key.ts'
import { isAsciiAlphanumeric, readingsOf } from './escapes.ts'
import { backslash, newline, SearchFormStream, tab } from './search-form-stream.ts'
import { isSearchable, searchForms } from './search-forms.ts'
import { type BoundaryRule, boundaryRule, isEscapeLetter, isWord, lookBack } from './words.ts'

/**
 * One identifier in one value: its index in the given list, the column and row of the stream (from 0), and its offset
 * in the value in bytes.
 */
export type Finding = { identifier: number; column: number; row: number; from: number; to: number }

export type ScannerOptions = {
  /**
   * Identifiers of people who stay. Where a text holds one of these, it holds none of the shorter ones inside of it:
   * purging `jdoe` leaves `ACME\jdoe` alone.
   */
  protect?: readonly Identifier[]
  /** Report every occurrence, and not only the first one of an identifier in a value. */
  every?: boolean
  /** How much is read at a time, in bytes: less for a few short texts. */
  slice?: number
}

/** Whose it is, and what the key of what is written must be. */
type Wanted = { index: number; kind: Identifier['kind']; key: string; plain: boolean }

type Needle = { bytes: Uint8Array; rule: BoundaryRule; wanted: Wanted[]; within: Within[] }

/** A longer identifier, or another one in the same spelling, and where in it the needle stands. */
type Within = { bytes: Uint8Array; rule: BoundaryRule; offset: number; wanted: Wanted }

const prefixLength = 5
const filterBits = 20

const noNeedles: readonly Needle[] = []

/**
 * Looks for any number of identifiers at once in the output of PostgreSQL's `copy ... to stdout` (text format, UTF-8), in
 * one pass and in memory that depends on the identifiers only. What counts as an occurrence is said in identifiers.ts;
 * identifiers that are not searchable are compared with whole column values.
 *
 * Every identifier is reported at most once per value, through `onFinding`, in the order of the stream; with `every`, as
 * often as it stands there. Findings are complete after `end()`. Chunks may be cut anywhere. An exception thrown by
 * `onFinding` leaves `write` or `end` as it is; the scanner cannot be used after that.
 *
 * How: the stream is brought to search form in a sliding window. An identifier can start only after a byte that is not
 * an ASCII letter or digit. There, the scanner looks up the hash of the next five bytes in a bit set that fits into the
 * processor's cache and rejects nearly everything. What passes is hashed on to the next end of a word, and on from
 * there as long as some identifier has this beginning.
 */
export class IdentifierScanner extends SearchFormStream {
  readonly #onFinding: (finding: Finding) => void
  readonly #every: boolean
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

  /** Where the current value starts in the window; negative when that has left the window. And in the stream. */
  #valueStart = 0
  #valueFrom: number | undefined = 0

  constructor(
    identifiers: readonly Identifier[],
    onFinding: (finding: Finding) => void,
    { protect = [], every = false, slice }: ScannerOptions = {},
  ) {
    super()
    this.#onFinding = onFinding
    this.#every = every
    this.#reportedIn = new Float64Array(identifiers.length)
    identifiers.forEach((identifier, index) => {
      const searchable = isSearchable(identifier)
      const key = identifierKey(identifier.kind, identifier.value)
      for (const form of searchForms(identifier)) {
        const bytes = Uint8Array.from(Buffer.from(form))
        if (bytes.length === 0) continue
        const wanted = [{ index, kind: identifier.kind, key, plain: form === key }]
        const needle: Needle = { bytes, rule: boundaryRule(form), wanted, within: [] }
        if (searchable) this.#addNeedle(needle)
        else this.#addWholeValue(needle)
      }
    })
    const longestProtected = Math.max(0, ...protect.map((identifier) => this.#protect(identifier)))
    const kept = lookBack + Math.max(this.#longestWholeValue, longestProtected)
    this.open(kept, Math.max(this.#longest, longestProtected), slice)
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
      // In the middle of a character.
      if (byte >= 0xc0) continue
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
        if (holdsAt(text, start, at + 1, needle.bytes) && isWord(text, start, at + 1, needle.rule)) {
          this.#report(needle, start, at + 1)
        }
      }
    }
  }

  #endValue(end: number, separator: number): void {
    const length = end - this.#valueStart
    if (length > 0 && length <= this.#longestWholeValue) {
      const value = this.text.subarray(this.#valueStart, end)
      for (const needle of this.#wholeValues.get(value.reduce(hashOn, 0)) ?? []) {
        if (holdsAt(this.text, this.#valueStart, end, needle.bytes)) this.#report(needle, this.#valueStart, end)
      }
    }
    this.#valueStart = end + 1
    this.#valueFrom = undefined
    this.#valueNumber++
    this.#column++
    if (separator === newline) {
      this.#column = 0
      this.#rows++
    }
  }

  #report(needle: Needle, start: number, end: number): void {
    if (this.#isProtected(needle, start)) return
    for (const wanted of needle.wanted) {
      const { index } = wanted
      if (!this.#every && this.#reportedIn[index] === this.#valueNumber) continue
      if (!this.#isWritten(wanted, start, end)) continue
      this.#reportedIn[index] = this.#valueNumber
      const { from, to } = this.inStream(start, end)
      const valueFrom = this.#startOfValue()
      this.#onFinding({
        identifier: index,
        column: this.#column,
        row: this.#rows,
        from: from - valueFrom,
        to: to - valueFrom,
      })
    }
  }

  /** Whether what is written there has this key, and not only reads the same. */
  #isWritten({ kind, key, plain }: Wanted, start: number, end: number): boolean {
    if (plain && this.isPlain(start, end)) return true
    const { from, to } = this.inStream(start, end)
    const written = this.written(from, to)
    // Written so long that it is out of reach: a finding too many is looked at.
    if (written === undefined) return true
    return readingsOf(written).some((reading) => identifierKey(kind, reading) === key)
  }

  /** Whether the needle stands there inside of an identifier of somebody who stays. */
  #isProtected({ within }: Needle, start: number): boolean {
    return within.some(({ bytes, rule, offset, wanted }) => {
      const from = start - offset
      const to = from + bytes.length
      return (
        from > 0 &&
        to < this.textEnd &&
        holdsAt(this.text, from, to, bytes) &&
        isWord(this.text, from, to, rule) &&
        this.#isWritten(wanted, from, to)
      )
    })
  }

  /** Where the current value starts in the stream: behind a separator of one byte. */
  #startOfValue(): number {
    this.#valueFrom ??= this.inStream(this.#valueStart - 1, this.#valueStart).from + 1
    return this.#valueFrom
  }

  protected override moving(): void {
    this.#startOfValue()
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

  /** Tells the needles that stand in this identifier about it. Answers how long it is. */
  #protect(identifier: Identifier): number {
    const key = identifierKey(identifier.kind, identifier.value)
    let longest = 0
    for (const form of searchForms(identifier)) {
      const bytes = Uint8Array.from(Buffer.from(form))
      const rule = boundaryRule(form)
      const wanted = { index: -1, kind: identifier.kind, key, plain: form === key }
      for (let start = 0; start < bytes.length; start++) {
        const before = bytes[start - 1]
        const starts = before === undefined || !isAsciiAlphanumeric(before) || bytes[start - 2] === backslash
        if (!starts) continue
        let hash = 0
        for (let at = start; at < bytes.length; at++) {
          hash = hashOn(hash, bytes[at] ?? 0)
          if (isAsciiAlphanumeric(bytes[at + 1] ?? 0)) continue
          const needles = this.#needles.get(hash)
          if (needles === undefined) break
          for (const needle of needles) {
            if (!holdsAt(bytes, start, at + 1, needle.bytes)) continue
            if (needle.bytes.length === bytes.length && needle.wanted.some((one) => one.key === key)) continue
            needle.within.push({ bytes, rule, offset: start, wanted })
            longest = Math.max(longest, bytes.length)
          }
        }
      }
    }
    return longest
  }
}

function addByHash(needles: Map<number, readonly Needle[]>, needle: Needle): void {
  const hash = needle.bytes.reduce(hashOn, 0)
  const alike = needles.get(hash) ?? noNeedles
  const same = alike.find(({ bytes }) => Buffer.compare(bytes, needle.bytes) === 0)
  if (same === undefined) needles.set(hash, [...alike, needle])
  else same.wanted.push(...needle.wanted)
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
