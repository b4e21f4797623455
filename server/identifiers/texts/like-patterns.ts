import { isUuid } from '../../platform/database/transaction.ts'
import { fold } from '../fold.ts'
import type { Identifier } from '../identifier-key.ts'
import { readEscapes } from './escapes.ts'
import { spellings } from './search-forms.ts'

/** A name of an address that is at least so long is looked for without its domain. */
const tellingName = 8

/**
 * Patterns for `lethe_search_form(text) like any (…)` that find every text in which the scanner finds one of these
 * identifiers; what they find is checked word by word afterwards. Every three letters of a pattern are one more look
 * into each index, so a pattern has only as many as needed to tell people apart. That is the end of a UUID, and the
 * name of an address, because a whole tenant shares the domain. Patterns that find nothing that another one does not
 * find are left out: a login name often ends in the e-mail address.
 */
export function likePatterns(identifiers: readonly Identifier[]): string[] {
  const patterns = [...new Set(identifiers.flatMap(spellings).map(patternOf))]
  return patterns
    .filter((pattern) => !patterns.some((other) => other !== pattern && pattern.includes(other)))
    .map((pattern) => `%${pattern}%`)
}

function patternOf(spelling: string): string {
  // lethe_search_form composes, as fold does.
  const form = fold(readEscapes(spelling))
  if (isUuid(form)) return form.slice(-8)
  const name = form.slice(0, Math.max(0, form.lastIndexOf('@')))
  const telling = name.length >= tellingName && /^[a-z0-9._~-]+$/.test(name) ? name : form
  // What no character is written for stays as it is written in the database.
  return telling.replace(/[\\%_]/g, '\\$&').replace(/\ufffd+/g, '%')
}
