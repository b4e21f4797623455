import { trim } from '../platform/validation/trim.ts'
import { fold } from './fold.ts'
import { decodePunycode, encodePunycode } from './punycode.ts'

/** The kinds of identifiers a person can be found by. */
export type IdentifierKind = 'email' | 'login_name' | 'directory_object_id' | 'ref' | 'external_identity_id'

/** One identifier of one person. */
export type Identifier = {
  kind: IdentifierKind
  /** May be as it is written; everything that compares brings it to its key first. */
  value: string
  /** Where the value is a key: how the person's row spells it, if that differs. */
  written?: string
}

/** The identifier with its key as value, and how it is written. */
export function identifierOf(kind: IdentifierKind, written: string): Identifier {
  const value = identifierKey(kind, written)
  return value === written ? { kind, value } : { kind, value, written }
}

/** DNS allows an A-label no more characters (RFC 1034, section 3.1), so a longer label is no part of a domain. */
const longestLabel = 63

/**
 * The key of an identifier: two identifiers are the same exactly if they have the same key. Look-up, keyed hashes,
 * search, import and sign-in all compare keys. In PostgreSQL `lethe_identifier_key` computes it, and `lethe_login_key` for
 * login names.
 *
 * - White space at the ends is cut off (`trim`).
 * - Of a login name only the part behind the last `|` of a claims string counts (`i:0#.f|membership|user@domain`); a
 *   directory object id is a UUID with dashes and without braces.
 * - Case and composition are folded (`fold`).
 * - Whatever has the shape of an address, of any kind, has its domain in A-form (`domainKey`).
 *
 * The key of a key is itself.
 */
export function identifierKey(kind: IdentifierKind, value: string): string {
  let text = trim(value)
  if (kind === 'login_name') text = trim(text.slice(text.lastIndexOf('|') + 1))
  if (kind === 'directory_object_id') {
    const digits = text.replace(/^\{|\}$|-/g, '').toLowerCase()
    if (/^[0-9a-f]{32}$/.test(digits)) return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  const at = domainStart(text)
  return at === undefined ? fold(text) : `${fold(text.slice(0, at))}${domainKey(text.slice(at))}`
}

/** Where the domain of an address begins, behind its last `@`; undefined where the text is no address. */
function domainStart(text: string): number | undefined {
  const at = text.lastIndexOf('@')
  return at > 0 && at < text.length - 1 ? at + 1 : undefined
}

/**
 * A domain in the form of DNS. ASCII labels are in lower case, others are folded and in Punycode (RFC 5890, 3492). In a
 * domain, ß and ς are letters of their own (RFC 5894, section 7.2), so `straße.example` and `strasse.example` are two.
 */
export function domainKey(domain: string): string {
  return domain.split('.').map(labelKey).join('.')
}

function labelKey(label: string): string {
  const folded = foldedLabel(label)
  return isAscii(folded) || [...folded].length > longestLabel ? folded : `xn--${encodePunycode(folded)}`
}

function foldedLabel(label: string): string {
  // None of them decomposes, and nothing joins them: what is between can be folded by itself.
  return label
    .split(/([ßẞς])/)
    .map((part) => (part === 'ς' ? part : part === 'ß' || part === 'ẞ' ? 'ß' : fold(part)))
    .join('')
}

/**
 * The domain as people read it (U-form): A-labels decoded. One that no spelling leads to stays as it is.
 */
export function readableDomain(domain: string): string {
  return domain.split('.').map(readableLabel).join('.')
}

function readableLabel(label: string): string {
  if (!label.startsWith('xn--') || label.length > longestLabel) return label
  const decoded = decodePunycode(label.slice(4))
  return decoded !== undefined && labelKey(decoded) === label ? decoded : label
}

/** So many labels of one domain may be spelled in two ways each; more than a real domain has. */
const mostSpelledLabels = 3

/**
 * The forms of the address with this key whose letters have different keys. The key itself comes first, then the forms
 * with labels in U-form. For what is no address it is the key alone. A reader that folds its text reads ß there as ss,
 * so `identifierKey` of what was found decides whether it is this address.
 */
export function domainSpellings(key: string): string[] {
  const at = domainStart(key)
  if (at === undefined) return [key]
  const labels = key.slice(at).split('.')
  let spellings = [key.slice(0, at)]
  let spelled = 0
  for (const [index, label] of labels.entries()) {
    const readable = readableLabel(label)
    const forms = readable === label || spelled >= mostSpelledLabels ? [label] : [label, readable]
    if (forms.length > 1) spelled++
    const separator = index === 0 ? '' : '.'
    spellings = spellings.flatMap((start) => forms.map((form) => `${start}${separator}${form}`))
  }
  return spellings
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}
