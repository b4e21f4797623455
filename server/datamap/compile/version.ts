import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AnyEntry } from '../vocabulary.ts'

/** The first 16 hexadecimal digits of the SHA-256 of the map in the canonical form of RFC 8785. */
export function versionOf(map: Record<string, AnyEntry>): string {
  return createHash('sha256')
    .update(canonicalize(map) ?? '')
    .digest('hex')
    .slice(0, 16)
}
