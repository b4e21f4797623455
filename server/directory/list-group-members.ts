import { type Person, readPeople } from '../people/accounts/user-summaries.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../platform/validation/page.ts'
import { membersOfGroups } from './members-of-groups.ts'
import { type Reappearance, readReappearances } from './reappearances.ts'
import { requireGroup } from './require-group.ts'

/** `reappeared` is set for whoever was purged and came back with a group. */
export type ListedGroupMember = Person & { reappeared: Reappearance | null }

/**
 * Who is in a group, without deleted users, in the order of the ids: a page of at most `limit` (50, up to 1000) behind the
 * id `after`. `next` goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, `group.not_found`.
 */
export async function listGroupMembers(
  tx: TenantTransaction,
  options: Paging & { groupId: string },
): Promise<{ members: ListedGroupMember[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  await requireGroup(tx, options.groupId)
  const ids = await membersOfGroups(tx, { groupIds: [options.groupId], after, limit: limit + 1 })
  const { page, next } = cutPage(ids, limit)
  const [people, reappeared] = await Promise.all([readPeople(tx, page), readReappearances(tx, page)])
  const members = page.flatMap((id) => {
    const person = people.get(id)
    return person === undefined ? [] : [{ ...person, reappeared: reappeared.get(id) ?? null }]
  })
  return { members, next }
}
