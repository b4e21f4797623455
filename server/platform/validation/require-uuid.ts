import { isUuid } from '../database/transaction.ts'
import { inputError } from './errors.ts'

/** The UUID in lower case. Throws `input.invalid`, naming the field, where the text is none. */
export function requireUuid(field: string, value: string): string {
  if (isUuid(value)) return value.toLowerCase()
  throw inputError('input.invalid', {
    field,
    expected: 'a UUID such as 0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a is expected',
  })
}
