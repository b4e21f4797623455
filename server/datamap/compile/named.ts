import { createHash } from 'node:crypto'
import type { Statement } from '../plan.ts'

/** A statement whose name follows from its text, so that a connection never takes an old plan for a new statement. */
export function named(kind: string, text: string): Statement {
  return { name: `${kind}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text }
}
