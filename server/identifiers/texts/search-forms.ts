import { decomposedFold, fold } from '../fold.ts'
import { domainSpellings, type Identifier, identifierKey } from '../identifier-key.ts'
import { readEscapes } from './escapes.ts'

/**
 * What an identifier of a person is, and how it is looked for in texts. There is one reading of a text, and everything
 * that looks for identifiers uses it: the look-up of mentions, the scrubbing of them, the search and the sweep.
 *
 * 1. Escapes are read: escapes.ts says which, and which are not.
 * 2. The text is folded and decomposed (identifiers/fold.ts), so that case and the ways to compose a letter do not matter.
 * 3. What stands there must be a word: words.ts says where one ends.
 * 4. It must be the *same* identifier: the key of what is written there is the person's key. The fold alone would take
 *    ann@straße.example and ann@strasse.example for one, which are two mailboxes. Where an identifier's own spelling
 *    holds what looks like an escape (`50%41`), what is written counts before any escape in it is read, too.
 *
 * Two computations follow it: the scanner (identifier-scanner.ts, over search-form-stream.ts) finds the places, also for
 * rewriting them, and `lethe_search_form` in the database narrows down where to look (mention-look-up.ts). A test compares
 * them on generated texts.
 */

/**
 * Whether the identifier may be looked for inside texts. "anna", "administrator", "2024" or "1234567" also occur in
 * texts about other things, and a purge must not rewrite those. So an identifier that looks like a word, a year, an
 * amount or a counter is compared with whole values only. It has fewer than 5 characters, or letters only, or fewer
 * than 8 digits and nothing else. So is one with control characters inside, which are all read alike.
 */
export function isSearchable(identifier: Identifier): boolean {
  const value = identifierKey(identifier.kind, identifier.value)
  if (plainAndTelling.test(value)) return true
  // As it is compared: an escape in it counts as the one sign it is read as.
  const read = fold(readEscapes(value))
  const length = [...read].length
  if (length < 5 || /\p{Cc}/u.test(value) || /^[\p{L}\p{M}]+$/u.test(read)) return false
  return length >= 8 || !/^\p{Nd}+$/u.test(read)
}

/** Nearly all identifiers: ASCII, no escape, a sign in the middle, long enough. */
const plainAndTelling = /^[!-$'-[\]-~]+[@._+-][!-$'-[\]-~]{4,}$/

const plainText = /^[ -$'-[\]-~]*$/

/** The text as it is compared: escapes read, folded, decomposed, control characters alike. */
export function searchForm(text: string): string {
  return plainText.test(text) ? text.toLowerCase() : decomposedFold(readEscapes(text))
}

/** The ways to write the identifier that the fold does not make equal: an internationalized domain has two forms. */
export function spellings({ kind, value }: Identifier): string[] {
  return domainSpellings(identifierKey(kind, value))
}

/** The spellings to look for, in search form. */
export function searchForms(identifier: Identifier): string[] {
  return [...new Set(spellings(identifier).map(searchForm))]
}
