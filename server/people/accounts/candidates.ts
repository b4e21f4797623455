import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { LetheError } from '../../platform/errors.ts'
import type { Selector } from './find-users.ts'
import type { User } from './user.ts'

/** What tells people apart who share a name: for callers who may read users. */
export type Candidate = Pick<
  User,
  | 'id'
  | 'state'
  | 'display_name'
  | 'department'
  | 'email'
  | 'login_name'
  | 'ref'
  | 'directory_object_id'
  | 'last_seen_at'
  | 'deleted_at'
>

/** These people, in the order of the ids; ids of nobody are left out. */
export async function readCandidates(tx: TenantTransaction, userIds: readonly string[]): Promise<Candidate[]> {
  if (userIds.length === 0) return []
  const { rows } = await tx.query<Candidate>(
    `select id, state, display_name, department, email, login_name, ref, directory_object_id, last_seen_at, deleted_at
     from users where tenant_id = $1 and id = any ($2::uuid[])
     order by array_position($2::uuid[], id)`,
    [tx.tenantId, userIds],
    'read_candidates',
  )
  return rows
}

/** No error holds personal data, because errors end up in logs; so the candidates stand beside it. */
const beside = new WeakMap<LetheError, Candidate[]>()

/**
 * Reads the people whom an error names by id, so that {@link candidatesOf} has them: the candidates of an ambiguous
 * selector, or those who had an identifier before a change.
 */
export async function addCandidates(tx: TenantTransaction, error: LetheError): Promise<void> {
  const { ids, formerly } = (error.details ?? {}) as { ids?: string[]; formerly?: string[] }
  const people = await readCandidates(tx, ids ?? formerly ?? [])
  if (people.length > 0) beside.set(error, people)
}

/** The candidates of an error, where they were read for a caller who may see them. */
export function candidatesOf(error: LetheError): Candidate[] | undefined {
  return beside.get(error)
}

/** A person who is meant, and what named the person; null where a filter did. */
export type NamedPerson = Candidate & { given: Selector | null }

/**
 * The first of the people who are meant, at most `most`, each with the selector that named the person. So a mistyped
 * selector is visible before an irreversible action.
 */
export async function namePeople(
  tx: TenantTransaction,
  { userIds, given, most }: { userIds: readonly string[]; given: ReadonlyMap<string, Selector>; most: number },
): Promise<NamedPerson[]> {
  const people = await readCandidates(tx, userIds.slice(0, most))
  return people.map((person) => ({ ...person, given: given.get(person.id) ?? null }))
}
