import { referencesWithoutSemicolon, referenceTable } from '../generated/html-references.gen.ts'

/**
 * What escapes in a text are read as, at any depth: percent-encoded JSON in an HTML attribute reads as what it was.
 *
 * Whenever what was read so far ends in a complete escape, the escape is replaced by what it stands for, and that may
 * complete another one. Read are
 *
 * - JSON (RFC 8259, section 7): `\uXXXX` behind any number of backslashes, pairs of surrogates too; `\/` and `\"`; Any
 *   number of backslashes counts as one, because JSON within JSON doubles them at every level. `\b \f \n \r \t` stay as
 *   they are: the letter may as well begin a word (`ACME\njane`), so words.ts takes both readings;
 * - percent-encoding (RFC 3986, section 2.1) of UTF-8, of letters and digits as well;
 * - HTML's character references (HTML Standard, section 13.5): decimal, hexadecimal, and by name where they stand for
 *   something that can be in or beside an identifier. Without the semicolon as HTML reads them in text, except a name
 *   before `=` (a parameter of an address: `&copy=1`) and, before a letter or digit, the names that parameters begin with.
 *
 * Not read: `+` for a space, quoted-printable, base64, XML names (`_x0040_`), escapes of other languages (`\x40`,
 * `\u{40}`), soft hyphens and joiners inside an identifier, markup between its letters. Control characters are all read
 * alike.
 */

export const controlSign = 0x1f
const quote = 0x22
const numberSign = 0x23
const percent = 0x25
const ampersand = 0x26
const slash = 0x2f
const semicolon = 0x3b
const equals = 0x3d
const backslash = 0x5c
const replacement = 0xfffd
/** A byte of UTF-8 that a percent-encoding stands for, until the rest of its character is there. */
const byteSign = 0x110000

/** So many escapes may be begun inside of each other; each one encodes all that is inside once more, sign by sign. */
const mostOpen = 16
/** Digits of a numeric reference. HTML allows any number of zeros. */
const mostDigits = 32

const goesOn = -1
const fails = -2

type ReferenceNode = {
  next: Map<number, ReferenceNode>
  codePoint: number | undefined
  withoutSemicolon: boolean
}

const references = referencesOf(referenceTable, referencesWithoutSemicolon)
/** Before another letter these are rather parameters of an address: `&microsite=1`, `&ether=1`. */
const parameterNames = new Set(['ETH', 'eth', 'micro', 'ordf', 'ordm', 'thorn', 'THORN'])

function referencesOf(table: string, withoutSemicolon: string): ReferenceNode {
  const node = (): ReferenceNode => ({ next: new Map(), codePoint: undefined, withoutSemicolon: false })
  const root = node()
  const legacy = new Set(withoutSemicolon.split(','))
  for (const entry of table.split(',')) {
    const [name = '', codePoint = ''] = entry.split(' ')
    let at = root
    for (const character of name) {
      const sign = character.charCodeAt(0)
      const next = at.next.get(sign) ?? node()
      at.next.set(sign, next)
      at = next
    }
    at.codePoint = Number.parseInt(codePoint, 16)
    at.withoutSemicolon = legacy.has(name)
  }
  return root
}

/** Whether an escape can begin with this code point. */
export function beginsEscape(codePoint: number): boolean {
  return codePoint === backslash || codePoint === percent || codePoint === ampersand
}

/** Whether the byte or code point is one of 0-9 A-Z a-z. */
export function isAsciiAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a)
}

/**
 * Reads the escapes of one text after the other, code point by code point, in memory that does not depend on the text.
 * Hands on what it read, each code point with the place in the source that it was written at (from, to).
 */
export class EscapeReader {
  readonly #onCodePoint: (codePoint: number, from: number, to: number) => void
  /** The signs of the escapes that are begun, the outermost first, and where each one was written. */
  readonly #signs: number[] = []
  readonly #from: number[] = []
  readonly #to: number[] = []
  /** Where each of these escapes begins among the signs. */
  readonly #begun: number[] = []
  /** How many escapes were read to get the sign that each one begins with. */
  readonly #depths: number[] = []
  /** Bytes of a character, or the first half of a surrogate pair, that wait for the rest. */
  readonly #held: number[] = []
  #heldFrom = 0
  #heldTo = 0
  #missing = 0

  constructor(onCodePoint: (codePoint: number, from: number, to: number) => void) {
    this.#onCodePoint = onCodePoint
  }

  /** Whether the next code point may change what the last ones are read as. */
  get open(): boolean {
    return this.#begun.length > 0 || this.#held.length > 0
  }

  /** Reads one code point of the source. */
  push(codePoint: number, from: number, to: number): void {
    this.#read(codePoint, from, to, 0)
  }

  #read(codePoint: number, from: number, to: number, depth: number): void {
    if (beginsEscape(codePoint)) this.#begin(codePoint, from, to, depth)
    else this.#take(codePoint, from, to)
  }

  /** Ends the text. */
  end(): void {
    while (this.#begun.length > 0) this.#close(-1)
    this.#letGo()
  }

  #begin(sign: number, from: number, to: number, depth: number): void {
    if (sign === backslash) {
      const last = this.#signs.length - 1
      const follows = this.#begun.at(-1) === last && this.#signs[last] === backslash
      // `\u005c\u0061` is a backslash and a letter, not two backslashes.
      if (follows && this.#depths.at(-1) === depth) {
        this.#to[last] = to
        return
      }
    }
    if (this.#begun.length === mostOpen) this.#giveUpOutermost()
    this.#begun.push(this.#signs.length)
    this.#depths.push(depth)
    this.#add(sign, from, to)
  }

  #add(sign: number, from: number, to: number): void {
    this.#signs.push(sign)
    this.#from.push(from)
    this.#to.push(to)
  }

  /** Takes a sign that begins no escape, but may go on with one. */
  #take(sign: number, from: number, to: number): void {
    for (;;) {
      const start = this.#begun.at(-1)
      if (start === undefined) {
        this.#pass(sign, from, to)
        return
      }
      const read = this.#step(start, sign)
      if (read === goesOn) {
        this.#add(sign, from, to)
        return
      }
      if (read !== fails) {
        const first = this.#from[start] ?? from
        const depth = (this.#depths.at(-1) ?? 0) + 1
        this.#drop(start)
        this.#read(read, first, to, depth)
        return
      }
      this.#close(sign)
    }
  }

  /** What the escape that begins there is read as with this sign at its end, or whether it goes on. */
  #step(start: number, sign: number): number {
    const signs = this.#signs
    const length = signs.length - start
    const first = signs[start]
    if (first === percent) {
      const digit = hexDigit(sign)
      if (digit < 0) return fails
      if (length === 1) return goesOn
      const byte = hexDigit(signs[start + 1] ?? 0) * 16 + digit
      return byte < 0x80 ? byte : byteSign + byte
    }
    if (first === backslash) {
      if (length === 1) {
        if (sign === slash || sign === quote) return sign
        return sign === 0x75 || sign === 0x55 ? goesOn : fails
      }
      if (hexDigit(sign) < 0) return fails
      return length < 5 ? goesOn : this.#numberFrom(start + 2, 16) * 16 + hexDigit(sign)
    }
    if (length === 1) return sign === numberSign || references.next.has(sign) ? goesOn : fails
    if (signs[start + 1] !== numberSign) {
      const node = this.#referenceFrom(start)
      if (sign === semicolon) return node?.codePoint ?? fails
      return node?.next.has(sign) === true ? goesOn : fails
    }
    const hexadecimal = isX(signs[start + 2])
    const digits = length - (hexadecimal ? 3 : 2)
    if (sign === semicolon) return digits > 0 ? this.#reference(start) : fails
    if (digits === 0 && !hexadecimal && isX(sign)) return goesOn
    const isDigit = hexadecimal ? hexDigit(sign) >= 0 : sign >= 0x30 && sign <= 0x39
    return isDigit && digits < mostDigits ? goesOn : fails
  }

  /** The code point of a numeric reference that has at least one digit. */
  #reference(start: number): number {
    const hexadecimal = isX(this.#signs[start + 2])
    const codePoint = this.#numberFrom(start + (hexadecimal ? 3 : 2), hexadecimal ? 16 : 10)
    return codePoint > 0 && codePoint < byteSign ? codePoint : replacement
  }

  #numberFrom(start: number, base: number): number {
    let number = 0
    for (let at = start; at < this.#signs.length; at++) number = number * base + hexDigit(this.#signs[at] ?? 0)
    return number
  }

  #referenceFrom(start: number): ReferenceNode | undefined {
    let node: ReferenceNode | undefined = references
    for (let at = start + 1; at < this.#signs.length; at++) node = node?.next.get(this.#signs[at] ?? 0)
    return node
  }

  /** Ends the innermost escape, which does not go on with the next sign (-1: the end): a reference without semicolon, or none. */
  #close(next: number): void {
    const start = this.#begun.at(-1) ?? 0
    const [used, codePoint] = this.#withoutSemicolon(start, next)
    const signs = this.#signs.slice(start)
    const from = this.#from.slice(start)
    const to = this.#to.slice(start)
    const depth = (this.#depths.at(-1) ?? 0) + 1
    this.#drop(start)
    // A sign that begins no escape after all ends the ones that it stands in.
    if (used === 0) this.#take(signs[0] ?? 0, from[0] ?? 0, to[0] ?? 0)
    else this.#read(codePoint, from[0] ?? 0, to[used - 1] ?? 0, depth)
    for (let at = Math.max(used, 1); at < signs.length; at++) this.#take(signs[at] ?? 0, from[at] ?? 0, to[at] ?? 0)
  }

  /** How many signs of it are a reference as HTML reads it in text, and which code point that is. */
  #withoutSemicolon(start: number, next: number): [used: number, codePoint: number] {
    const signs = this.#signs
    const length = signs.length - start
    if (signs[start] !== ampersand || length < 2) return [0, 0]
    if (signs[start + 1] === numberSign) {
      const digits = length - (isX(signs[start + 2]) ? 3 : 2)
      return digits > 0 ? [length, this.#reference(start)] : [0, 0]
    }
    let node: ReferenceNode | undefined = references
    let name = ''
    let longest: [number, number] = [0, 0]
    for (let at = start + 1; at < signs.length; at++) {
      const sign = signs[at] ?? 0
      name += String.fromCharCode(sign)
      node = node?.next.get(sign)
      const follows = at + 1 < signs.length ? (signs[at + 1] ?? 0) : next
      if (node?.withoutSemicolon !== true || follows === equals) continue
      if (parameterNames.has(name) && isAsciiAlphanumeric(follows)) continue
      longest = [at + 1 - start, node.codePoint ?? replacement]
    }
    return longest
  }

  #drop(start: number): void {
    this.#signs.length = start
    this.#from.length = start
    this.#to.length = start
    this.#begun.pop()
    this.#depths.pop()
  }

  #giveUpOutermost(): void {
    const count = this.#begun[1] ?? this.#signs.length
    const signs = this.#signs.splice(0, count)
    const from = this.#from.splice(0, count)
    const to = this.#to.splice(0, count)
    this.#begun.shift()
    this.#depths.shift()
    for (const [index, begin] of this.#begun.entries()) this.#begun[index] = begin - count
    for (const [at, sign] of signs.entries()) this.#pass(sign, from[at] ?? 0, to[at] ?? 0)
  }

  /** Puts characters together that were written in parts. */
  #pass(sign: number, from: number, to: number): void {
    if (sign >= byteSign) {
      const byte = sign - byteSign
      if (this.#missing > 0 && byte < 0xc0) this.#hold(byte, from, to, this.#missing - 1)
      else {
        this.#letGo()
        if (byte < 0xc2 || byte > 0xf4) this.#tell(replacement, from, to)
        else this.#hold(byte, from, to, byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3)
      }
      if (this.#held.length > 1 && this.#missing === 0) this.#tellCharacter()
    } else if (sign >= 0xdc00 && sign <= 0xdfff && (this.#held[0] ?? 0) >= 0xd800) {
      const high = this.#held[0] ?? 0
      const first = this.#heldFrom
      this.#forget()
      this.#tell(0x10000 + ((high - 0xd800) << 10) + (sign - 0xdc00), first, to)
    } else {
      if (this.#held.length > 0) this.#letGo()
      if (sign >= 0xd800 && sign <= 0xdbff) this.#hold(sign, from, to, 0)
      else this.#tell(sign >= 0xdc00 && sign <= 0xdfff ? replacement : sign, from, to)
    }
  }

  #hold(part: number, from: number, to: number, missing: number): void {
    if (this.#held.length === 0) this.#heldFrom = from
    this.#heldTo = to
    this.#held.push(part)
    this.#missing = missing
  }

  #tellCharacter(): void {
    const [first = 0, ...rest] = this.#held
    const codePoint = rest.reduce((sum, byte) => (sum << 6) | (byte & 0x3f), first & (0x7f >> (rest.length + 1)))
    const [from, to] = [this.#heldFrom, this.#heldTo]
    this.#forget()
    const shortest = [0x80, 0x800, 0x10000][rest.length - 1] ?? 0
    const isCharacter = codePoint >= shortest && codePoint < byteSign && !(codePoint >= 0xd800 && codePoint <= 0xdfff)
    this.#tell(isCharacter ? codePoint : replacement, from, to)
  }

  /** The rest does not come. */
  #letGo(): void {
    if (this.#held.length === 0) return
    const [from, to] = [this.#heldFrom, this.#heldTo]
    this.#forget()
    this.#tell(replacement, from, to)
  }

  #forget(): void {
    this.#held.length = 0
    this.#missing = 0
  }

  #tell(codePoint: number, from: number, to: number): void {
    this.#onCodePoint(codePoint < 0x20 ? controlSign : codePoint, from, to)
  }
}

function isX(sign: number | undefined): boolean {
  return sign === 0x78 || sign === 0x58
}

/** The value of a hexadecimal digit; -1 where it is none. */
function hexDigit(sign: number): number {
  if (sign >= 0x30 && sign <= 0x39) return sign - 0x30
  if (sign >= 0x61 && sign <= 0x66) return sign - 0x57
  if (sign >= 0x41 && sign <= 0x46) return sign - 0x37
  return -1
}

const mayHoldEscape = /[\\%&]/
/** One escape, or those that are one character together. */
const oneEscape =
  /%[0-7][0-9a-f]|(?:%[89a-f][0-9a-f])+|\\+ud[89ab][0-9a-f]{2}\\+ud[c-f][0-9a-f]{2}|\\+u[0-9a-f]{4}|\\+["/]|\\{2,}|&#(?:x[0-9a-f]{1,32}|[0-9]{1,32});?|&[a-z][a-z0-9]*;?/gi

/**
 * What the text is read as after each round of reading, the outermost escapes first; the text itself comes first of all.
 * For identifiers whose own spelling holds what looks like an escape (`50%41`, `R&amp;D-7`): one of these is that spelling.
 */
export function readingsOf(text: string): string[] {
  const readings = [text]
  if (!mayHoldEscape.test(text)) return readings
  for (let rounds = 0; rounds < mostOpen; rounds++) {
    const last = readings.at(-1) ?? ''
    const next = last.replace(oneEscape, readEscapes)
    if (next === last) break
    readings.push(next)
  }
  const whole = readEscapes(text)
  if (!readings.includes(whole)) readings.push(whole)
  return readings
}

/** The text with its escapes read, at any depth. */
export function readEscapes(text: string): string {
  let read = ''
  const reader = new EscapeReader((codePoint) => {
    read += String.fromCodePoint(codePoint)
  })
  for (const character of text) reader.push(character.codePointAt(0) ?? 0, 0, 0)
  reader.end()
  return read
}
