import { type IdentifierKind, identifierKey } from './identifier-key.ts'

/**
 * The form of version 1, before there was a fold of our own: NFC and lower case as the runtime has them. Only for
 * comparing with hashes that were stored then, whose values nobody has any more.
 */
export function normalFormV1(kind: IdentifierKind, value: string): string {
  const plain = value.normalize('NFC').toLowerCase().normalize('NFC').trim()
  if (kind === 'login_name') return plain.slice(plain.lastIndexOf('|') + 1).trim()
  if (kind === 'directory_object_id') {
    const digits = plain.replace(/^\{|\}$|-/g, '')
    if (/^[0-9a-f]{32}$/.test(digits)) return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  return plain
}

/**
 * What an identifier, as it is written, may have been hashed as, the newest version of the fold first. `written`: other
 * spellings of it that are known, as its person's row has it.
 */
export function formsOfEveryVersion(kind: IdentifierKind, value: string, written = value): string[] {
  return [...new Set([identifierKey(kind, value), normalFormV1(kind, written), normalFormV1(kind, value)])]
}
