import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** Why a purged person is there again: a synchronization of a group found the person in it, or an import had a row. */
export type Reappearance = {
  /** Null where it was an import. */
  group_id: string | null
  group_name: string | null
  /** The run of the import; null where it was a group. */
  import_run_id: string | null
  /** The order that had purged the person. */
  request_id: string
  reappeared_at: Date
}

/** Which of these users had been purged and came back, by id. */
export async function readReappearances(
  tx: TenantTransaction,
  userIds: readonly string[],
): Promise<Map<string, Reappearance>> {
  if (userIds.length === 0) return new Map()
  const { rows } = await tx.query<Reappearance & { user_id: string }>(
    `select r.user_id, r.group_id, g.display_name as group_name, r.import_run_id, r.request_id, r.reappeared_at
     from reappearances r left join directory_groups g on g.tenant_id = r.tenant_id and g.id = r.group_id
     where r.tenant_id = $1 and r.user_id = any ($2::uuid[])`,
    [tx.tenantId, userIds],
    'read_reappearances',
  )
  return new Map(rows.map(({ user_id, ...reappearance }) => [user_id, reappearance]))
}

/** What brought people back: a synchronization of a group, or an import. */
export type ReturnCause = { groupId: string } | { importRunId: string }

/** Marks new users as people who had been purged, and records why each came back. */
export async function recordReappearances(
  tx: TenantTransaction,
  cause: ReturnCause,
  people: readonly { id: string; request_id: string }[],
): Promise<void> {
  if (people.length === 0) return
  const [group, run] = 'groupId' in cause ? [cause.groupId, null] : [null, cause.importRunId]
  await tx.query(
    `insert into reappearances (tenant_id, user_id, group_id, import_run_id, request_id)
     select $1, user_id, $2, $3, request_id from unnest($4::uuid[], $5::uuid[]) as given (user_id, request_id)
     on conflict do nothing`,
    [tx.tenantId, group, run, people.map(({ id }) => id), people.map(({ request_id }) => request_id)],
  )
  await record(
    tx,
    people.map(({ id, request_id }) => ({
      activity: 'UserReappeared',
      object: id,
      details: { ...(group === null ? { import_run: run } : { group }), request: request_id },
    })),
  )
}

/** A group of the directory that would bring people back after a purge, and how many of them. */
export type ReturningGroup = {
  group_id: string
  display_name: string
  people: number
  /** What the tenant lets the next synchronization do: create new users without records, or block them. */
  at_next_sync: 'create' | 'block'
}

/**
 * The groups that these users are in, inactive memberships of deleted users too: a purge does not take them out of the
 * directory, so the next synchronization finds them there. By name.
 */
export async function groupsThatBringBack(
  tx: TenantTransaction,
  userIds: readonly string[],
): Promise<ReturningGroup[]> {
  const { rows } = await tx.query<ReturningGroup>(
    `select g.id as group_id, g.display_name, count(*) as people, t.returning_members as at_next_sync
     from group_members m
     join directory_groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
     join tenants t on t.id = m.tenant_id
     where m.tenant_id = $1 and m.user_id = any ($2::uuid[])
     group by g.id, g.display_name, t.returning_members
     order by g.display_name, g.id`,
    [tx.tenantId, userIds],
  )
  return rows
}
