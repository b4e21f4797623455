import { inputError } from '../../platform/validation/errors.ts'

/** Where an operation refuses a field, names it as this API does: `contactEmails` is `contact_emails` here. */
export async function inOurNames<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!inputError.is(error, 'input.invalid')) throw error
    const { field, expected } = error.details
    throw inputError('input.invalid', { field: inSnakeCase(field), expected: inSnakeCase(expected) }, error)
  }
}

function inSnakeCase(text: string): string {
  return text.replaceAll(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (name) =>
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  )
}

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? `${Head}${Capitalize<CamelCase<Rest>>}`
  : Name

/** A body with the names that operations use: `contact_emails` is `contactEmails` there. */
export function inOperationNames<Body extends object>(
  body: Body,
): { [Name in keyof Body as Name extends string ? CamelCase<Name> : never]: Body[Name] } {
  const renamed = Object.entries(body).map(([name, value]) => [
    name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ])
  return Object.fromEntries(renamed)
}
