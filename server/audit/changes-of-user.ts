import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Activity } from './activities.ts'
import { firstIdAt } from './list-audit.ts'

/** A change of a user that the trail names. `columns`: those that changed; empty where the activity says it. */
export type ChangeOfUser = { activity: Activity; at: Date; columns: string[] }

const activities = [
  'UserCreated',
  'UserUpdated',
  'UserDatesSet',
  'UserSuspended',
  'UserReactivated',
  'UserRestored',
  'UserDeleted',
] satisfies Activity[]

const mostChanges = 1000

/**
 * What changed the account of a user after `since`, the newest change first: the last thousand. `since` has microseconds, as
 * the database writes it.
 */
export async function changesOfUser(
  tx: TenantTransaction,
  userId: string,
  since: string | undefined,
): Promise<ChangeOfUser[]> {
  const { rows } = await tx.query<{ activity: Activity; at: Date; columns: string[] | null }>(
    `select activity, at, details::jsonb->'columns' as columns
     from audit_entries
     where tenant_id = $1 and subject_id = $2 and id >= $3 and at > $4 and activity = any ($5) and object_kind = 'user'
     order by id desc limit ${mostChanges}`,
    [
      tx.tenantId,
      userId,
      firstIdAt('since', since === undefined ? new Date(0) : new Date(since)),
      since ?? '-infinity',
      activities,
    ],
    'changes_of_user',
  )
  return rows.map(({ activity, at, columns }) => ({ activity, at, columns: columns ?? [] }))
}
