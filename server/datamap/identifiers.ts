/**
 * What an identifier of a person is, and when an occurrence of it in a text counts.
 *
 * Three readers of a text must agree: the scanner (identifier-scanner.ts), the pattern that PostgreSQL searches and
 * rewrites with (`occurrencePattern`), and the people who read the certificate. The rules live here, once:
 *
 * - **Case** is folded for ASCII and for every letter below U+2000 whose lower-case form takes as many UTF-8 bytes
 *   (Latin, Greek, Cyrillic, Armenian). Composed and decomposed accents (NFC, NFD) are both found.
 * - **Escapes** of JSON (`\u0040`, `\/`, `\\`, at any depth of nesting) and of URLs (`%40`, also encoded again as
 *   `%2540`) are read as the character they stand for, unless that is an ASCII letter or digit, which nobody escapes.
 *   Not covered: HTML entities inside the identifier, quoted-printable, base64, compressed or hashed text, and characters
 *   above U+FFFF written as JSON escapes.
 * - **Words**: a letter or digit beside the identifier makes it part of another word. One of `_ + @ . -` does so too, but
 *   only with a letter or digit on its far side, and only when it stands alone: "jane@x.org." and "see...jane@x.org" count,
 *   "x-jane@x.org" and "jane@x.org.uk" do not. Behind an address only `.` and `-` can go on. A UUID is unique by itself,
 *   so only letters and digits matter beside it ("photo_<uuid>.jpg" counts).
 * - Only Latin, Greek and Cyrillic letters join words. Other scripts are written without a space beside an address.
 * - A letter of b f n r t behind a backslash may be the end of a JSON escape ("\njane") or a letter ("ACME\njane").
 *   Both readings count: a finding too many is looked at, one too few is a leak.
 *
 * The price: an address that follows a file name's letters directly ("report_jane@x.org") is taken for another address.
 */
import { type Identifier, type IdentifierKind, identifierKey } from '../identifiers/identifier-key.ts'

export type { Identifier, IdentifierKind }

/** What may stand beside an identifier without making it part of something longer. */
export type BoundaryRule = 'address' | 'name' | 'uuid'

const plainText = /^[ !-$&-[\]-~]*$/

/** Whether a text is ASCII without escapes and control characters, as nearly all identifiers are: it is read as it is. */
function isPlain(text: string): boolean {
  return plainText.test(text)
}

/** The key of an identifier; `identifierKey` is its name. */
export function normalizeIdentifier(kind: IdentifierKind, value: string): string {
  return identifierKey(kind, value)
}

/**
 * Whether the identifier may be looked for inside texts. "anna", "administrator", "2024" or "1234567" stand in texts that
 * have nothing to do with the person, and purging that person must not rewrite them. So what cannot be told apart from
 * ordinary words, years, amounts and counters is compared with whole values only: fewer than 5 characters, letters alone,
 * or digits alone and fewer than 8 of them. So is one with control characters inside, which are all read alike.
 */
export function isSearchable(identifier: Identifier): boolean {
  const value = normalizeIdentifier(identifier.kind, identifier.value)
  // As it is compared: an escape in it counts as the one sign it is read as.
  const form = searchForm(value)
  const length = isPlain(form) ? form.length : [...form].length
  if (length < 5 || /\p{Cc}/u.test(value) || /^[\p{L}\p{M}]+$/u.test(value)) return false
  return length >= 8 || !/^\p{Nd}+$/u.test(value)
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** The rule for what may stand beside this identifier, given in search form. */
export function boundaryRule(form: string): BoundaryRule {
  if (uuid.test(form)) return 'uuid'
  return form.includes('@') ? 'address' : 'name'
}

const foldLimit = 0x2000
const foldTable = Uint16Array.from({ length: foldLimit }, (_, codePoint) => lowerOf(codePoint))
const caseVariants = Map.groupBy(foldTable.keys(), (codePoint) => foldTable[codePoint])

function lowerOf(codePoint: number): number {
  // The final sigma is a spelling of sigma: ΟΔΟΣ and οδος are one word.
  if (codePoint === 0x3c2) return 0x3c3
  const lower = String.fromCharCode(codePoint).toLowerCase()
  const folded = lower.charCodeAt(0)
  return lower.length === 1 && folded < foldLimit && utf8Length(folded) === utf8Length(codePoint) ? folded : codePoint
}

function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : 3
}

/** The code point that all case variants of this one share. It takes as many UTF-8 bytes. */
export function foldCodePoint(codePoint: number): number {
  return foldTable[codePoint] ?? codePoint
}

/** What an escape that stands for this UTF-16 unit is read as: null where the escape stays as it is written. */
export function unescapedUnit(unit: number): number | null {
  if (unit < 0x20) return 0x1f
  if (isAsciiAlphanumeric(unit)) return null
  // Half of a surrogate pair: no letter, but whatever it is, it ends a word.
  return unit >= 0xd800 && unit <= 0xdfff ? 0xfffd : unit
}

/** Whether the byte or code point is one of 0-9 A-Z a-z. */
export function isAsciiAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a)
}

/** The text as it is compared: escapes read, case folded, control characters alike. What the scanner does to a stream. */
export function searchForm(text: string): string {
  if (isPlain(text)) return text.toLowerCase()
  const plain = text.replace(
    /\\+(?:u([0-9a-f]{4})|(["/]))|\\+|(?:%(?:25){0,2}[0-9a-f]{2})+/gi,
    (written: string, unit: string | undefined, escaped: string | undefined) => {
      if (written.startsWith('%')) return unescapedPercent(written)
      if (escaped !== undefined) return escaped
      if (unit === undefined) return '\\'
      const code = unescapedUnit(Number.parseInt(unit, 16))
      return code === null ? `\\u${unit}` : String.fromCharCode(code)
    },
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return Array.from(plain.replace(/[\u0000-\u001f]/g, '\u001f'), (character) =>
    String.fromCodePoint(foldCodePoint(character.codePointAt(0) ?? 0)),
  ).join('')
}

function unescapedPercent(run: string): string {
  const bytes: number[] = []
  for (const [, hex = ''] of run.matchAll(/%(?:25){0,2}([0-9a-f]{2})/gi)) {
    const byte = Number.parseInt(hex, 16)
    if (isAsciiAlphanumeric(byte)) bytes.push(...Buffer.from(`%${hex}`))
    else bytes.push(Math.max(byte, 0x1f))
  }
  return Buffer.from(bytes).toString('utf8')
}

/** The spellings to look for, in search form: composed and decomposed. */
export function searchForms(identifier: Identifier): string[] {
  return formsOf(normalizeIdentifier(identifier.kind, identifier.value))
}

function formsOf(value: string): string[] {
  const form = searchForm(value)
  return [...new Set([form, form.normalize('NFD')])]
}

// The pattern says in one regular expression what the scanner does in two steps: every sign in its plain spelling, as a
// JSON escape, and percent-encoded. A look-behind ends in the middle of no escape because each escape is spelled out.
const percent = '%(?:25){0,2}'
const hex = '[0-9a-f]'
const letters = '0-9A-Za-z\\u00c0-\\u04ff\\u1e00-\\u1fff'
const asciiDelimiters = `(?:[01]${hex}|2[0-9acf]|3[a-f]|5[b-e]|60|7[b-f])`
const plainJoiner = `(?:[_+@.-]|${percent}(?:2[bde]|40|5f))`
const joiner = `(?:[_+@.-]|(?:${percent}|\\\\+u00)(?:2[bde]|40|5f))`
const addressJoiner = `(?:[.-]|(?:${percent}|\\\\+u00)2[de])`
const letter = `(?:[${letters}]|${percent}(?:c[3-9a-f]|d[0-3]|e1${percent}b[89a-f])|\\\\+u(?:00[c-f]|0[1-4]${hex}|1[ef]${hex})${hex})`
const nextByte = `${percent}[89ab]${hex}`
const delimiter =
  `(?:^|[^${letters}_+@.\\\\-]|\\\\[bfnrt]` +
  `|\\\\+u(?:00(?:${asciiDelimiters}|[89ab]${hex})|(?:0[5-9a-f]|1[0-9a-d]|[2-9a-f]${hex})${hex}{2})` +
  `|${percent}(?:${asciiDelimiters}|(?:c[0-2]|d[4-9a-f])${nextByte}|e1${percent}(?:[89a]${hex}|b[0-7])${nextByte}` +
  `|e[02-9a-f]${nextByte}${nextByte}|f[0-7]${nextByte}${nextByte}${nextByte}))`

// A backslash alone is a delimiter; one before another backslash belongs to the escape that follows.
const joinedBefore = `(?:${delimiter}${joiner}?|\\\\${plainJoiner}?|${joiner}${joiner})`
const uuidBefore = `(?:${delimiter}|\\\\|${joiner})`
const after: Record<BoundaryRule, string> = {
  address: `(?!${addressJoiner}?${letter})`,
  name: `(?!${joiner}?${letter})`,
  uuid: `(?!${letter})`,
}

/**
 * A PostgreSQL regular expression (ARE, for `~*` and for `regexp_replace` with the flags `gi`) that matches exactly the
 * occurrences the scanner counts, and nothing beside the identifier itself. Takes a value in its normal form. Only for
 * searchable identifiers; the others are compared with whole values. The database must be encoded in UTF-8.
 */
export function occurrencePattern(identifier: string): string {
  const forms = formsOf(identifier)
  const rule = boundaryRule(forms[0] ?? '')
  const before = rule === 'uuid' ? uuidBefore : joinedBefore
  const spellings = forms.map((form) => {
    const signs = Array.from(form, characterPattern)
    const head = signs.slice(0, 4).join('')
    // PostgreSQL evaluates a look-behind wherever the match has got so far: behind the head that is nearly nowhere.
    return `${head}(?<=${before}${head})${signs.slice(4).join('')}`
  })
  return `(?:${spellings.join('|')})${after[rule]}`
}

/**
 * A PostgreSQL regular expression like `occurrencePattern`, without the rule of words: it matches wherever the identifier
 * stands, in a longer word, too. It is cheap, and a trigram index can use it: narrow down with `column ~* spellingPattern`
 * first, then `regexp_like(column, occurrencePattern, 'i')`, which no index takes up.
 */
export function spellingPattern(identifier: string): string {
  return `(?:${formsOf(identifier)
    .map((form) => Array.from(form, characterPattern).join(''))
    .join('|')})`
}

function characterPattern(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0
  if (isAsciiAlphanumeric(codePoint)) return character
  const spellings = (caseVariants.get(codePoint) ?? [codePoint]).flatMap((variant) => {
    const plain = String.fromCodePoint(variant)
    const encoded = Array.from(Buffer.from(plain), (byte) => `${percent}${byte.toString(16).padStart(2, '0')}`).join('')
    const escaped = variant > 0xffff ? [] : [`\\\\+u${variant.toString(16).padStart(4, '0')}`]
    return [plainPattern(plain), encoded, ...escaped]
  })
  return `(?:${spellings.join('|')})`
}

function plainPattern(character: string): string {
  if (character === '\\') return '\\\\+'
  if (character === '/' || character === '"') return `\\\\*${character}`
  return character > '\u007f' ? character : `\\${character}`
}
