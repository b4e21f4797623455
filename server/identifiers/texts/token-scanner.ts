import type { Identifier } from '../identifier-key.ts'
import { isAsciiAlphanumeric, readingsOf } from './escapes.ts'
import { backslash, newline, SearchFormStream, tab } from './search-form-stream.ts'
import {
  codePointAt,
  isEscapeLetter,
  isJoiner,
  isLetterOrMark,
  isWord,
  joinedByJoiner,
  joinsAs,
  joinsEverything,
  letterBefore,
  letterEndsBefore,
  letterOrMarkStartsAt,
  lookBack,
  markedBytes,
} from './words.ts'

/** Where a token stands. */
export type TokenPlace = {
  column: number
  /** Counts the values of the stream. */
  value: number
  /** The value begins with the token; ends with it. */
  first: boolean
  last: boolean
}

const mostBytes = 1024
/** Of a whole value: longer ones are prose. */
const mostValueBytes = 256
const fewestBytes = 4
/** Connected chunks of one token. */
const mostChunks = 3
/** The same, where scripts that meet part chunks too. */
const mostPieces = 8

/** What follows a chunk: nothing that it is connected with; another script, or a label of a domain; a connecting sign. */
const ends = 0
const changes = 1
const connects = 2

const joiner = 1
const connector = 2
const beyondAscii = 4
const valueEnd = 8
/** Besides what a byte may be: something that is neither a letter nor a mark, nor of ASCII. */
const noLetter = 16
const at = 0x40
const space = 0x20
const plus = 0x2b
const hyphen = 0x2d
const underscore = 0x5f

const alone: readonly number[] = []

const isConnector = markedBytes("\\/|:#'&~^$")
/** Connectors that an address may have before its at sign, so that what follows is not all of it. */
const joinsAddresses = markedBytes("'&~^$")
const byteKind = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return beyondAscii
  if (isJoiner[byte] === 1) return joiner
  if (isConnector[byte] === 1) return connector
  return byte === tab || byte === newline ? valueEnd : 0
})

const uuidInside = /(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])/g
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const dateOrTime = /^(?:\d{4}-\d\d-\d\dt?|\d\d:|\d\d\.\d{3,6}(?=[z+-]))[\d:.+-]*z?$/
const ascii = /^[ -~]*$/
const lettersOnly = /^[\p{L}\p{M}]+$/u
const fewDigits = /^\p{Nd}{1,7}$/u

/** The kinds of identifiers that look like this token. A login name has lost what stands before its last bar. */
export function kindsOf(token: string): Identifier['kind'][] {
  if (uuid.test(token)) return ['directory_object_id', 'login_name', 'ref', 'external_identity_id']
  const kinds: Identifier['kind'][] = token.includes('|') ? [] : ['login_name']
  if (token.includes('@')) kinds.unshift('email')
  return [...kinds, 'ref', 'external_identity_id']
}

/**
 * Takes every token out of the output of PostgreSQL's `copy ... to stdout` in one pass. A token is what could be an
 * identifier that nobody knows any more, only its hash. It is taken by the rule of words that words.ts states:
 *
 * - A **chunk** is a run of letters and digits, with single joiners (`_ + @ . -`) inside. Up to three chunks may be
 *   connected by one of `\ / | : # ' & ~ ^ $` or by `--`, or stand side by side where letters of one script end and
 *   those of another begin. Each chunk and each run of connected chunks is a token, also with one joiner before it. So
 *   are the beginnings of an address before `_`, `+` or `@`, which cannot go on behind an address.
 * - A UUID is a token wherever no letter or digit stands beside it.
 * - A whole value of up to 256 bytes is a token, whatever it is made of, if it has a digit or an `@`.
 *
 * No token is longer than 1,024 bytes or shorter than isSearchable allows, and none is a date or a time. ASCII comes in
 * lower case, other tokens as written, because their key does not follow from their fold. A token with escapes comes in
 * each of its readings (escapes.ts). A token may come twice from one place, or be a part of a longer word: a finding is
 * only what IdentifierScanner finds, too. With `groups`, the first column holds no text but names the group that the
 * row belongs to; its value is told whenever it changes.
 */
export class TokenScanner extends SearchFormStream {
  readonly #onToken: (token: string, place: TokenPlace) => void
  readonly #onGroup: ((group: string) => void) | undefined
  readonly #place: TokenPlace = { column: 0, value: 0, first: false, last: false }
  #group = ''
  /** Where the search goes on. */
  #next = 1
  /** Where the chunk that is being read starts; none below zero. Then those that it is connected with, the nearest first. */
  #start = -1
  #connected = alone
  /** How many connecting signs stand between each of these and the chunk that is being read. */
  #signs = alone
  /** What there is in it besides letters and digits of ASCII. */
  #kinds = 0
  #valueStart = 1
  /** The value has a digit or an at sign. */
  #valueIsToken = false
  /** Where a token ended that the value begins with. */
  #tokenEnd = -1
  /** The window again, to read strings from. */
  readonly #window: Buffer

  constructor(
    onToken: (token: string, place: TokenPlace) => void,
    options: { groups?: (group: string) => void; slice?: number } = {},
  ) {
    super()
    this.#onToken = onToken
    this.#onGroup = options.groups
    this.open(mostBytes + lookBack, 0, options.slice)
    this.#window = Buffer.from(this.text.buffer)
  }

  protected moved(shift: number): void {
    this.#next = Math.max(0, this.#next - shift)
    this.#valueStart -= shift
    this.#tokenEnd -= shift
    if (this.#start >= 0) this.#start = Math.max(0, this.#start - shift)
    if (this.#connected.length > 0) this.#connected = this.#connected.map((start) => Math.max(0, start - shift))
  }

  protected search(limit: number): void {
    const text = this.text
    const stops = this.stops
    const count = this.stopCount
    let next = this.#next
    let start = this.#start
    let kinds = this.#kinds
    let index = 0
    for (; index < count; index++) {
      const place = stops[index] ?? 0
      if (place >= limit) break
      if (start < 0 && place > next) {
        start = next
        kinds = 0
      }
      next = place + 1
      const byte = text[place] ?? 0
      const kind = byteKind[byte] ?? 0
      let goesOn = ends
      if (kind === beyondAscii) {
        // The rest of a character goes with its first byte.
        if (byte < 0xc0) continue
        const codePoint = codePointAt(text, place)
        const joins = joinsAs(codePoint)
        if (start < 0 ? joins !== 0 : letterOrMarkStartsAt(text, place)) {
          const other = start >= 0 && joins !== 0 && joins !== letterBefore(text, place)
          if (other) this.#endChunk(start, place, kinds, changes)
          if (start < 0 || other) {
            start = place
            kinds = 0
          }
          kinds |= isLetterOrMark(codePoint) ? kind : kind | noLetter
          // ASCII stops nowhere, so where the script ends is looked for here.
          const end = place + (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4)
          if (isAsciiAlphanumeric(text[end] ?? 0) && letterBefore(text, end) !== joinsEverything) {
            this.#endChunk(start, end, kinds, changes)
            start = end
            kinds = 0
          }
          continue
        }
      } else if (start >= 0 && (kind & (joiner | connector)) !== 0 && letterOrMarkStartsAt(text, next)) {
        if (kind === joiner && joinedByJoiner(text, place)) {
          kinds |= kind
          if (byte === at) this.#valueIsToken = true
          continue
        }
        goesOn = connects
      } else if (start >= 0 && byte === hyphen && text[next] === hyphen && letterOrMarkStartsAt(text, next + 1)) {
        // As in an internationalized domain: xn--bcher-kva.
        goesOn = changes
      }
      if (start >= 0) {
        // Most words are nothing but letters, and no token.
        if (kinds === beyondAscii && goesOn === ends && this.#connected === alone && !isToken(text, start, place)) {
          if (!this.isUnescaped(start - 1, place)) this.#endChunk(start, place, kinds, goesOn)
        } else if (kinds !== 0 || goesOn !== ends || this.#connected !== alone || isToken(text, start, place)) {
          this.#endChunk(start, place, kinds, goesOn)
        }
        start = -1
      }
      if (kind === valueEnd) this.#endValue(place)
      else if (byte === at) this.#valueIsToken = true
    }
    this.#next = next
    this.#start = start
    this.#kinds = kinds
    stops.copyWithin(0, index, count)
    this.stopCount = count - index
  }

  #endChunk(start: number, end: number, kinds: number, goesOn: number): void {
    const connected = this.#connected
    const first = connected.at(-1) ?? start
    if (first === this.#valueStart) this.#tokenEnd = end
    if (hasDigit(this.text, start, end)) this.#valueIsToken = true
    if (kinds !== 0 || isToken(this.text, start, end)) this.#take(start, end)
    for (const from of connected) this.#take(from, end)
    if ((kinds & joiner) !== 0 && end - start > 36 && end - start <= mostBytes) this.#takeUuids(start, end)
    this.#connect(start, goesOn)
  }

  #connect(start: number, goesOn: number): void {
    if (goesOn === ends) {
      this.#connected = alone
      this.#signs = alone
      return
    }
    const more = goesOn === connects ? 1 : 0
    const signs = [more, ...this.#signs.map((count) => count + more)]
    const kept = Math.min(mostPieces - 1, signs.filter((count) => count < mostChunks).length)
    this.#connected = [start, ...this.#connected].slice(0, kept)
    this.#signs = signs.slice(0, kept)
  }

  /** Takes the tokens that end with the chunk that ends here and start with the one that starts there, or just beside. */
  #take(start: number, end: number): void {
    if (end - start > mostBytes || end - start < fewestBytes || this.#isGroup()) return
    const text = this.text
    this.#place.last = text[end] === tab || text[end] === newline
    this.#place.first = start === this.#valueStart
    this.#takeWord(start, end)
    this.#place.first = false
    const before = text[start - 1] ?? 0
    if (isJoiner[before] === 1 && canStart(text, start - 1)) this.#takeWord(start - 1, end)
    if (before === backslash && isEscapeLetter[text[start] ?? 0] === 1) {
      const sign = text[start + 1] ?? 0
      if (isConnector[sign] === 1) return
      this.#takeWord(start + 1, end)
      if (isJoiner[sign] === 1) this.#takeWord(start + 2, end)
    }
  }

  /** Takes a token, and what an address may be that it begins with. */
  #takeWord(start: number, end: number): void {
    const text = this.text
    let firstAt = start
    while (firstAt < end && text[firstAt] !== at) firstAt++
    if (firstAt === end) {
      this.#tell(start, end)
      return
    }
    // The rest of a longer address is none.
    if (joinsAddresses[text[start - 1] ?? 0] === 1 && letterEndsBefore(text, start - 1)) return
    this.#tell(start, end)
    const { last } = this.#place
    this.#place.last = false
    for (let stop = end - 1; stop > firstAt; stop--) {
      const sign = text[stop] ?? 0
      if (isConnector[sign] === 1) break
      if (sign === at || sign === underscore || sign === plus) this.#tell(start, stop)
    }
    this.#place.last = last
  }

  #takeUuids(start: number, end: number): void {
    if (this.#isGroup()) return
    const escaped = this.text[start - 1] === backslash && isEscapeLetter[this.text[start] ?? 0] === 1
    const from = escaped ? start + 1 : start
    const text = this.#window.toString('latin1', from, end)
    this.#place.last = false
    for (const found of text.matchAll(uuidInside)) {
      const start = from + found.index
      const stop = start + found[0].length
      if (isWord(this.text, start, stop, 'uuid')) this.#tell(start, stop)
    }
  }

  #endValue(end: number): void {
    const length = end - this.#valueStart
    if (this.#isGroup()) {
      const group = this.#window.toString('latin1', this.#valueStart, end)
      if (length > 0 && group !== this.#group) {
        this.#group = group
        this.#onGroup?.(group)
      }
    } else if (this.#valueIsToken && length <= mostValueBytes && this.#tokenEnd !== end) {
      this.#place.first = true
      this.#place.last = true
      this.#tell(this.#valueStart, end)
      this.#place.first = false
    }
    this.#valueStart = end + 1
    this.#valueIsToken = false
    this.#place.value++
    if (this.text[end] === newline) this.#place.column = 0
    else this.#place.column++
  }

  #isGroup(): boolean {
    return this.#onGroup !== undefined && this.#place.column === 0
  }

  #tell(start: number, end: number): void {
    if (this.isPlain(start, end)) {
      this.#tellToken(this.#window.toString('latin1', start, end))
      return
    }
    const { from, to } = this.inStream(start, end)
    const written = this.written(from, to)
    if (written === undefined) this.#tellToken(this.#window.toString('utf8', start, end))
    else {
      for (const reading of readingsOf(written)) {
        this.#tellToken(ascii.test(reading) ? reading.toLowerCase() : reading)
      }
    }
  }

  #tellToken(given: string): void {
    const token = given.charCodeAt(0) <= space || given.charCodeAt(given.length - 1) <= space ? given.trim() : given
    // The key of an internationalized address is longer than it is written.
    const short = token.length < 5 && ascii.test(token)
    if (short || lettersOnly.test(token) || fewDigits.test(token) || dateOrTime.test(token)) return
    this.#onToken(token, this.#place)
  }
}

/** Whether an identifier that starts here is not the rest of a longer one. */
function canStart(text: Uint8Array, start: number): boolean {
  if (letterEndsBefore(text, start)) return false
  return isJoiner[text[start - 1] ?? 0] !== 1 || !letterEndsBefore(text, start - 1)
}

/** Whether a run of letters and digits of ASCII may be one. */
function isToken(text: Uint8Array, start: number, end: number): boolean {
  return hasDigit(text, start, end) || isJoiner[text[start - 1] ?? 0] === 1
}

function hasDigit(text: Uint8Array, start: number, end: number): boolean {
  for (let place = start; place < end; place++) {
    const byte = text[place] ?? 0
    if (byte < 0x3a && byte >= 0x30) return true
  }
  return false
}
