import { inputError } from './errors.ts'
import { trim } from './trim.ts'

const maxLineLength = 256
const maxTextLength = 20_000

/**
 * One line of text, trimmed: no control characters (PostgreSQL cannot store the null byte, terminals obey the others).
 * Throws `input.invalid`, naming the field.
 */
export function requireLine(field: string, value: unknown, maxLength: number = maxLineLength): string {
  return requireCharacters(field, value, maxLength, /\p{Cc}/u)
}

/** Text that may have several lines, trimmed. Throws `input.invalid`, naming the field. */
export function requireText(field: string, value: unknown, maxLength: number = maxTextLength): string {
  return requireCharacters(field, value, maxLength, /(?![\n\r\t])\p{Cc}/u)
}

function requireCharacters(field: string, value: unknown, maxLength: number, forbidden: RegExp): string {
  const invalid = (expected: string) => inputError('input.invalid', { field, expected })
  if (typeof value !== 'string') throw invalid('text is expected')
  const trimmed = trim(value)
  if (trimmed === '') throw invalid('it is empty; leave it out, or clear it')
  if (trimmed.length > maxLength) throw invalid(`at most ${maxLength} characters are allowed`)
  if (forbidden.test(trimmed) || !trimmed.isWellFormed()) {
    throw invalid('control characters and broken characters are not allowed')
  }
  return trimmed
}
