import {
  type BoundaryRule,
  boundaryRule,
  foldCodePoint,
  type Identifier,
  isAsciiAlphanumeric,
  isSearchable,
  searchForms,
  unescapedUnit,
} from './identifiers.ts'

/** One identifier in one value: its index in the given list, and the column and row of the stream, counted from 0. */
export type Finding = { identifier: number; column: number; row: number }

type Needle = { bytes: Uint8Array; rule: BoundaryRule; identifiers: number[] }

const tab = 0x09
const newline = 0x0a
const controlSign = 0x1f
const quote = 0x22
const percent = 0x25
const slash = 0x2f
const backslash = 0x5c

/** The longest look back from the start of an occurrence: one joiner and one letter of up to three bytes. */
const lookBack = 8
/** The longest look ahead from the end of an occurrence: the same. */
const lookAhead = 8
/** The longest escapes in the stream: `\\u0040`, the backslash doubled by COPY, and `%252540`. */
const longestEscape = 7
const sliceSize = 64 * 1024
const prefixLength = 5
const filterBits = 20

const stops = 0x100
const needsReading = 0x200
/**
 * For each byte of the stream: the byte in search form, whether it stops a word (is no ASCII letter or digit), and whether
 * it needs a closer look (backslash, percent sign, continuation byte of UTF-8).
 */
const byteTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  if (isAsciiAlphanumeric(byte)) return foldCodePoint(byte)
  if (byte === backslash || byte === percent || (byte >= 0x80 && byte < 0xc0)) return byte | stops | needsReading
  if (byte < 0x20 && byte !== tab && byte !== newline) return controlSign | stops
  return byte | stops
})

const noNeedles: readonly Needle[] = []

const isJoiner = markedBytes('_+@.-')
const isAddressJoiner = markedBytes('.-')
const isEscapeLetter = markedBytes('bfnrt')

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
export class IdentifierScanner {
  readonly #onFinding: (finding: Finding) => void
  /** By the hash of their bytes; the hash of every part of a needle that ends where a word ends is a key, too. */
  readonly #needles = new Map<number, readonly Needle[]>()
  readonly #wholeValues = new Map<number, readonly Needle[]>()
  readonly #filter = new Uint8Array((1 << filterBits) >>> 3)
  #longest = prefixLength
  #longestWholeValue = 0
  /** For every identifier the number of the value it was last reported in. */
  readonly #reportedIn: Float64Array

  #bytes = 0
  #rows = 0
  #column = 0
  #valueNumber = 1

  /** The end of the last chunk, when it may be the beginning of an escape. */
  #pending: Buffer = Buffer.alloc(0)
  /** The window: what is kept to look back at, what is yet to be searched, and room for a slice. */
  readonly #text: Uint8Array
  #textEnd = 0
  /** The places in the window that stop a word and are yet to be searched, in order. */
  readonly #stops: Int32Array
  #stopCount = 0
  /** Where the current value starts in the window; negative when that has left the window. */
  #valueStart = 0

  constructor(identifiers: readonly Identifier[], onFinding: (finding: Finding) => void) {
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
    const size = 2 * (this.#kept() + this.#longest + lookAhead) + sliceSize + longestEscape
    this.#text = new Uint8Array(size)
    this.#stops = new Int32Array(size)
    // The stream starts behind the end of a word.
    this.#push(controlSign)
    this.#valueStart = this.#textEnd
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** So many bytes at most a finding comes behind its place; after as many newlines everything before is reported. */
  get delay(): number {
    return this.#longest + lookAhead + longestEscape
  }

  /** Rows that have been searched to their end. */
  get rows(): number {
    return this.#rows
  }

  /** Feeds one chunk of the stream, cut anywhere. */
  write(chunk: Buffer): void {
    this.#bytes += chunk.length
    const input = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = Buffer.from(input.subarray(this.#feed(input, false)))
  }

  /** Ends the stream: what is left is searched, and a last row that lacks its newline is counted. */
  end(): void {
    this.#feed(this.#pending, true)
    this.#pending = Buffer.alloc(0)
    if (this.#bytes > 0 && this.#text[this.#textEnd - 1] !== newline) this.#push(newline)
    // Nothing is found in what an earlier slice left behind the end.
    this.#text.fill(newline, this.#textEnd)
    this.#search(this.#textEnd)
  }

  /** Takes in and searches the input, slice by slice. Returns how much of it was used up. */
  #feed(input: Buffer, final: boolean): number {
    let used = 0
    while (used < input.length) {
      const next = this.#append(input, used, final)
      if (next === used) break
      used = next
      const limit = this.#textEnd - this.#longest - lookAhead
      this.#search(limit)
      this.#slide(limit)
    }
    return used
  }

  /** Appends one slice of the input to the window, in search form. Returns where in the input it stopped. */
  #append(input: Buffer, from: number, final: boolean): number {
    const text = this.#text
    const stopPlaces = this.#stops
    const end = Math.min(input.length, from + sliceSize)
    let at = from
    while (at < end) {
      // Four plain bytes at a time: this loop is where the time goes.
      let to = this.#textEnd
      let count = this.#stopCount
      for (; at + 4 <= end; at += 4, to += 4) {
        const a = byteTable[input[at] ?? 0] ?? 0
        const b = byteTable[input[at + 1] ?? 0] ?? 0
        const c = byteTable[input[at + 2] ?? 0] ?? 0
        const d = byteTable[input[at + 3] ?? 0] ?? 0
        const all = a | b | c | d
        if (all >= needsReading) break
        text[to] = a
        text[to + 1] = b
        text[to + 2] = c
        text[to + 3] = d
        if (all >= stops) {
          if (a >= stops) stopPlaces[count++] = to
          if (b >= stops) stopPlaces[count++] = to + 1
          if (c >= stops) stopPlaces[count++] = to + 2
          if (d >= stops) stopPlaces[count++] = to + 3
        }
      }
      this.#textEnd = to
      this.#stopCount = count
      // Then one by one, to the end of the slice or over what made the loop stop.
      for (let plain = 0; at < end && plain < 4; plain++) {
        const byte = input[at] ?? 0
        if (byte === percent || byte === backslash) {
          if (!final && input.length - at < longestEscape) return at
          at = byte === percent ? this.#appendPercent(input, at) : this.#appendBackslash(input, at)
        } else {
          this.#push((byteTable[byte] ?? 0) & 0xff)
          at++
        }
      }
    }
    return at
  }

  /** Appends one byte that is in search form but for the case of letters that take more than one. */
  #push(byte: number): void {
    if (!isAsciiAlphanumeric(byte)) this.#stops[this.#stopCount++] = this.#textEnd
    this.#text[this.#textEnd++] = byte
    if (byte >= 0x80 && byte < 0xc0) foldLetterBefore(this.#text, this.#textEnd)
  }

  /** Reads `%40`, `%2540` or `%252540`, and `%25` before anything else; any other percent sign stands for itself. */
  #appendPercent(input: Buffer, at: number): number {
    let digits = at + 1
    while (digits < at + 5 && hexValue(input, digits, 2) === percent && hexValue(input, digits + 2, 2) >= 0) digits += 2
    const byte = hexValue(input, digits, 2)
    if (byte < 0 || isAsciiAlphanumeric(byte)) {
      this.#push(percent)
      return digits
    }
    this.#push(Math.max(byte, controlSign))
    return digits + 2
  }

  /** Reads an escape of COPY and, where that yields a backslash, the escape of JSON that may begin with it. */
  #appendBackslash(input: Buffer, at: number): number {
    if (input[at + 1] === 0x4e) return at + 2 // \N: null, no text at all
    if (input[at + 1] !== backslash) {
      this.#push(controlSign)
      return at + 2
    }
    // Any number of backslashes is read as one: JSON within JSON doubles them at every level.
    if (this.#text[this.#textEnd - 1] === backslash) {
      this.#textEnd--
      this.#stopCount--
    }
    const escaped = input[at + 2] ?? 0
    if (escaped === slash || escaped === quote) {
      this.#push(escaped)
      return at + 3
    }
    const unit = (escaped | 0x20) === 0x75 ? hexValue(input, at + 3, 4) : -1
    const code = unit < 0 ? null : unescapedUnit(unit)
    if (code === null) {
      this.#push(backslash)
      return at + 2
    }
    for (const byte of Buffer.from(String.fromCharCode(code))) this.#push(byte)
    return at + 7
  }

  /** Searches the window up to the limit: for everything that starts behind one of the stops before it. */
  #search(limit: number): void {
    const text = this.#text
    const filter = this.#filter
    const stopPlaces = this.#stops
    const count = this.#stopCount
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
    this.#stopCount = count - index
  }

  /** Reports the needles that stand at this index as a word. */
  #matchAt(start: number): void {
    const text = this.#text
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
      const value = this.#text.subarray(this.#valueStart, end)
      for (const needle of this.#wholeValues.get(value.reduce(hashOn, 0)) ?? []) {
        if (holdsAt(this.#text, this.#valueStart, end, needle.bytes)) this.#report(needle)
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

  /** Bytes before the position that may still be looked at. */
  #kept(): number {
    return lookBack + this.#longestWholeValue
  }

  /** Lets go of what has been searched. */
  #slide(searched: number): void {
    const shift = searched - this.#kept()
    if (shift <= 0) return
    this.#text.copyWithin(0, shift, this.#textEnd)
    this.#textEnd -= shift
    this.#valueStart -= shift
    for (let index = 0; index < this.#stopCount; index++) this.#stops[index] = (this.#stops[index] ?? 0) - shift
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

function markedBytes(characters: string): Uint8Array {
  const marks = new Uint8Array(256)
  for (const byte of Buffer.from(characters)) marks[byte] = 1
  return marks
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

/** The number that so many hexadecimal digits stand for; -1 when they are not all there. */
function hexValue(input: Buffer, at: number, digits: number): number {
  let value = 0
  for (let index = at; index < at + digits; index++) {
    const byte = input[index] ?? 0
    const letter = (byte | 0x20) - 0x61
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30
    else if (letter >= 0 && letter < 6) value = value * 16 + letter + 10
    else return -1
  }
  return value
}

/** Folds the case of the letter of two or three bytes that ends before this index, if one does. */
function foldLetterBefore(text: Uint8Array, end: number): void {
  const last = text[end - 1] ?? 0
  const middle = text[end - 2] ?? 0
  if (middle >= 0xc3 && middle < 0xe0) {
    const folded = foldCodePoint(((middle & 0x1f) << 6) | (last & 0x3f))
    text[end - 2] = 0xc0 | (folded >> 6)
    text[end - 1] = 0x80 | (folded & 0x3f)
  } else if (text[end - 3] === 0xe1) {
    const folded = foldCodePoint(0x1000 | ((middle & 0x3f) << 6) | (last & 0x3f))
    text[end - 3] = 0xe0 | (folded >> 12)
    text[end - 2] = 0x80 | ((folded >> 6) & 0x3f)
    text[end - 1] = 0x80 | (folded & 0x3f)
  }
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

/** Latin, Greek and Cyrillic letters (U+00C0 to U+04FF, U+1E00 to U+1FFF) by the bytes they start with. */
function letterStartsAt(text: Uint8Array, at: number): boolean {
  const byte = text[at] ?? 0
  return isAsciiAlphanumeric(byte) || (byte >= 0xc3 && byte <= 0xd3) || (byte === 0xe1 && (text[at + 1] ?? 0) >= 0xb8)
}

function letterEndsBefore(text: Uint8Array, end: number): boolean {
  const last = text[end - 1] ?? 0
  const middle = text[end - 2] ?? 0
  if (last < 0x80) return isAsciiAlphanumeric(last) && !(isEscapeLetter[last] === 1 && middle === backslash)
  return (middle >= 0xc3 && middle <= 0xd3) || (middle >= 0xb8 && middle < 0xc0 && text[end - 3] === 0xe1)
}
