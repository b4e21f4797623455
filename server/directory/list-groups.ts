import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { directoryError } from './errors.ts'
import { requireGroup } from './require-group.ts'

export type ListedGroup = {
  id: string
  display_name: string
  directory_object_id: string | null
  description: string | null
  /** Without deleted users. */
  members: number
  created_at: Date
}

// Counted for the page only, and in one pass: there may be one group with nearly all members.
const counted = `select id, display_name, directory_object_id, description, created_at, coalesce(member.members, 0) as members
  from chosen
  left join (
    select group_id, count(*) as members from group_members
    where tenant_id = $1 and group_id in (select id from chosen) and deletion_id is null
    group by group_id
  ) member on member.group_id = chosen.id
  order by display_name, id`

/**
 * The groups of the tenant, by name: all of them, or a page of at most `limit` (up to 1000) behind the group `after`. `next`
 * goes on behind the page, undefined at the end.
 *
 * Throws `input.invalid`, and `group.not_found` for `after`.
 */
export async function listGroups(
  tx: TenantTransaction,
  options: { limit?: number; after?: string } = {},
): Promise<{ groups: ListedGroup[]; next: string | undefined }> {
  const limit = options.limit && requireWholeNumber('limit', options.limit, { from: 1, to: 1000 })
  const after = options.after === undefined ? undefined : requireUuid('after', options.after)
  if (after !== undefined) await requireGroup(tx, after)
  const { rows } = await tx.query<ListedGroup>(
    `with chosen as materialized (
       select id, display_name, directory_object_id, description, created_at from directory_groups
       where tenant_id = $1 and (
         $2::uuid is null
         or (display_name, id) > (select display_name, id from directory_groups where tenant_id = $1 and id = $2)
       )
       order by display_name, id
       limit $3
     )
     ${counted}`,
    [tx.tenantId, after ?? null, limit === undefined ? null : limit + 1],
  )
  const groups = rows.slice(0, limit)
  return { groups, next: rows.length > groups.length ? groups.at(-1)?.id : undefined }
}

/** One group. Throws `input.invalid`, `group.not_found`. */
export async function showGroup(tx: TenantTransaction, groupId: string): Promise<ListedGroup> {
  const id = requireUuid('groupId', groupId)
  const { rows } = await tx.query<ListedGroup>(
    `with chosen as materialized (
       select id, display_name, directory_object_id, description, created_at from directory_groups
       where tenant_id = $1 and id = $2
     )
     ${counted}`,
    [tx.tenantId, id],
  )
  const [group] = rows
  if (group === undefined) throw directoryError('group.not_found', { id })
  return group
}
