import { inputError } from '../platform/validation/errors.ts'

/**
 * What an e-mail address is, wherever one comes in. People paste addresses out of headers, links and lists; what came along
 * at the ends is taken off, because the address itself would find nobody otherwise. What stands inside and belongs to no
 * address is refused with the way out.
 *
 * Removed repeatedly: white space and invisible characters at the ends; one pair of brackets or quotes around
 * everything; `mailto:` and `smtp:` (with `//` too) in front. Also commas and semicolons in front, and full stops,
 * commas, semicolons and colons behind. A valid address never changes by that.
 *
 * Valid is the dot-string form of RFC 5321 (section 4.1.2) with the characters of RFC 6531. The domain has any number
 * of labels, or is an IP address in brackets. Dots may stand anywhere in the local part: providers have given out such
 * addresses. The quoted form (`"a b"@x.org`) is refused: nobody could tell its spellings apart.
 */

const longest = 320
/** What is longer is no address with something around it. */
const longestGiven = 1024

/** Letters that Arabic, Indic and other scripts write with a joiner inside of a word (RFC 5892, appendix A.1 and A.2). */
const beyondCyrillic = '[\\u0590-\\u1c7f\\u1c90-\\u1dff\\u2c00-\\u{10ffff}]'
const joined = new RegExp(
  `(?<=[\\p{L}\\p{M}])(?<=${beyondCyrillic})[\\u200c\\u200d](?=\\p{L})(?=${beyondCyrillic})`,
  'gu',
)

const blank = '\\p{White_Space}\\p{Default_Ignorable_Code_Point}\\p{Cf}\\p{Cc}\\u2800'
const blankStart = new RegExp(`^[${blank}]+`, 'u')
const blankEnd = new RegExp(`[${blank}]+$`, 'u')
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\u2800\ufffd]/u

const junkBefore = /^(?:[,;，；、]|(?:mailto|smtp):(?:\/\/)?)+/iu
const junkBehind = /[.,;:。，；：、．｡]+$/u
const pairs: Record<string, string> = {
  '<': '>',
  '(': ')',
  '[': ']',
  '{': '}',
  '"': '"',
  "'": "'",
  '`': '`',
  '“': '”',
  '„': '“',
  '‘': '’',
  '«': '»',
  '＜': '＞',
}

const plainLocal = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+"
const plainLabel = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
const plain = new RegExp(`^${plainLocal}@${plainLabel}(?:\\.${plainLabel})*(?<!_)$`)

const visibleAscii = /^[!-~](?:[ -~]*[!-~])?$/

const otherLocal = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\u{10ffff}-]+$/u
// Beside letters and digits: the signs that IDNA 2008 lets stand in a label of some script (RFC 5892, section 2.6).
const otherLabel = /^(?!-)[A-Za-z0-9_\p{L}\p{M}\p{N}\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u30fb-]+(?<!-)$/u
const ipAddress = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-f:.]{2,45})\]$/i

/** The address, or what is expected instead: a part of a sentence, without anything of what was given. */
export type ReadAddress = { address: string } | { expected: string }

/** Reads an address that somebody wrote, without what came along at its ends. Reading the result changes nothing. */
export function readAddress(given: string): ReadAddress {
  if (given.length <= longest && plain.test(given)) return { address: given }
  if (!given.isWellFormed()) return { expected: 'control characters and broken characters are not allowed' }
  if (given.length > longestGiven) return { expected: `at most ${longest} characters are allowed` }
  const { text, hadScheme } = withoutJunk(given)
  if (text === '') return { expected: 'it is empty; leave it out, or clear it' }
  if (text.length > longest) return { expected: `at most ${longest} characters are allowed` }
  const expected = faultOf(text) ?? (hadScheme && text.includes('%') ? escapedLink : undefined)
  return expected === undefined ? { address: text } : { expected }
}

/** The same; throws `input.invalid`, naming the field. */
export function requireAddress(field: string, value: unknown): string {
  const read = typeof value === 'string' ? readAddress(value) : { expected: 'text is expected' }
  if ('address' in read) return read.address
  throw inputError('input.invalid', { field, expected: read.expected })
}

/**
 * A name or a number that somebody is known by elsewhere, without white space and invisible characters at its ends. Where
 * the part behind the last bar is an address (`i:0#.f|membership|user@domain`), it is read like one.
 *
 * Throws `input.invalid`, naming the field, for invisible characters inside: nobody could see why it is not found.
 */
export function requireVisible(field: string, value: string, { mayBeAddress = false } = {}): string {
  const given = mayBeAddress ? value.slice(value.lastIndexOf('|') + 1) : ''
  // Nearly all of them: an import reads many.
  if (visibleAscii.test(value) && (!given.includes('@') || plain.test(given))) return value
  const trimmed = value.replace(blankStart, '').replace(blankEnd, '')
  const bar = mayBeAddress ? trimmed.lastIndexOf('|') + 1 : 0
  const bare = trimmed.slice(bar)
  if (mayBeAddress && bare.includes('@') && bare.length <= longest) {
    const read = readAddress(bare)
    if ('address' in read) return trimmed.slice(0, bar) + read.address
  }
  const hidden = hiddenIn(trimmed)
  if (hidden !== undefined) throw inputError('input.invalid', { field, expected: hidden })
  return trimmed
}

const escapedLink = 'it is a part of a link; write the address as it stands in an e-mail'

function withoutJunk(given: string): { text: string; hadScheme: boolean } {
  let text = given
  let hadScheme = false
  for (let before: string | undefined; before !== text; ) {
    before = text
    text = text.replace(blankStart, '').replace(blankEnd, '')
    text = text.replace(junkBefore, (junk) => {
      hadScheme ||= junk.includes(':')
      return ''
    })
    text = text.replace(junkBehind, '')
    const close = pairs[text[0] ?? '']
    // An IP address keeps its brackets, and so does a local part that begins with a sign that may stand there.
    if (close !== undefined && text.length > 1 && text.endsWith(close) && faultOf(text) !== undefined) {
      text = text.slice(1, -1)
    }
  }
  return { text, hadScheme }
}

function faultOf(text: string): string | undefined {
  if (plain.test(text)) return undefined
  const hidden = hiddenIn(text)
  if (hidden !== undefined) return hidden
  if (/[<>()[\]"“”„«»,;:\\]|\p{White_Space}/u.test(text.replace(/@\[[^[\]]*\]$/, '@'))) {
    return 'one address by itself is expected, without a name, spaces, quotes, brackets, commas, semicolons or colons'
  }
  const at = text.indexOf('@')
  if (at < 1 || at !== text.lastIndexOf('@') || at === text.length - 1)
    return 'an address with one @ and without spaces is expected'
  if (!otherLocal.test(text.slice(0, at))) return 'the part before the @ holds signs that no address has'
  const domain = text.slice(at + 1)
  if (ipAddress.test(domain)) return undefined
  // No top-level domain ends so; it is a mark of emphasis (`_ann@x.org_`).
  if (domain.endsWith('_')) return 'behind the @ a domain is expected, and none ends with an underscore'
  const isDomain = domain.split('.').every((label) => label.length <= 63 && otherLabel.test(label.replace(joined, '')))
  return isDomain ? undefined : 'behind the @ a domain is expected: letters, digits and hyphens, with dots between them'
}

function hiddenIn(text: string): string | undefined {
  const [found] = invisible.exec(text.replace(joined, '')) ?? []
  if (found === undefined) return undefined
  const name = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return found === '\ufffd'
    ? 'it holds the sign for a character that could not be read (U+FFFD); type it anew'
    : `it holds an invisible character (U+${name}); type it anew`
}
