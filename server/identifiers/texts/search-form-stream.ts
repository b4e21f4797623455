import { combiningClass, foldedDecomposition, iota, iotaSubscript } from '../fold.ts'
import { beginsEscape, controlSign, EscapeReader, isAsciiAlphanumeric } from './escapes.ts'
import { codePointAt, lookAhead } from './words.ts'

export const tab = 0x09
export const newline = 0x0a
export const backslash = 0x5c

/** The longest piece of the stream that is read as one: a character of UTF-8, or an escape of COPY. */
const longestPiece = 4
const sliceSize = 64 * 1024

const stops = 0x100
const needsReading = 0x200
/**
 * For each byte of the stream: the byte in search form, and whether it stops a word (no ASCII letter or digit). Also
 * whether it needs a closer look: the start of an escape, or not ASCII.
 */
const byteTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  if (isAsciiAlphanumeric(byte)) return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
  if (byte >= 0x80 || beginsEscape(byte)) return byte | stops | needsReading
  if (byte < 0x20 && byte !== tab && byte !== newline) return controlSign | stops
  return byte | stops
})

/**
 * Brings the output of PostgreSQL's `copy ... to stdout` (text format, UTF-8) to search form in a sliding window, and has
 * whoever extends it search the window, stretch by stretch. Search form is what is compared: COPY's own escapes read, then
 * those of JSON, URLs and HTML (escapes.ts), then folded and decomposed (`decomposedFold` of identifiers/fold.ts), control
 * characters alike. Chunks may be cut anywhere. A tab in the window ends a value, a line feed ends a row.
 *
 * `lethe_search_form` (migration 0020) computes the same of one text in PostgreSQL, composed.
 */
export abstract class SearchFormStream {
  #bytes = 0
  /** The end of the last chunk, when it may be the beginning of a longer piece. */
  #pending: Buffer = Buffer.alloc(0)
  #kept = 0
  #ahead = 0
  readonly #reader = new EscapeReader((codePoint, from, to) => {
    this.#noteRead()
    this.#append(codePoint, from, to)
  })
  /** Where in the window stands what may have been written as an escape, in order. */
  #readPlaces = new Int32Array(64)
  #readCount = 0
  /** Greek iotas that were marks: they are written once all marks of their letter are sorted. */
  #iotas = 0
  #iotaFrom = 0
  #iotaTo = 0
  /** The window: what is kept to look back at, what is yet to be searched, and room for a slice. */
  protected text = new Uint8Array(0)
  protected textEnd = 0
  /** The places in the window that are no ASCII letter or digit and are yet to be searched, in order. */
  protected stops = new Int32Array(0)
  protected stopCount = 0

  /**
   * Where the window came from: from each of these places on, byte for byte from this place in the stream, up to the next.
   * A place whose code point was written in another length is followed by one for what comes behind it.
   */
  #placeInText = new Int32Array(64)
  #placeInStream = new Float64Array(64)
  #places = 0
  /** The one that was looked for last. */
  #near = 0
  #uneven = true

  /** The stream as it was written, as far back as the window goes; where that is too far, as far as there is room. */
  #source = new Uint8Array(0)
  #sourceStart = 0
  #sourceLength = 0

  /** How much of the stream is read before it is searched. */
  #slice = 0

  /**
   * Makes room. `kept`: bytes that may be looked back at; `ahead`: bytes from a place that must be there to search it;
   * `slice`: how much of the stream is read at a time, less for short texts than for tables.
   */
  protected open(kept: number, ahead: number, slice = sliceSize): void {
    this.#kept = kept
    this.#ahead = ahead + lookAhead
    this.#slice = slice
    // What was read last may be put out at once: nine bytes a code point at most, and escapes that turn out to be none.
    const size = 2 * (kept + this.#ahead) + 4 * slice + 4096
    this.text = new Uint8Array(size)
    this.stops = new Int32Array(size)
    this.#source = new Uint8Array(2 * (kept + this.#ahead) + 2 * slice)
    // The stream starts behind the end of a word.
    this.#push(controlSign)
  }

  /** Searches the window from where the last call ended up to the limit, and drops the stops that lie before it. */
  protected abstract search(limit: number): void

  /** Called before {@link moved}, while everything is where it was. */
  protected moving(): void {
    // Nothing is lost with the move.
  }

  /** What stood at a place in the window stands so many bytes before it now. */
  protected abstract moved(shift: number): void

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Feeds one chunk of the stream, cut anywhere. */
  write(chunk: Buffer): void {
    const before = this.#bytes - this.#pending.length
    this.#bytes += chunk.length
    const input = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = Buffer.from(input.subarray(this.#feed(input, before, false)))
  }

  /** Has everything searched that was written, which must have ended with a row: another table may follow. */
  flush(): void {
    const filling = this.#ahead + longestPiece
    this.write(Buffer.alloc(filling, newline))
    this.#bytes -= filling
    // What comes next must not be taken for what stands in the places of these.
    this.#sourceStart -= filling
    for (let index = 0; index < this.#places; index++)
      this.#placeInStream[index] = (this.#placeInStream[index] ?? 0) - filling
    this.#uneven = true
  }

  /** Ends the stream: what is left is searched, and a last row that lacks its newline is counted. */
  end(): void {
    this.#feed(this.#pending, this.#bytes - this.#pending.length, true)
    this.#pending = Buffer.alloc(0)
    this.#endText()
    if (this.#bytes > 0 && this.text[this.textEnd - 1] !== newline) this.#pushAt(newline, this.#bytes)
    this.#mark(this.textEnd, this.#bytes)
    // Nothing is found in what an earlier slice left behind the end.
    this.text.fill(newline, this.textEnd)
    this.search(this.textEnd)
  }

  /** Takes in and searches the input, slice by slice. Returns how much of it was used up. */
  #feed(input: Buffer, offset: number, final: boolean): number {
    let used = 0
    while (used < input.length) {
      const next = this.#read(input, used, offset, final)
      if (next === used) break
      used = next
      // Marks that are yet to come may change the order of the last ones.
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
    this.moving()
    this.text.copyWithin(0, shift, this.textEnd)
    this.textEnd -= shift
    for (let index = 0; index < this.stopCount; index++) this.stops[index] = (this.stops[index] ?? 0) - shift
    const first = Math.max(0, this.#placeBefore(shift))
    for (let index = first; index < this.#places; index++) {
      this.#placeInText[index - first] = (this.#placeInText[index] ?? 0) - shift
      this.#placeInStream[index - first] = this.#placeInStream[index] ?? 0
    }
    this.#places -= first
    this.#near = 0
    const firstRead = this.#firstReadFrom(shift)
    for (let index = firstRead; index < this.#readCount; index++)
      this.#readPlaces[index - firstRead] = (this.#readPlaces[index] ?? 0) - shift
    this.#readCount -= firstRead
    this.moved(shift)
  }

  /** Reads one slice of the input. Returns where in the input it stopped. */
  #read(input: Buffer, from: number, offset: number, final: boolean): number {
    const text = this.text
    const stopPlaces = this.stops
    const end = Math.min(input.length, from + this.#slice)
    let at = from
    while (at < end) {
      const isPlain = this.#isPlainNow()
      if (isPlain) {
        // Four plain bytes at a time: this loop is where the time goes.
        let to = this.textEnd
        let count = this.stopCount
        const start = at
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
        // Then one by one, to what made the loop stop.
        for (; at < end; at++, to++) {
          const kind = byteTable[input[at] ?? 0] ?? 0
          if (kind >= needsReading) break
          text[to] = kind
          if (kind >= stops) stopPlaces[count++] = to
        }
        if (at > start) this.#mark(this.textEnd, offset + start)
        this.textEnd = to
        this.stopCount = count
        if (at === end) break
      }
      const byte = input[at] ?? 0
      if (input.length - at < longestPiece && !final && (byteTable[byte] ?? 0) >= needsReading) break
      if (!isPlain || byte < 0x80) at = this.#readPiece(input, at, offset)
      else at = this.#readCharacters(input, at, Math.min(end, input.length - longestPiece + 1), offset)
    }
    this.#keepSource(input, from, at, offset)
    return at
  }

  /** Whether nothing that was read waits for what comes next. */
  #isPlainNow(): boolean {
    return !this.#reader.open && this.#iotas === 0
  }

  /** Reads characters beyond ASCII that no escape is open before, up to this place or ASCII. Returns where it stopped. */
  #readCharacters(input: Buffer, start: number, end: number, offset: number): number {
    const text = this.text
    const stopPlaces = this.stops
    let at = start
    let to = this.textEnd
    let count = this.stopCount
    while (at < end) {
      const byte = input[at] ?? 0
      if (byte < 0x80) break
      const codePoint = codePointAt(input, at)
      const form = codePoint < 0x10000 ? (wholeForms[codePoint] ?? 0) || wholeForm(codePoint) : notWhole
      if (form === notWhole) break
      if (this.#uneven || at === start) this.#mark(to, offset + at)
      at += byte < 0xe0 ? 2 : 3
      const first = form >>> formOffset
      const last = first + (form & formLength)
      for (let index = first; index < last; index++) {
        const written = formBytes[index] ?? 0
        if (written >= 0x80 || !isAsciiAlphanumeric(written)) stopPlaces[count++] = to
        text[to++] = written
      }
      if ((form & formIsUneven) !== 0 || last - first !== (byte < 0xe0 ? 2 : 3)) this.#uneven = true
    }
    this.textEnd = to
    this.stopCount = count
    return at > start ? at : this.#readPiece(input, at, offset)
  }

  /** Notes that what is written next was read, and may have been an escape. */
  #noteRead(): void {
    if (this.#readCount === this.#readPlaces.length) {
      const longer = new Int32Array(2 * this.#readPlaces.length)
      longer.set(this.#readPlaces)
      this.#readPlaces = longer
    }
    this.#readPlaces[this.#readCount++] = this.textEnd
  }

  /** The index of the first of the places of escapes that is not before this one. */
  #firstReadFrom(place: number): number {
    let low = 0
    let high = this.#readCount
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#readPlaces[middle] ?? 0) < place) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether none of it was written as an escape, as far as is known without looking closely. */
  protected isUnescaped(start: number, end: number): boolean {
    if (this.#readCount === 0) return true
    // Marks are sorted, so one of them may stand a little before where it was noted.
    const index = this.#firstReadFrom(start - lookAhead)
    return index === this.#readCount || (this.#readPlaces[index] ?? 0) >= end + lookAhead
  }

  /** Reads a character, or an escape of COPY. Returns where it ends. */
  #readPiece(input: Buffer, at: number, offset: number): number {
    const byte = input[at] ?? 0
    const place = offset + at
    if (byte === tab || byte === newline) {
      this.#endText()
      this.#pushAt(byte, place)
      return at + 1
    }
    if (byte === backslash) {
      const escaped = input[at + 1]
      // \N: null, no text at all. Everything else but a backslash is a control character.
      if (escaped !== 0x4e) this.#reader.push(escaped === backslash ? backslash : controlSign, place, place + 2)
      else this.#uneven = true
      return at + 2
    }
    const codePoint = codePointAt(input, at)
    const end = at + (byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4)
    // Only ASCII is part of an escape.
    if (byte >= 0x80 && !this.#reader.open) this.#append(codePoint, place, offset + end)
    else this.#reader.push(codePoint < 0x20 ? controlSign : codePoint, place, offset + end)
    return end
  }

  /** Ends what was read of a value. */
  #endText(): void {
    this.#reader.end()
    this.#writeIotas()
  }

  /** Appends one code point as it is compared. */
  #append(codePoint: number, from: number, to: number): void {
    if (codePoint < 0x80) {
      if (this.#iotas > 0) this.#writeIotas()
      this.#pushAt((byteTable[codePoint] ?? 0) & 0xff, from)
      if (to - from !== 1) this.#uneven = true
      return
    }
    const form = codePoint < 0x10000 ? (wholeForms[codePoint] ?? 0) || wholeForm(codePoint) : notWhole
    if (form !== notWhole) {
      if (this.#iotas > 0) this.#writeIotas()
      this.#mark(this.textEnd, from)
      const first = form >>> formOffset
      const last = first + (form & formLength)
      for (let index = first; index < last; index++) this.#push(formBytes[index] ?? 0)
      if ((form & formIsUneven) !== 0 || last - first !== to - from) this.#uneven = true
      return
    }
    const parts = foldedDecomposition(codePoint)
    const start = this.textEnd
    // Its parts come from one place, so the first needs an entry of its own: the next one's would push it back.
    if (parts.length > 1) this.#uneven = true
    for (const part of parts) {
      if (part === iotaSubscript) {
        if (this.#iotas++ === 0) this.#iotaFrom = from
        this.#iotaTo = to
        continue
      }
      const order = combiningClass(part)
      if (order === 0 && this.#iotas > 0) this.#writeIotas()
      if (order === 0) this.#pushCodePoint(part, from)
      else this.#insertMark(part, order, from)
    }
    if (parts.length > 1 || this.textEnd - start !== to - from) this.#uneven = true
  }

  #writeIotas(): void {
    const [from, to] = [this.#iotaFrom, this.#iotaTo]
    for (; this.#iotas > 0; this.#iotas--) {
      if (this.#iotas > 1) this.#uneven = true
      this.#pushCodePoint(iota, from)
    }
    if (to - from !== 2) this.#uneven = true
  }

  #pushCodePoint(codePoint: number, from: number): void {
    if (codePoint < 0x80) {
      this.#pushAt((byteTable[codePoint] ?? 0) & 0xff, from)
      return
    }
    this.#mark(this.textEnd, from)
    if (codePoint < 0x800) this.#push(0xc0 | (codePoint >> 6))
    else {
      if (codePoint < 0x10000) this.#push(0xe0 | (codePoint >> 12))
      else {
        this.#push(0xf0 | (codePoint >> 18))
        this.#push(0x80 | ((codePoint >> 12) & 0x3f))
      }
      this.#push(0x80 | ((codePoint >> 6) & 0x3f))
    }
    this.#push(0x80 | (codePoint & 0x3f))
  }

  /** Writes a mark before those of the same letter that are sorted behind it (The Unicode Standard, D109). */
  #insertMark(mark: number, order: number, from: number): void {
    const text = this.text
    let place = this.textEnd
    // Only what is yet to be searched can be sorted.
    const first = Math.max(1, this.textEnd - lookAhead)
    while (place > first) {
      let start = place - 1
      while (start > first && ((text[start] ?? 0) & 0xc0) === 0x80) start--
      if ((text[start] ?? 0) < 0xcc || combiningClass(codePointAt(text, start)) <= order) break
      place = start
    }
    const before = this.textEnd
    this.#pushCodePoint(mark, from)
    if (place === before) return
    // All of them are stops, so the list of stops stays as it is.
    const length = this.textEnd - before
    const bytes = text.slice(before, this.textEnd)
    text.copyWithin(place + length, place, before)
    text.set(bytes, place)
    this.#uneven = true
  }

  #pushAt(byte: number, place: number): void {
    this.#mark(this.textEnd, place)
    this.#push(byte)
  }

  /** Appends one byte that is in search form. */
  #push(byte: number): void {
    if (!isAsciiAlphanumeric(byte)) this.stops[this.stopCount++] = this.textEnd
    this.text[this.textEnd++] = byte
  }

  /** From this place in the window on, the text is what stands from that place in the stream on. */
  #mark(inText: number, inStream: number): void {
    const last = this.#places - 1
    if (!this.#uneven && last >= 0) {
      const expected = (this.#placeInStream[last] ?? 0) + inText - (this.#placeInText[last] ?? 0)
      if (expected === inStream) return
    }
    this.#uneven = false
    const index = last >= 0 && this.#placeInText[last] === inText ? last : this.#places++
    if (index === this.#placeInText.length) this.#makeRoomForPlaces()
    this.#placeInText[index] = inText
    this.#placeInStream[index] = inStream
  }

  #makeRoomForPlaces(): void {
    const [inText, inStream] = [this.#placeInText, this.#placeInStream]
    this.#placeInText = new Int32Array(2 * inText.length)
    this.#placeInText.set(inText)
    this.#placeInStream = new Float64Array(2 * inStream.length)
    this.#placeInStream.set(inStream)
  }

  /** The last of the places that is not behind this one. */
  #placeBefore(inText: number): number {
    // Nearly always the one that was looked for last, or one of the next.
    for (let near = this.#near, end = Math.min(near + 4, this.#places); near < end; near++) {
      if ((this.#placeInText[near] ?? 0) > inText) break
      if (near + 1 === this.#places || (this.#placeInText[near + 1] ?? 0) > inText) {
        this.#near = near
        return near
      }
    }
    let low = -1
    let high = this.#places - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#placeInText[middle] ?? 0) <= inText) low = middle
      else high = middle - 1
    }
    this.#near = Math.max(0, low)
    return low
  }

  /** Where in the stream that stands which stands in the window from one place to another. */
  protected inStream(start: number, end: number): { from: number; to: number } {
    const place = (inText: number) => {
      const index = this.#placeBefore(inText)
      const from = this.#placeInStream[index] ?? 0
      const at = from + inText - (this.#placeInText[index] ?? 0)
      // What became longer does not reach into what comes behind it.
      const next = index + 1 < this.#places ? (this.#placeInStream[index + 1] ?? 0) : Number.POSITIVE_INFINITY
      return Math.max(from, Math.min(at, next - 1))
    }
    const last = place(end - 1)
    let to = place(end)
    // In the middle of what one code point of the stream became: to the end of that.
    for (let index = this.#placeBefore(end) + 1; to <= last && index < this.#places; index++) {
      to = this.#placeInStream[index] ?? 0
    }
    return { from: place(start), to }
  }

  /** Whether it was written byte for byte as it is read, but for the case of ASCII. */
  protected isPlain(start: number, end: number): boolean {
    const place = this.#placeBefore(start)
    return place === this.#placeBefore(end - 1) && this.isAscii(start, end)
  }

  protected isAscii(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if ((this.text[at] ?? 0) >= 0x80) return false
    return true
  }

  /** A piece of the stream as it was written, COPY's escapes read; undefined where it is too long to be still there. */
  protected written(from: number, to: number): string | undefined {
    const start = from - this.#sourceStart
    const end = to - this.#sourceStart
    if (start < 0 || end > this.#sourceLength) return undefined
    return readCopyText(Buffer.from(this.#source.subarray(start, end)).toString('utf8'))
  }

  #keepSource(input: Buffer, from: number, to: number, offset: number): void {
    const length = to - from
    if (length <= 0) return
    const source = this.#source
    const room = source.length - this.#sourceLength
    if (length > room) {
      const drop = Math.min(this.#sourceLength, Math.max(length - room, this.#sourceLength >> 1))
      source.copyWithin(0, drop, this.#sourceLength)
      this.#sourceLength -= drop
    }
    source.set(input.subarray(from, to), this.#sourceLength)
    this.#sourceLength += length
    this.#sourceStart = offset + to - this.#sourceLength
  }
}

/**
 * The results for code points below U+10000 that begin with their own letter or sign, with sorted marks, in UTF-8. Each
 * has its start in `formBytes`, whether it is more than one character, and its length; 0 where it was not looked up
 * yet.
 */
const wholeForms = new Uint32Array(0x10000)
const formOffset = 6
const formIsUneven = 0x20
const formLength = 0x1f
/** Of a mark, and of what has one that is sorted behind others that may come. */
const notWhole = 0xffffffff
let formBytes = new Uint8Array(1024)
let formBytesLength = 0

function wholeForm(codePoint: number): number {
  const parts = foldedDecomposition(codePoint)
  const isWhole = combiningClass(parts[0] ?? 0) === 0 && !parts.includes(iotaSubscript)
  const form = isWhole ? keepForm(Buffer.from(String.fromCodePoint(...parts)), parts.length > 1) : notWhole
  wholeForms[codePoint] = form
  return form
}

function keepForm(bytes: Buffer, isUneven: boolean): number {
  if (formBytesLength + bytes.length > formBytes.length) {
    const longer = new Uint8Array(2 * formBytes.length)
    longer.set(formBytes)
    formBytes = longer
  }
  formBytes.set(bytes, formBytesLength)
  const offset = formBytesLength
  formBytesLength += bytes.length
  return ((offset << formOffset) | (isUneven ? formIsUneven : 0) | bytes.length) >>> 0
}

const copyEscapes: Record<string, string> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}
const copyCharacters = new Map(
  Object.entries(copyEscapes).map(([character, written]) => [written.charAt(1), character]),
)

/** A text as one value of COPY's text format. */
export function copyText(text: string): string {
  return text.replace(/[\\\b\f\n\r\t\v]/g, (character) => copyEscapes[character] ?? character)
}

/** The text of one value of COPY's text format. */
export function readCopyText(value: string): string {
  return value.replace(/\\(.)/g, (_, sign: string) => copyCharacters.get(sign) ?? sign)
}
