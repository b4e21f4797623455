import type { LetheError } from '../../platform/errors.ts'

/** Tells whether the address belongs to the API of Learn365. */
export function isODataAddress(url: string): boolean {
  return /^\/(odata\/v2|services\/skills)(?![\w-])/.test(url)
}

/**
 * The status of an error: as everywhere, except that what is not valid is 400, as OData has it, and a login name that
 * several people have is 500, as Learn365 has it.
 */
export function odataStatusOf(error: LetheError, usual: number): number {
  if (error.kind === 'ambiguous') return 500
  return error.kind === 'input' ? 400 : usual
}

/** The body of an error. It names nobody, not by an id either. */
export function odataErrorBody(error: LetheError): { error: { code: string; message: string; target?: string } } {
  const { field, option } = (error.details ?? {}) as Record<string, unknown>
  const target = field ?? option
  return {
    error: {
      code: error.code,
      message: error.kind === 'ambiguous' ? severalUsers : error.message,
      ...(typeof target === 'string' && { target }),
    },
  }
}

const severalUsers =
  'Several users have this login name, so the user cannot be identified. Use the DirectoryObjectId instead, which is unique and stands in the same response as the login name.'
