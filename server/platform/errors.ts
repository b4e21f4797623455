/**
 * The core of all errors: what an error is, and how a room defines its own. Each room has its table in `errors.ts`. A code is
 * stable, because clients and scripts rely on it. A message names the field or the object, and says how to go on. It never
 * holds personal data: a detail must not hold a value that identifies a person.
 */

/** The kind of failure that a caller can act on. The command line maps it to an exit code, HTTP to a status. */
export type ErrorKind =
  | 'input'
  | 'not_found'
  | 'gone'
  | 'ambiguous'
  | 'conflict'
  | 'malformed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'method_not_allowed'
  | 'unavailable'
  | 'environment'
  | 'failed'
  | 'unauthenticated'
  | 'forbidden'
  | 'rate_limited'
  | 'outstanding'
  | 'found'

/** Exit codes of the command line, documented in `lethe --help`. */
export const exitCodes: Record<ErrorKind, number> = {
  failed: 1,
  input: 2,
  not_found: 3,
  gone: 3,
  ambiguous: 4,
  conflict: 5,
  environment: 6,
  malformed: 2,
  too_large: 2,
  unsupported_media_type: 2,
  method_not_allowed: 2,
  unavailable: 6,
  // The command line has no sign-in; these entries exist so that every kind has a code.
  unauthenticated: 7,
  forbidden: 8,
  rate_limited: 9,
  // The certificate verifies, but the search is outstanding or has found residual data.
  outstanding: 10,
  found: 11,
}

/** One entry of a table of errors. */
type ErrorEntry = {
  kind: ErrorKind
  /** What is wrong, and the way out for every caller. */
  message: (details: never) => string
  /** The way out at the command line: its commands and options. Only the command line prints it, after the message. */
  hint?: (details: never) => string | undefined
}

type ErrorTable = Record<string, ErrorEntry>

/** The details that the message of an entry is made of; undefined where it needs none. */
type DetailsOf<Entry extends ErrorEntry> = Parameters<Entry['message']> extends [infer Details] ? Details : undefined

/** A table whose hints are made of the same details as its messages. */
type WithFittingHints<Table extends ErrorTable> = {
  [Code in keyof Table]: { hint?: (details: DetailsOf<Table[Code]>) => string | undefined }
}

/** An error that a caller can act on: a code of a table, and a sentence made from the details. */
export class LetheError<Code extends string = string, Details = unknown> extends Error {
  override readonly name = 'LetheError'
  readonly code: Code
  readonly kind: ErrorKind
  readonly details: Details
  /** Sentences for the reader of a terminal, who has the commands that they name; callers of an API do not have them. */
  readonly hint: string | undefined

  /** Only {@link defineErrors} calls this, so that each code has one entry. */
  constructor(code: Code, { kind, message, hint }: ErrorEntry, details: Details, cause: unknown) {
    super(message(details as never), cause === undefined ? undefined : { cause })
    this.code = code
    this.kind = kind
    this.details = details
    this.hint = hint?.(details as never)
  }
}

/** Whether `error` has a code of any table. */
export function isLetheError(error: unknown): error is LetheError {
  return error instanceof LetheError
}

/** Makes the errors of one table, and tells them apart. */
type Errors<Table extends ErrorTable> = {
  /** The error with this code, the details that its entry asks for, and what caused it. */
  <Code extends keyof Table & string>(
    code: Code,
    ...rest: DetailsOf<Table[Code]> extends undefined ? [undefined?, unknown?] : [DetailsOf<Table[Code]>, unknown?]
  ): LetheError<Code, DetailsOf<Table[Code]>>
  /** Whether `error` has this code. */
  is<Code extends keyof Table & string>(error: unknown, code: Code): error is LetheError<Code, DetailsOf<Table[Code]>>
  readonly table: Table
}

/** The errors of a room, by their codes. A code stands in one table only, and begins with the noun that it is about. */
export function defineErrors<Table extends ErrorTable>(table: Table & WithFittingHints<Table>): Errors<Table> {
  function make<Code extends keyof Table & string>(
    code: Code,
    details?: DetailsOf<Table[Code]>,
    cause?: unknown,
  ): LetheError<Code, DetailsOf<Table[Code]>> {
    const error = new LetheError(code, table[code] as ErrorEntry, details as DetailsOf<Table[Code]>, cause)
    // The stack begins where the error is made, not here.
    Error.captureStackTrace(error, make)
    return error
  }
  const is = (error: unknown, code: string) => error instanceof LetheError && error.code === code
  return Object.assign(make, { is, table }) as unknown as Errors<Table>
}

/** What happens to any step: the server cannot take it now, or it failed for a reason without a code of its own. */
export const platformError = defineErrors({
  'service.unavailable': {
    kind: 'unavailable',
    message: () => 'The server cannot process this request at the moment. Try again in a few seconds.',
  },
  'internal.unexpected': {
    kind: 'failed',
    message: (d: { reason: string }) => `Internal error: ${d.reason}. This step was rolled back.`,
  },
})

/** A list that stays readable: the first ten items, and the number of the others. */
export function listed(ids: string[]): string {
  return ids.length <= 10 ? ids.join(', ') : `${ids.slice(0, 10).join(', ')} and ${ids.length - 10} more`
}
