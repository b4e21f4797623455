import { record } from '../audit/record.ts'
import type { UserState } from '../people/accounts/user.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../platform/validation/page.ts'

/** What brought a purged person back. `creation`: a user or a program created the account again. */
export const returnWays = ['directory_group', 'import', 'creation'] as const

export type ReturnWay = (typeof returnWays)[number]

/** How and when a purged person came back. */
export type Reappearance = {
  how: ReturnWay
  /** The group whose synchronization found the person in it, or null. */
  group_id: string | null
  group_name: string | null
  /** The run of the import that had a row of the person, or null. */
  import_run_id: string | null
  /** The erasure request that had purged the person. */
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
    `select r.user_id, ${howReturned} as how, r.group_id, g.display_name as group_name, r.import_run_id, r.request_id,
       r.reappeared_at
     from reappearances r left join directory_groups g on g.tenant_id = r.tenant_id and g.id = r.group_id
     where r.tenant_id = $1 and r.user_id = any ($2::uuid[])`,
    [tx.tenantId, userIds],
    'read_reappearances',
  )
  return new Map(rows.map(({ user_id, ...reappearance }) => [user_id, reappearance]))
}

/** The way of a row of reappearances, called r. */
const howReturned = `case
         when r.group_id is not null then 'directory_group' when r.import_run_id is not null then 'import' else 'creation'
       end`

export type ReturnedUser = Reappearance & { user_id: string; display_name: string | null; state: UserState }

/**
 * The users who had been purged and came back, the newest return first: a page of at most `limit` behind the user `after`. If
 * that user is gone, the list begins anew. Throws `input.invalid`.
 */
export async function listReturnedUsers(
  tx: TenantTransaction,
  options: Paging = {},
): Promise<{ returned_users: ReturnedUser[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<ReturnedUser>(
    `select r.user_id, u.display_name, u.state, ${howReturned} as how, r.group_id, g.display_name as group_name,
       r.import_run_id, r.request_id, r.reappeared_at
     from reappearances r
     join users u on u.tenant_id = r.tenant_id and u.id = r.user_id
     left join directory_groups g on g.tenant_id = r.tenant_id and g.id = r.group_id
     left join reappearances last on last.tenant_id = $1 and last.user_id = $2
     where r.tenant_id = $1
       and (last.user_id is null or (r.reappeared_at, r.user_id) < (last.reappeared_at, last.user_id))
     order by r.reappeared_at desc, r.user_id desc limit $3`,
    [tx.tenantId, after, limit + 1],
  )
  const { page, next } = cutPage(
    rows.map(({ user_id }) => user_id),
    limit,
  )
  return { returned_users: rows.slice(0, page.length), next }
}

/** What brought people back: a synchronization of a group, an import, or the creation of one account. */
export type ReturnCause = { groupId: string } | { importRunId: string } | 'creation'

/** Marks new users as people who had been purged, and records why each came back. */
export async function recordReappearances(
  tx: TenantTransaction,
  cause: ReturnCause,
  people: readonly { id: string; request_id: string }[],
): Promise<void> {
  if (people.length === 0) return
  const group = typeof cause === 'object' && 'groupId' in cause ? cause.groupId : null
  const run = typeof cause === 'object' && 'importRunId' in cause ? cause.importRunId : null
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
      details: { ...(group !== null && { group }), ...(run !== null && { import_run: run }), request: request_id },
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
