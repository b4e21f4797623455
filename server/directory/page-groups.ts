import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'
import { directoryError } from './errors.ts'

export type GroupSummary = { id: string; display_name: string; directory_object_id: string | null; created_at: Date }
export type MemberIdentity = { id: string; ref: string | null; email: string | null }

type Page = { page: number; perPage: number }

/**
 * A page of the groups that were created at `since` or later, in the order of creation, and how many there are on all
 * pages. Pages are counted from 1. For callers whose protocol knows no cursor.
 */
export async function pageGroups(
  tx: TenantTransaction,
  { since, page, perPage }: Page & { since?: Date | undefined },
): Promise<{ groups: GroupSummary[]; total: number }> {
  const values = [tx.tenantId, since ?? null]
  const chosen = 'tenant_id = $1 and ($2::timestamptz is null or created_at >= $2)'
  const [counted, { rows: groups }] = await Promise.all([
    tx.query<{ total: number }>(`select count(*)::int as total from directory_groups where ${chosen}`, values),
    tx.query<GroupSummary>(
      `select id, display_name, directory_object_id, created_at from directory_groups
       where ${chosen} order by id limit $3 offset $4`,
      [...values, perPage, (page - 1) * perPage],
    ),
  ])
  return { groups, total: counted.rows[0]?.total ?? 0 }
}

/**
 * A page of the members of a group without deleted users, in the order of their ids, and how many there are on all pages.
 * `group`: its id or its directory object id. Throws `group.not_found`.
 */
export async function pageMembers(
  tx: TenantTransaction,
  { group, page, perPage }: Page & { group: string },
): Promise<{ members: MemberIdentity[]; total: number }> {
  const id = await groupCalled(tx, group)
  const members = `from group_members m join users u on u.tenant_id = $1 and u.id = m.user_id
    where m.tenant_id = $1 and m.group_id = $2 and m.deletion_id is null and u.state in ('active', 'suspended')`
  const [counted, { rows }] = await Promise.all([
    tx.query<{ total: number }>(`select count(*)::int as total ${members}`, [tx.tenantId, id]),
    tx.query<MemberIdentity>(`select u.id, u.ref, u.email ${members} order by u.id limit $3 offset $4`, [
      ...[tx.tenantId, id],
      ...[perPage, (page - 1) * perPage],
    ]),
  ])
  return { members: rows, total: counted.rows[0]?.total ?? 0 }
}

async function groupCalled(tx: TenantTransaction, name: string): Promise<string> {
  const { rows } = isUuid(name)
    ? await tx.query<{ id: string }>(
        'select id from directory_groups where tenant_id = $1 and (id = $2 or directory_object_id = $2) order by id = $2 desc limit 1',
        [tx.tenantId, name],
      )
    : { rows: [] }
  const [group] = rows
  if (group === undefined) throw directoryError('group.not_found', isUuid(name) ? { id: name } : {})
  return group.id
}
