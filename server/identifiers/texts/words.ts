import { isMark } from '../fold.ts'
import { isAsciiAlphanumeric } from './escapes.ts'

/**
 * Where a word begins and ends in a text in search form (UTF-8): whether an identifier that stands there is that
 * identifier, or a part of something longer.
 *
 * - A **letter or digit** beside the identifier makes it part of another word. Letters of Latin, Greek and Cyrillic,
 *   and all digits of ASCII, join whatever they stand beside. Letters of other scripts join their own script only,
 *   because an address often stands between them without a space. Letters of scripts without spaces between words, or
 *   with attached particles, join nothing (Han, kana, Hangul, Thai, Lao, Khmer, Burmese, Tibetan, Yi).
 * - A **combining mark** belongs to the letter before it: behind the identifier it makes the last letter another one.
 *   Selectors of variants (U+FE0F behind an emoji) change no letter.
 * - One **joiner** of `_ + @ . -` with a letter or digit on its far side joins: "jane@x.org." and "see...jane@x.org"
 *   count, "x-jane@x.org" and "jane@x.org.uk" do not. Before an address an apostrophe (`'` or U+2019) and `& ~ ^ $`
 *   join as well: an address may have them before its `@` (RFC 5322, section 3.2.3), and `o'brien@x.org` is not
 *   `brien@x.org`. So `d'anna@x.org` is read as one address, too. The other signs that an address may have there (`! #
 *   % * / = ? { | }` and the grave) part addresses from what is before them far more often: in links, claims and lists.
 *   Behind an address only `.` and `-` join.
 * - A **UUID** is unique by itself, so only letters and digits matter beside it ("photo_<uuid>.jpg" counts).
 * - A letter of b f n r t behind a backslash may be the end of a JSON escape ("\njane") or a letter ("ACME\njane"). Both
 *   readings count: a finding too many is looked at, one too few is a leak.
 *
 * What is part of a longer identifier by these rules is never found. What is part of one that a living person has is not
 * either, whatever stands between (`ACME\jdoe`, `auth0|jdoe`): the scanner is told of those (identifier-scanner.ts).
 */

/** What may stand beside an identifier without making it part of something longer. */
export type BoundaryRule = 'address' | 'name' | 'uuid'

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** The rule for what may stand beside this identifier, given in search form. */
export function boundaryRule(form: string): BoundaryRule {
  if (uuid.test(form)) return 'uuid'
  return form.includes('@') ? 'address' : 'name'
}

const backslash = 0x5c

export const isJoiner = markedBytes('_+@.-')
const joinsBeforeAddress = markedBytes("_+@.-'&~^$")
const joinsBehindAddress = markedBytes('.-')
export const isEscapeLetter = markedBytes('bfnrt')

/** The longest look back from the start of an occurrence, in bytes: a joiner, a letter and its marks. */
export const lookBack = 64
/** The longest look ahead from its end. */
export const lookAhead = 64

export function markedBytes(characters: string): Uint8Array {
  const marks = new Uint8Array(256)
  for (const byte of Buffer.from(characters)) marks[byte] = 1
  return marks
}

/** No letter; a letter that joins nothing; one that joins everything; otherwise the script that it joins. */
const noLetterAtAll = 0
const joinsNothing = -1
export const joinsEverything = 1

/** First code points of ranges, each up to the next one: how the letters in it join. Blocks of The Unicode Standard. */
const ranges: [from: number, joins: number | 'script'][] = [
  [0x00c0, joinsEverything],
  [0x0530, 'script'],
  [0x0590, 'script'],
  [0x0600, 'script'],
  [0x0700, 'script'],
  [0x0750, 'script'],
  ...blocks(0x0780, 0x0900, 0x40),
  ...blocks(0x0900, 0x0e00, 0x80),
  [0x0e00, joinsNothing],
  [0x10a0, 'script'],
  [0x1100, joinsNothing],
  [0x1200, 'script'],
  [0x13a0, 'script'],
  [0x1400, 'script'],
  [0x1680, 'script'],
  [0x16a0, 'script'],
  [0x1700, 'script'],
  [0x1780, joinsNothing],
  [0x1800, 'script'],
  [0x18b0, 'script'],
  [0x1900, joinsNothing],
  [0x1b00, 'script'],
  [0x1b80, 'script'],
  [0x1bc0, 'script'],
  [0x1c00, 'script'],
  [0x1c50, 'script'],
  [0x1c80, joinsEverything],
  [0x1c90, 'script'],
  [0x1cc0, joinsNothing],
  [0x1d00, joinsEverything],
  [0x2000, joinsNothing],
  [0x2150, joinsEverything],
  [0x2190, joinsNothing],
  [0x2c00, 'script'],
  [0x2c60, joinsEverything],
  [0x2c80, 'script'],
  [0x2d00, 'script'],
  [0x2d30, 'script'],
  [0x2d80, 'script'],
  [0x2de0, joinsNothing],
  [0xa4d0, 'script'],
  [0xa500, 'script'],
  [0xa640, joinsEverything],
  [0xa6a0, 'script'],
  [0xa720, joinsEverything],
  ...blocks(0xa800, 0xa960, 0x20),
  [0xa960, joinsNothing],
  [0xa980, 'script'],
  [0xa9e0, joinsNothing],
  [0xaa00, 'script'],
  [0xaa60, joinsNothing],
  [0xaae0, 'script'],
  [0xab00, 'script'],
  [0xab30, joinsEverything],
  [0xab70, 'script'],
  [0xabc0, 'script'],
  [0xac00, joinsNothing],
  [0xfb1d, 'script'],
  [0xfb50, 'script'],
  [0xfe00, joinsNothing],
  [0xfe70, 'script'],
  [0xff00, joinsEverything],
  [0xff66, joinsNothing],
  ...blocks(0x10000, 0x11700, 0x40),
  [0x11700, joinsNothing],
  ...blocks(0x11800, 0x12000, 0x40),
  ...blocks(0x12000, 0x17000, 0x400),
  [0x17000, joinsNothing],
  ...blocks(0x1e000, 0x1f000, 0x40),
  [0x1f000, joinsNothing],
]

/** Ranges whose letters are those of the script of another range. */
const sameScript = new Map([
  [0x0750, 0x0600],
  [0x0880, 0x0600],
  [0x08c0, 0x0600],
  [0xfb50, 0x0600],
  [0xfe70, 0x0600],
  [0xfb1d, 0x0590],
  [0xa8e0, 0x0900],
  [0x1c90, 0x10a0],
  [0x2d00, 0x10a0],
  [0xab70, 0x13a0],
  [0x2d80, 0x1200],
  [0xab00, 0x1200],
  [0x10440, 0x10400],
  [0x10cc0, 0x10c80],
  [0x118c0, 0x11880],
  [0x1e940, 0x1e900],
])

function blocks(from: number, to: number, size: number): [from: number, joins: 'script'][] {
  return Array.from({ length: Math.ceil((to - from) / size) }, (_, index) => [from + index * size, 'script'])
}

/** What is left of the ranges without these are letters, marks and digits, also those that Node does not know yet. */
const noLetter = /[\p{P}\p{S}\p{Z}\p{Cc}\p{Cf}]/u

/** Everything but letters and marks. */
const noLetterOrMark = /[^\p{L}\p{M}]/u

/** What is known of each code point below U+10000; 0 where that is yet to be found out. */
const knownJoins = new Int32Array(0x10000)
/** Added to what is stored there, so that nothing that is known is 0. */
const stored = 2
const knownProperties = new Uint8Array(0x10000)
const found = 1
const mark = 2
const other = 4

/** How a letter or digit joins what it stands beside: not at all (-1), everything (1), or its own script (2 and up); 0: no letter. */
export function joinsAs(codePoint: number): number {
  if (codePoint < 0x80) return isAsciiAlphanumeric(codePoint) ? joinsEverything : noLetterAtAll
  if (codePoint < 0xc0) return noLetterAtAll
  if (codePoint >= 0x10000) return joinsOf(codePoint)
  const known = knownJoins[codePoint] ?? 0
  if (known !== 0) return known - stored
  const joins = joinsOf(codePoint)
  knownJoins[codePoint] = joins + stored
  return joins
}

function joinsOf(codePoint: number): number {
  return noLetter.test(String.fromCodePoint(codePoint)) ? noLetterAtAll : rangeOf(codePoint)
}

function propertiesOf(codePoint: number): number {
  const known = codePoint < 0x10000 ? (knownProperties[codePoint] ?? 0) : 0
  if (known !== 0) return known
  const isOther = noLetterOrMark.test(String.fromCodePoint(codePoint))
  const properties = found | (isMark(codePoint) ? mark : 0) | (isOther ? other : 0)
  if (codePoint < 0x10000) knownProperties[codePoint] = properties
  return properties
}

/** Whether it is a mark: it belongs to the character before it. */
function belongsBefore(codePoint: number): boolean {
  return (propertiesOf(codePoint) & mark) !== 0
}

/** Whether it is a letter, or a mark of one, as Node has it. */
export function isLetterOrMark(codePoint: number): boolean {
  return (propertiesOf(codePoint) & other) === 0
}

function rangeOf(codePoint: number): number {
  let low = 0
  let high = ranges.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((ranges[middle]?.[0] ?? 0) <= codePoint) low = middle
    else high = middle - 1
  }
  const [from, joins] = ranges[low] ?? [0, joinsNothing]
  return joins === 'script' ? (sameScript.get(from) ?? from) : joins
}

function joined(outside: number, edge: number): boolean {
  return outside === joinsEverything || (outside > joinsEverything && outside === edge)
}

/** Whether what stands there, from one index to the other, is a word by this rule. */
export function isWord(text: Uint8Array, start: number, end: number, rule: BoundaryRule): boolean {
  const first = joinsAs(codePointAt(text, start))
  if (letterEndsBefore(text, start, first)) return false
  const last = joinsAs(codePointAt(text, startOfLetter(text, end)))
  if (letterStartsAt(text, end, last)) return false
  if (rule === 'uuid') return true
  const joiner = joinerBefore(text, start, rule)
  if (joiner > 0 && letterEndsBefore(text, start - joiner, first)) return false
  const behind = rule === 'address' ? joinsBehindAddress : isJoiner
  return behind[text[end] ?? 0] === 0 || !letterStartsAt(text, end + 1, last)
}

/** The length of the joiner that ends there, in bytes; 0 where there is none. */
function joinerBefore(text: Uint8Array, end: number, rule: BoundaryRule): number {
  const byte = text[end - 1] ?? 0
  if (rule === 'name') return isJoiner[byte] ?? 0
  if (joinsBeforeAddress[byte] === 1) return 1
  // U+2019
  return byte === 0x99 && text[end - 2] === 0x80 && text[end - 3] === 0xe2 ? 3 : 0
}

/** Whether a letter, or a mark of the one before, starts there that joins an identifier whose last letter joins so. */
export function letterStartsAt(text: Uint8Array, at: number, edge = joinsEverything): boolean {
  const byte = text[at] ?? 0
  if (byte < 0x80) return isAsciiAlphanumeric(byte)
  const codePoint = codePointAt(text, at)
  return belongsBefore(codePoint) ? !selectsVariant(codePoint) : joined(joinsAs(codePoint), edge)
}

/** Whether a letter with its marks ends there that joins an identifier whose first letter joins so. */
export function letterEndsBefore(text: Uint8Array, end: number, edge = joinsEverything): boolean {
  const last = text[end - 1] ?? 0
  if (last < 0x80) return isAsciiAlphanumeric(last) && !(isEscapeLetter[last] === 1 && text[end - 2] === backslash)
  return joined(joinsAs(codePointAt(text, startOfLetter(text, end))), edge)
}

/** Whether a letter or digit of any script, or a mark of the one before, starts there. */
export function letterOrMarkStartsAt(text: Uint8Array, at: number): boolean {
  const byte = text[at] ?? 0
  if (byte < 0x80) return isAsciiAlphanumeric(byte)
  const codePoint = codePointAt(text, at)
  return belongsBefore(codePoint) ? !selectsVariant(codePoint) : joinsAs(codePoint) !== noLetterAtAll
}

/** How the letter joins that ends there, marks aside. */
export function letterBefore(text: Uint8Array, end: number): number {
  return joinsAs(codePointAt(text, startOfLetter(text, end)))
}

/** Whether the joiner at this place joins what stands on both sides of it, as seen from either. */
export function joinedByJoiner(text: Uint8Array, place: number): boolean {
  const behind = text[place + 1] ?? 0
  if (behind < 0x80 && (text[place - 1] ?? 0) < 0x80) return true
  return letterBefore(text, place) === joinsAs(codePointAt(text, place + 1))
}

/** Where the letter starts that ends there, its marks included. */
function startOfLetter(text: Uint8Array, end: number): number {
  let start = end
  for (;;) {
    do start--
    while (start > 0 && ((text[start] ?? 0) & 0xc0) === 0x80)
    if (start <= 0 || end - start >= lookBack || (text[start] ?? 0) < 0xcc || !belongsBefore(codePointAt(text, start)))
      return start
  }
}

function selectsVariant(codePoint: number): boolean {
  return (codePoint >= 0xfe00 && codePoint <= 0xfe0f) || codePoint >= 0xe0100
}

/** The code point that starts there in UTF-8. */
export function codePointAt(text: Uint8Array, at: number): number {
  const byte = text[at] ?? 0
  if (byte < 0x80) return byte
  const second = (text[at + 1] ?? 0) & 0x3f
  if (byte < 0xe0) return ((byte & 0x1f) << 6) | second
  const third = (text[at + 2] ?? 0) & 0x3f
  if (byte < 0xf0) return ((byte & 0x0f) << 12) | (second << 6) | third
  return ((byte & 0x07) << 18) | (second << 12) | (third << 6) | ((text[at + 3] ?? 0) & 0x3f)
}
