import { inputError } from '../platform/validation/errors.ts'

/** The name of a source, which stands in the keys of what is imported from it. Throws `input.invalid`. */
export function requireSource(source: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(source)) {
    throw inputError('input.invalid', {
      field: 'source',
      expected: 'it must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter or digit',
    })
  }
  return source
}
