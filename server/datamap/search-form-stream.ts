import { foldCodePoint, isAsciiAlphanumeric, unescapedUnit } from './identifiers.ts'

export const tab = 0x09
export const newline = 0x0a
export const controlSign = 0x1f
const quote = 0x22
const percent = 0x25
const slash = 0x2f
export const backslash = 0x5c

/** The longest look back from the start of an occurrence: one joiner and one letter of up to three bytes. */
export const lookBack = 8
/** The longest look ahead from the end of an occurrence: the same. */
const lookAhead = 8
/** The longest escapes in the stream: `\\u0040`, the backslash doubled by COPY, and `%252540`. */
const longestEscape = 7
const sliceSize = 64 * 1024

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

export const isJoiner = markedBytes('_+@.-')
export const isEscapeLetter = markedBytes('bfnrt')

/**
 * Brings the output of PostgreSQL's `copy ... to stdout` (text format, UTF-8) to search form (COPY, JSON and URL escapes
 * read, case folded) in a sliding window, and has whoever extends it search the window, stretch by stretch. Chunks may be
 * cut anywhere. A tab in the window ends a value, a line feed ends a row; any other control character is `controlSign`.
 */
export abstract class SearchFormStream {
  #bytes = 0
  /** The end of the last chunk, when it may be the beginning of an escape. */
  #pending: Buffer = Buffer.alloc(0)
  #kept = 0
  #ahead = 0
  /** The window: what is kept to look back at, what is yet to be searched, and room for a slice. */
  protected text = new Uint8Array(0)
  protected textEnd = 0
  /** The places in the window that are no ASCII letter or digit and are yet to be searched, in order. */
  protected stops = new Int32Array(0)
  protected stopCount = 0

  /** Makes room. `kept`: bytes that may be looked back at; `ahead`: bytes from a place that must be there to search it. */
  protected open(kept: number, ahead: number): void {
    this.#kept = kept
    this.#ahead = ahead + lookAhead
    const size = 2 * (kept + this.#ahead) + sliceSize + longestEscape
    this.text = new Uint8Array(size)
    this.stops = new Int32Array(size)
    // The stream starts behind the end of a word.
    this.#push(controlSign)
  }

  /** Searches the window from where the last call ended up to the limit, and drops the stops that lie before it. */
  protected abstract search(limit: number): void

  /** What stood at a place in the window stands so many bytes before it now. */
  protected abstract moved(shift: number): void

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Feeds one chunk of the stream, cut anywhere. */
  write(chunk: Buffer): void {
    this.#bytes += chunk.length
    const input = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = Buffer.from(input.subarray(this.#feed(input, false)))
  }

  /** Has everything searched that was written, which must have ended with a row: another table may follow. */
  flush(): void {
    this.write(Buffer.alloc(this.#ahead + longestEscape, newline))
    this.#bytes -= this.#ahead + longestEscape
  }

  /** Ends the stream: what is left is searched, and a last row that lacks its newline is counted. */
  end(): void {
    this.#feed(this.#pending, true)
    this.#pending = Buffer.alloc(0)
    if (this.#bytes > 0 && this.text[this.textEnd - 1] !== newline) this.#push(newline)
    // Nothing is found in what an earlier slice left behind the end.
    this.text.fill(newline, this.textEnd)
    this.search(this.textEnd)
  }

  /** Takes in and searches the input, slice by slice. Returns how much of it was used up. */
  #feed(input: Buffer, final: boolean): number {
    let used = 0
    while (used < input.length) {
      const next = this.#append(input, used, final)
      if (next === used) break
      used = next
      const limit = this.textEnd - this.#ahead
      this.search(limit)
      this.#slide(limit)
    }
    return used
  }

  /** Lets go of what has been searched. */
  #slide(searched: number): void {
    const shift = searched - this.#kept
    if (shift <= 0) return
    this.text.copyWithin(0, shift, this.textEnd)
    this.textEnd -= shift
    for (let index = 0; index < this.stopCount; index++) this.stops[index] = (this.stops[index] ?? 0) - shift
    this.moved(shift)
  }

  /** Appends one slice of the input to the window, in search form. Returns where in the input it stopped. */
  #append(input: Buffer, from: number, final: boolean): number {
    const text = this.text
    const stopPlaces = this.stops
    const end = Math.min(input.length, from + sliceSize)
    let at = from
    while (at < end) {
      // Four plain bytes at a time: this loop is where the time goes.
      let to = this.textEnd
      let count = this.stopCount
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
      this.textEnd = to
      this.stopCount = count
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
    if (!isAsciiAlphanumeric(byte)) this.stops[this.stopCount++] = this.textEnd
    this.text[this.textEnd++] = byte
    if (byte >= 0x80 && byte < 0xc0) foldLetterBefore(this.text, this.textEnd)
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
    if (this.text[this.textEnd - 1] === backslash) {
      this.textEnd--
      this.stopCount--
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
}

export function markedBytes(characters: string): Uint8Array {
  const marks = new Uint8Array(256)
  for (const byte of Buffer.from(characters)) marks[byte] = 1
  return marks
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

/** Latin, Greek and Cyrillic letters (U+00C0 to U+04FF, U+1E00 to U+1FFF) by the bytes they start with. */
export function letterStartsAt(text: Uint8Array, at: number): boolean {
  const byte = text[at] ?? 0
  return isAsciiAlphanumeric(byte) || (byte >= 0xc3 && byte <= 0xd3) || (byte === 0xe1 && (text[at + 1] ?? 0) >= 0xb8)
}

export function letterEndsBefore(text: Uint8Array, end: number): boolean {
  const last = text[end - 1] ?? 0
  const middle = text[end - 2] ?? 0
  if (last < 0x80) return isAsciiAlphanumeric(last) && !(isEscapeLetter[last] === 1 && middle === backslash)
  return (middle >= 0xc3 && middle <= 0xd3) || (middle >= 0xb8 && middle < 0xc0 && text[end - 3] === 0xe1)
}
