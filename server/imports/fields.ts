/** How the cells of a column are read, and what type they have in the database. */
export type Field = {
  sqlType: 'integer' | 'numeric' | 'boolean' | 'text'
  /** Completes the sentence "the column is not …". */
  expected: string
  /** The cell as COPY's text format wants it; undefined where the cell is not what is expected. */
  read(cell: string): string | undefined
}

/** COPY's text format for "missing". */
export const missing = '\\N'

/** A field that may be empty, which means missing. */
export function optional(field: Field): Field {
  return { ...field, read: (cell) => (cell === '' ? missing : field.read(cell)) }
}

/** A number without a fraction, zero or more, that names or counts something. */
export const wholeNumber: Field = {
  sqlType: 'integer',
  expected: 'a whole number of at most nine digits',
  read: (cell) => (/^\d{1,9}$/.test(cell) ? cell : undefined),
}

/** Days from a date, before it where negative. Five digits keep every date within what PostgreSQL can hold. */
export const days: Field = {
  sqlType: 'integer',
  expected: 'a number of days of at most five digits',
  read: (cell) => (/^-?\d{1,5}$/.test(cell) ? cell : undefined),
}

export const decimal: Field = {
  sqlType: 'numeric',
  expected: 'a number',
  read: (cell) => (/^-?\d{1,9}(\.\d{1,9})?$/.test(cell) ? cell : undefined),
}

/** 0 or 1. */
export const flag: Field = {
  sqlType: 'boolean',
  expected: '0 or 1',
  read: (cell) => (cell === '0' ? 'f' : cell === '1' ? 't' : undefined),
}

/** One of the given words, exactly. */
export function oneOf(...words: string[]): Field {
  const known = new Set(words)
  return {
    sqlType: 'text',
    expected: `one of ${words.join(', ')}`,
    read: (cell) => (known.has(cell) ? cell : undefined),
  }
}

/** Text that matches the pattern. The pattern must not let control characters or backslashes through. */
export function matching(pattern: RegExp, expected: string): Field {
  return { sqlType: 'text', expected, read: (cell) => (pattern.test(cell) ? cell : undefined) }
}

/** Any text in UTF-8 of at most 256 characters. */
export const text: Field = {
  sqlType: 'text',
  expected: 'text in UTF-8 of 1 to 256 characters',
  read: (cell) => {
    const decoded = decodeUtf8(cell)
    return decoded === undefined || decoded === '' || decoded.length > 256 ? undefined : escapeForCopy(decoded)
  },
}

/** Any text in UTF-8 of at most 20,000 characters. */
export const longText: Field = {
  sqlType: 'text',
  expected: 'text in UTF-8 of 1 to 20,000 characters',
  read: (cell) => {
    const decoded = decodeUtf8(cell)
    return decoded === undefined || decoded === '' || decoded.length > 20_000 ? undefined : escapeForCopy(decoded)
  },
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The text of a cell that was read as bytes (latin1); undefined where they are no UTF-8, or hold a null byte. */
export function decodeUtf8(cell: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes below 0x80 mean the same in latin1 and in UTF-8.
  if (/^[\x01-\x7f]*$/.test(cell)) return cell
  if (cell.includes('\0')) return undefined
  try {
    return utf8.decode(Buffer.from(cell, 'latin1'))
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** The value as COPY's text format wants it. */
export function escapeForCopy(value: string): string {
  return value.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character)
}
