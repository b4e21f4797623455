import pg from 'pg'
import { schemaFacts } from '../../datamap/generated/schema-facts.gen.ts'
import { peopleTable } from '../../datamap/plan.ts'
import { sqlstate } from '../../platform/database/sqlstates.ts'
import type { LetheError } from '../../platform/errors.ts'
import { peopleError } from '../errors.ts'

/** The column by which a constraint points to a person, by the name that PostgreSQL gives to a foreign key. */
const references = new Map<string, string>(
  Object.entries(schemaFacts).flatMap(([table, { foreignKeys }]) =>
    foreignKeys
      .filter(({ references }) => references === peopleTable)
      .map(({ columns }) => [`${table}_${columns.join('_')}_fkey`, columns.at(-1) ?? ''] as const),
  ),
)

/**
 * What a violated foreign key to a person means: the person was purged between the look and the write. Operations lock
 * whom they refer to (`requirePeople`), so this is for the moment that one of them should overlook. Undefined for any other
 * error.
 */
export function lostReference(error: unknown): LetheError | undefined {
  if (!(error instanceof pg.DatabaseError) || error.code !== sqlstate.foreignKeyViolation) return undefined
  const field = references.get(error.constraint ?? '')
  return field === undefined ? undefined : peopleError('user.referred_erased', { field }, error)
}
