import { membershipsAmong, membersOfGroups } from '../../directory/members-of-groups.ts'
import { type Reappearance, readReappearances } from '../../directory/reappearances.ts'
import { type Person, readPeople } from '../../people/accounts/user-summaries.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requirePresent } from '../require-existing.ts'
import type { CatalogRole } from './add-catalog-members.ts'
import { groupsOfCatalog } from './group-access.ts'

export type CatalogMember = Person & {
  /** False: the user is in the catalog through groups only. */
  added_to_catalog: boolean
  /** Null for whoever was not added. */
  role: CatalogRole | null
  added_at: Date | null
  /** The groups through which the user is in the catalog, or in a course of it. */
  groups: { group_id: string; display_name: string; course_id: string | null }[]
  /** Set for whoever was purged and came back with a group. */
  reappeared: Reappearance | null
}

type Added = { user_id: string; role: CatalogRole; added_at: Date }

/**
 * The members of a catalog, added directly or through a group, by id. A page of at most `limit` (50, up to 1000) behind
 * the id `after`; with a `role`, only those who were added with it. `next` goes on behind the page, undefined at the
 * end.
 *
 * Throws `input.invalid`, `catalog.not_found`.
 */
export async function listCatalogMembers(
  tx: TenantTransaction,
  options: Paging & { catalogId: string; role?: CatalogRole },
): Promise<{ members: CatalogMember[]; next: string | undefined }> {
  const { catalogId, role } = options
  const { limit, after } = readPaging(options)
  await requirePresent(tx, 'catalog', [catalogId])
  const access = await groupsOfCatalog(tx, catalogId)
  const groupIds = [...new Set(access.map(({ group_id }) => group_id))]
  const { rows: added } = await tx.query<Added>(
    `select user_id, role, added_at from catalog_members
     where tenant_id = $1 and catalog_id = $2 and deletion_id is null and ($3::uuid is null or user_id > $3)
       and ($5::text is null or role = $5)
     order by user_id
     limit $4`,
    [tx.tenantId, catalogId, after, limit + 1, role ?? null],
    'list_catalog_members',
  )
  const inGroups = role !== undefined ? [] : await membersOfGroups(tx, { groupIds, after, limit: limit + 1 })
  // UUIDs in their usual form sort as text as the database sorts them.
  const ids = [...new Set([...added.map(({ user_id }) => user_id), ...inGroups])].sort()
  const { page, next } = cutPage(ids, limit)
  const people = await readPeople(tx, page)
  const memberships = await membershipsAmong(tx, { groupIds, userIds: page })
  const reappeared = await readReappearances(tx, page)
  const members = page.flatMap((id) => {
    const person = people.get(id)
    if (person === undefined) return []
    const own = added.find(({ user_id }) => user_id === id)
    return {
      ...person,
      added_to_catalog: own !== undefined,
      role: own?.role ?? null,
      added_at: own?.added_at ?? null,
      groups: memberships
        .filter(({ user_id }) => user_id === id)
        .flatMap(({ group_id, display_name }) =>
          access
            .filter((one) => one.group_id === group_id)
            .map(({ course_id }) => ({ group_id, display_name, course_id })),
        ),
      reappeared: reappeared.get(id) ?? null,
    }
  })
  return { members, next }
}
