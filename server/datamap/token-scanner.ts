import { type Identifier, isSearchable, normalizeIdentifier, searchForm } from './identifiers.ts'
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

/** Where a token stands. */
export type TokenPlace = {
  column: number
  /** Counts the values of the stream. */
  value: number
  /** The token is all there is in the value. */
  whole: boolean
}

const mostBytes = 1024
/** Of a whole value: longer ones are prose. */
const mostValueBytes = 256
const fewestBytes = 4
/** Connected chunks of one token. */
const mostChunks = 3

const joiner = 1
const connector = 2
const beyondAscii = 4
const valueEnd = 8
const at = 0x40
const plus = 0x2b
const underscore = 0x5f

const alone: readonly number[] = []

const isConnector = markedBytes("\\/|:#'")
const byteKind = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return beyondAscii
  if (isJoiner[byte] === 1) return joiner
  if (isConnector[byte] === 1) return connector
  return byte === tab || byte === newline ? valueEnd : 0
})

const letters = '0-9a-z\\u00c0-\\u04ff\\u1e00-\\u1fff'
const chunk = `[${letters}]+(?:[_+@.-][${letters}]+)*`
const word = new RegExp(`^[_+@.-]?${chunk}(?:[\\\\/|:#']${chunk}){0,${mostChunks - 1}}$`)
const uuidInside = new RegExp(`(?<![${letters}])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![${letters}])`, 'g')
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const dateOrTime = /^(?:\d{4}-\d\d-\d\dt?|\d\d:|\d\d\.\d{3,6}(?=[z+-]))[\d:.+-]*z?$/
const lettersOnly = /^[\p{L}\p{M}]+$/u
const fewDigits = /^\p{Nd}{1,7}$/u

/**
 * How a later search can find this identifier, of which only the hash is left: as a `word` of any text, as a whole `value`
 * only, or not at all. Not at all: what is not searchable, what an escape or another letter stands for in search form
 * (`%40`, the final sigma), dates and times, and e-mail addresses and directory object ids that do not look like any.
 */
export function sweepable(identifier: Identifier): 'word' | 'value' | 'no' {
  const value = normalizeIdentifier(identifier.kind, identifier.value)
  const form = searchForm(value)
  if (
    !isSearchable(identifier) ||
    normalizeIdentifier(identifier.kind, form) !== value ||
    dateOrTime.test(value) ||
    !kindsOf(value).includes(identifier.kind) ||
    Buffer.byteLength(form.normalize('NFD')) > mostBytes
  ) {
    return 'no'
  }
  if (word.test(form) && word.test(form.normalize('NFD'))) return 'word'
  return /[0-9@]/.test(form) && Buffer.byteLength(form.normalize('NFD')) <= mostValueBytes ? 'value' : 'no'
}

/** The kinds of identifiers that look like this token. A login name has lost what stands before its last bar. */
export function kindsOf(token: string): Identifier['kind'][] {
  if (uuid.test(token)) return ['directory_object_id', 'login_name', 'ref', 'external_identity_id']
  const kinds: Identifier['kind'][] = token.includes('|') ? [] : ['login_name']
  if (token.includes('@')) kinds.unshift('email')
  return [...kinds, 'ref', 'external_identity_id']
}

/**
 * Takes every token out of the output of PostgreSQL's `copy ... to stdout` in one pass. A token is what could be an
 * identifier that nobody knows any more, only its hash. It is taken by the rule of words that identifiers.ts states:
 *
 * - A **chunk** is a run of letters and digits, with single joiners (`_ + @ . -`) inside. Up to three chunks may be
 *   connected by one of `\ / | : # '`. Each chunk and each run of connected chunks is a token, also with one joiner before
 *   it, and the beginnings of an address that end before `_`, `+` or `@`, which cannot go on behind an address.
 * - A UUID is a token wherever no letter or digit stands beside it.
 * - A whole value of up to 256 bytes is a token, whatever it is made of, if it has a digit or an `@`.
 *
 * No token is longer than 1,024 bytes or shorter than isSearchable allows, and none is a date or a time. Tokens come in
 * search form and as often as they stand there; the same one may come twice from one place. With `groups`, the first
 * column holds no text but names the group that the row belongs to; its value is told whenever it changes.
 */
export class TokenScanner extends SearchFormStream {
  readonly #onToken: (token: string, place: TokenPlace) => void
  readonly #onGroup: ((group: string) => void) | undefined
  readonly #place: TokenPlace = { column: 0, value: 0, whole: false }
  #group = ''
  /** Where the search goes on. */
  #next = 1
  /** Where the chunk that is being read starts; none below zero. Then those that it is connected with, the nearest first. */
  #start = -1
  #connected = alone
  /** What there is in it besides letters and digits of ASCII. */
  #kinds = 0
  #valueStart = 1
  /** The value has a digit or an at sign. */
  #valueIsToken = false
  /** Where a token ended that the value begins with. */
  #tokenEnd = -1
  /** The window again, to read strings from. */
  readonly #window: Buffer

  constructor(onToken: (token: string, place: TokenPlace) => void, options: { groups?: (group: string) => void } = {}) {
    super()
    this.#onToken = onToken
    this.#onGroup = options.groups
    this.open(mostBytes + lookBack, 0)
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
      let goesOn = false
      if (kind === beyondAscii) {
        if (byte < 0xc0 ? belongsToCharacter(text, place) : letterStartsAt(text, place)) {
          if (start < 0 && byte >= 0xc0) {
            start = place
            kinds = 0
          }
          kinds |= kind
          continue
        }
      } else if (start >= 0 && (kind & (joiner | connector)) !== 0 && letterStartsAt(text, next)) {
        if (kind === joiner) {
          kinds |= kind
          if (byte === at) this.#valueIsToken = true
          continue
        }
        goesOn = true
      }
      if (start >= 0) {
        // Most words are nothing but letters, and no token.
        if (kinds !== 0 || goesOn || this.#connected !== alone || isToken(text, start, place)) {
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

  /** `goesOn`: one connecting sign follows, and another chunk. */
  #endChunk(start: number, end: number, kinds: number, goesOn: boolean): void {
    const connected = this.#connected
    const first = connected.at(-1) ?? start
    if (first === this.#valueStart) this.#tokenEnd = end
    if (hasDigit(this.text, start, end)) this.#valueIsToken = true
    if (kinds !== 0 || isToken(this.text, start, end)) this.#take(start, end)
    for (const from of connected) this.#take(from, end)
    if ((kinds & joiner) !== 0 && end - start > 36 && end - start <= mostBytes) this.#takeUuids(start, end)
    this.#connected = goesOn ? [start, ...connected].slice(0, mostChunks - 1) : alone
  }

  /** Takes the tokens that end with the chunk that ends here and start with the one that starts there, or just beside. */
  #take(start: number, end: number): void {
    if (end - start > mostBytes || end - start < fewestBytes || this.#isGroup()) return
    const text = this.text
    const token = this.#window.toString('utf8', start, end)
    const behind = text[end]
    this.#takeWord(token, start === this.#valueStart && (behind === tab || behind === newline))
    const before = text[start - 1] ?? 0
    if (isJoiner[before] === 1 && canStart(text, start - 1)) this.#takeWord(String.fromCharCode(before) + token)
    if (before === backslash && isEscapeLetter[text[start] ?? 0] === 1) {
      const rest = token.slice(1)
      const sign = rest.charCodeAt(0)
      if (isConnector[sign] === 1) return
      this.#takeWord(rest)
      if (isJoiner[sign] === 1) this.#takeWord(rest.slice(1))
    }
  }

  /** Takes a token, and what an address may be that it begins with. */
  #takeWord(token: string, whole = false): void {
    this.#tell(token, whole)
    const firstAt = token.indexOf('@')
    if (firstAt < 0) return
    for (let end = token.length - 1; end > firstAt; end--) {
      const sign = token.charCodeAt(end)
      if (isConnector[sign] === 1) return
      if (sign === at || sign === underscore || sign === plus) this.#tell(token.slice(0, end))
    }
  }

  #takeUuids(start: number, end: number): void {
    if (this.#isGroup()) return
    const escaped = this.text[start - 1] === backslash && isEscapeLetter[this.text[start] ?? 0] === 1
    const text = this.#window.toString('utf8', escaped ? start + 1 : start, end)
    for (const [found] of text.matchAll(uuidInside)) this.#tell(found)
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
      this.#tell(this.#window.toString('utf8', this.#valueStart, end).trim(), true)
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

  #tell(token: string, whole = false): void {
    if (token.length < 5 || lettersOnly.test(token) || fewDigits.test(token) || dateOrTime.test(token)) return
    this.#place.whole = whole
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

/** Whether this byte continues a character that begins before it. */
function belongsToCharacter(text: Uint8Array, place: number): boolean {
  return (text[place - 1] ?? 0) >= 0xc0 || text[place - 2] === 0xe1
}

function hasDigit(text: Uint8Array, start: number, end: number): boolean {
  for (let place = start; place < end; place++) {
    const byte = text[place] ?? 0
    if (byte < 0x3a && byte >= 0x30) return true
  }
  return false
}
