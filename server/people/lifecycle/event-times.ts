import type { Activity } from '../../audit/activities.ts'
import { changesOfUser } from '../../audit/changes-of-user.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/**
 * When the parts of a user that events of other systems can change were changed last, in milliseconds since 1970. A change by an
 * event has the time that the event names. Any other change has the time of this server.
 */
export type EventTimes = {
  /** The account was created, reactivated or restored, or an event said that the user joined. */
  joined: number
  suspended: number
  /** No field is older than this. */
  floor: number
  /** Columns that changed after that. */
  fields: Record<string, number>
}

/** As stored. `row`: `updated_at` after the last event. `seen`: entries of the audit trail up to then are accounted for. */
type StoredTimes = EventTimes & { row: string; seen: string }

type Row = {
  event_times: StoredTimes | null
  created_at: Date
  updated_at: Date
  suspended_at: Date | null
  /** Nothing but events changed the user since the last one. */
  unchanged: boolean
}

const never = Number.NEGATIVE_INFINITY

/** The times of a user that an event has just created. */
export function newTimes(at: Date): EventTimes {
  return { joined: at.getTime(), suspended: never, floor: at.getTime(), fields: {} }
}

/** When this column was changed last. */
export function fieldTime({ fields, floor }: EventTimes, column: string): number {
  return Math.max(fields[column] ?? floor, floor)
}

/**
 * The times of a user whose row the caller has locked. What others than events changed meanwhile, the audit trail says by
 * column. A change that is in no entry of its own, such as that of an import, counts as one of all fields.
 */
export async function readTimes(tx: TenantTransaction, userId: string): Promise<EventTimes> {
  const { rows } = await tx.query<Row>(
    `select event_times, created_at, updated_at, suspended_at,
       coalesce(updated_at = (event_times->>'row')::timestamptz, false) as unchanged
     from users where tenant_id = $1 and id = $2`,
    [tx.tenantId, userId],
    'read_event_times',
  )
  const [row] = rows
  if (row === undefined) throw new Error('the locked user is gone')
  const { created_at, updated_at, suspended_at, event_times, unchanged } = row
  const times =
    event_times === null
      ? { ...newTimes(created_at), suspended: suspended_at?.getTime() ?? never }
      : timesOf(event_times)
  return unchanged ? times : await withChangesSince(tx, userId, { times, seen: event_times?.seen, updated: updated_at })
}

/** JSON has no infinity, so it has a null there. */
function timesOf({ joined, suspended, floor, fields }: StoredTimes): EventTimes {
  return { joined, suspended: suspended ?? never, floor, fields }
}

async function withChangesSince(
  tx: TenantTransaction,
  userId: string,
  { times, seen, updated }: { times: EventTimes; seen: string | undefined; updated: Date },
): Promise<EventTimes> {
  const changes = await changesOfUser(tx, userId, seen)
  const changed = { ...times, fields: { ...times.fields } }
  for (const { activity, at, columns } of changes) {
    const time = at.getTime()
    if (activity === 'UserSuspended') changed.suspended = Math.max(changed.suspended, time)
    if (activity === 'UserReactivated' || activity === 'UserRestored') changed.joined = Math.max(changed.joined, time)
    for (const column of changedBy(activity, columns))
      changed.fields[column] = Math.max(changed.fields[column] ?? never, time)
  }
  // An entry is made after the change of the row, in the same transaction.
  const explained = changes.some(({ at }) => at.getTime() >= updated.getTime())
  if (!explained) changed.floor = Math.max(changed.floor, updated.getTime())
  return changed
}

function changedBy(activity: Activity, columns: readonly string[]): readonly string[] {
  if (activity === 'UserDatesSet') return ['starts_at', 'ends_at']
  return activity === 'UserUpdated' ? columns : []
}

/** Stores the times, after everything that the event did to the user. */
export async function writeTimes(tx: TenantTransaction, userId: string, times: EventTimes): Promise<void> {
  const { rows } = await tx.query<{ row: string; seen: string }>(
    `select to_jsonb(updated_at)#>>'{}' as row, to_jsonb(clock_timestamp())#>>'{}' as seen
     from users where tenant_id = $1 and id = $2`,
    [tx.tenantId, userId],
    'read_time_of_row',
  )
  const [now] = rows
  if (now === undefined) throw new Error('the locked user is gone')
  const { floor } = times
  const fields = Object.fromEntries(Object.entries(times.fields).filter(([, time]) => time > floor))
  const stored: StoredTimes = { ...times, fields, ...now }
  await tx.query(
    'update users set event_times = $3 where tenant_id = $1 and id = $2',
    [tx.tenantId, userId, JSON.stringify(stored)],
    'write_event_times',
  )
}
