import { isUuid } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'

const maxNameLength = 256

/** The name of a tenant, trimmed: one line, and nothing that looks like an id. Throws `input.invalid`. */
export function requireTenantName(given: string): string {
  const name = given.trim()
  if (name === '' || name.length > maxNameLength || /\p{Cc}/u.test(name) || !name.isWellFormed() || isUuid(name)) {
    throw inputError('input.invalid', {
      field: 'name',
      expected: `1 to ${maxNameLength} characters on one line are expected, and no UUID`,
    })
  }
  return name
}
