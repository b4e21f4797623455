import type { LetheError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'

/** Deeper than anything that the API takes; custom fields have their own, lower limit. */
const mostLevels = 64

/**
 * Refuses JSON that cannot be stored: values nested too deep, null bytes, halves of characters, and numbers so large
 * that they are read as infinite. Throws `input.invalid` with the field.
 */
export function requireStorableJson(value: unknown, field = ''): void {
  guard(value, field, 1)
}

function guard(value: unknown, field: string, level: number): void {
  if (typeof value === 'string') {
    guardText(value, field || 'body')
  } else if (typeof value === 'number' && !Number.isFinite(value)) {
    throw invalid(field || 'body', 'a number that large is not allowed')
  } else if (typeof value === 'object' && value !== null) {
    if (level > mostLevels) throw invalid(field || 'body', `at most ${mostLevels} levels are allowed`)
    for (const [key, item] of Object.entries(value)) {
      guardText(key, field || 'body')
      guard(item, (field === '' ? key : `${field}.${key}`).slice(0, 64), level + 1)
    }
  }
}

function guardText(text: string, field: string): void {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw invalid(field, 'null bytes and broken characters are not allowed')
  }
}

function invalid(field: string, expected: string): LetheError {
  return inputError('input.invalid', { field, expected })
}
