import { type Candidate, candidatesOf } from '../../people/accounts/candidates.ts'
import type { LetheError } from '../../platform/errors.ts'

/** Tells whether the address belongs to the API of Learn365. */
export function isODataAddress(url: string): boolean {
  return /^\/(odata\/v2|services\/skills)(?![\w-])/.test(url)
}

/**
 * The status of an error, as in the native API. Except: invalid values are 400, as in OData, and a login name of
 * several people is 500, as in Learn365.
 */
export function odataStatusOf(error: LetheError, usual: number): number {
  if (error.kind === 'ambiguous') return 500
  return error.kind === 'input' ? 400 : usual
}

/** The body of an error, as OData has it (JSON Format 4.01, section 21). */
export type ODataErrorBody = {
  error: {
    code: string
    message: string
    target?: string
    details?: { code: string; message: string; target: string }[]
  }
}

/**
 * The body of an error. It names nobody, except the candidates where the caller may read users: each with its state as
 * `code`, and as `target` the key that means this one and no namesake.
 */
export function odataErrorBody(error: LetheError): ODataErrorBody {
  const { field, option } = (error.details ?? {}) as Record<string, unknown>
  const target = field ?? option
  const details = candidatesOf(error)?.map((candidate) => ({
    code: candidate.state,
    message: describe(candidate),
    target: candidate.directory_object_id ?? candidate.id,
  }))
  return {
    error: {
      code: error.code,
      message: error.kind === 'ambiguous' ? severalUsers : error.message,
      ...(typeof target === 'string' && { target }),
      ...(details !== undefined && { details }),
    },
  }
}

function describe({ display_name, state, department, last_seen_at }: Candidate): string {
  const seen = last_seen_at === null ? 'never seen' : `last seen ${last_seen_at.toISOString().slice(0, 10)}`
  return [display_name ?? 'no name', state, department ?? 'no department', seen].join(', ')
}

const severalUsers =
  'Several users have this login name, so it does not identify one user. Take the key from the details of this error, or from Users/IncludeDeletedUsers(), where IsDeleted and LastSeenDate tell them apart. The plain list of Users leaves out deleted people. DirectoryObjectId and Id are unique keys.'
