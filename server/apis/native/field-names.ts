import { isLetheError, LetheError } from '../../platform/errors.ts'

/** Where an operation refuses a field, names it as this API does: `contactEmails` is `contact_emails` here. */
export async function inOurNames<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isLetheError(error, 'input.invalid')) throw error
    const { field, expected } = error.details
    throw new LetheError('input.invalid', { field: inSnakeCase(field), expected: inSnakeCase(expected) }, error)
  }
}

function inSnakeCase(text: string): string {
  return text.replaceAll(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (name) =>
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  )
}
