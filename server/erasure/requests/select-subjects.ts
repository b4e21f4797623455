import { requireUsers, type Selector } from '../../people/accounts/find-users.ts'
import { selectUsers, type UserFilter } from '../../people/accounts/select-users.ts'
import type { UserState } from '../../people/accounts/user.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { erasureError } from '../errors.ts'

/** The people of a preview or an erasure request: each named by a selector, or all deleted users that match a filter. */
export type SubjectSelection = { selectors: readonly Selector[] } | { filter: Omit<UserFilter, 'states'> }

/**
 * The people of a selection, each once, in any number; named by a selector, with the first one that names the person.
 * `expected`: how many the caller has seen, so that users who match a filter only since then are never erased unseen.
 *
 * Throws `erasure.no_subjects`, `erasure.other_people`, `input.invalid`, `user.not_found` and `subject.ambiguous`.
 */
export async function selectSubjects(
  tx: TenantTransaction,
  selection: SubjectSelection,
  { expected }: { expected?: number | undefined } = {},
): Promise<{ id: string; state: UserState; given?: Selector }[]> {
  const subjects =
    'selectors' in selection
      ? await requireUsers(tx, selection.selectors)
      : (await selectUsers(tx, { ...selection.filter, states: ['deleted'] })).map((id) => ({
          id,
          state: 'deleted' as const,
        }))
  if (subjects.length === 0) throw erasureError('erasure.no_subjects')
  if (expected !== undefined && expected !== subjects.length) {
    throw erasureError('erasure.other_people', { expected, found: subjects.length })
  }
  return subjects
}
