import { record } from '../../audit/record.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { sessionsNeedingInstructor, sessionsTaughtBy } from './unstaffed.ts'

/** Which sessions to reassign: exactly one of the three. Sessions that are over are left out, unless they are named. */
export type SessionChoice = {
  /** The sessions that this user teaches. The user is replaced there; other instructors stay. */
  fromUserId?: string
  /** These sessions. All their instructors are replaced. */
  sessionIds?: readonly string[]
  /** All sessions that have no instructor. */
  withoutInstructor?: boolean
}

/**
 * Makes these active users the instructors of sessions, in one step. Returns the sessions that changed, by id.
 *
 * Throws `input.invalid`, `session.not_found`, `user.not_found`, `user.wrong_state`.
 */
export async function reassignSessions(
  tx: TenantTransaction,
  options: SessionChoice & { toUserIds: readonly string[] },
): Promise<{ sessions: string[] }> {
  const choice = requireChoice(options)
  const to = [...new Set(options.toUserIds.map((id) => requireUuid('toUserIds', id)))]
  if (to.length === 0) {
    throw inputError('input.invalid', { field: 'toUserIds', expected: 'at least one user is expected' })
  }
  await requireActiveUsers(tx, { userIds: to, act: 'made an instructor' })
  const chosen = await choose(tx, choice)
  // Locked in one order, as an erasure locks the sessions of its people.
  const { rows } = await tx.query<{ id: string }>(
    'select id from sessions where tenant_id = $1 and id = any ($2::uuid[]) and deleted_at is null order by id for update',
    [tx.tenantId, chosen],
  )
  const sessions = rows.map(({ id }) => id)
  const missing = choice.sessionIds?.find((id) => !sessions.includes(id))
  if (missing !== undefined) throw learningError('session.not_found', { id: missing })
  if (sessions.length === 0) return { sessions }
  await tx.query(
    `delete from session_instructors
     where tenant_id = $1 and session_id = any ($2::uuid[]) and user_id <> all ($3::uuid[])
       and ($4::uuid is null or user_id = $4)`,
    [tx.tenantId, sessions, to, choice.fromUserId ?? null],
  )
  await tx.query(
    `insert into session_instructors (tenant_id, session_id, user_id)
     select $1, session_id, user_id
     from unnest($2::uuid[]) as session_id cross join unnest($3::uuid[]) as user_id
     on conflict do nothing`,
    [tx.tenantId, sessions, to],
  )
  await record(
    tx,
    sessions.map((id) => ({ activity: 'SessionUpdated', object: id, details: { columns: ['instructors'] } })),
  )
  return { sessions }
}

type Choice = { fromUserId?: string; sessionIds?: string[] }

/** The choice with its ids in lower case; neither field: the sessions without an instructor. */
function requireChoice({ fromUserId, sessionIds, withoutInstructor }: SessionChoice): Choice {
  const given = [fromUserId !== undefined, sessionIds !== undefined, withoutInstructor === true]
  if (given.filter(Boolean).length !== 1) {
    throw inputError('input.invalid', {
      field: 'fromUserId',
      expected: 'exactly one of fromUserId, sessionIds and withoutInstructor is expected',
    })
  }
  if (fromUserId !== undefined) return { fromUserId: requireUuid('fromUserId', fromUserId) }
  if (sessionIds !== undefined) {
    return { sessionIds: [...new Set(sessionIds.map((id) => requireUuid('sessionIds', id)))] }
  }
  return {}
}

async function choose(tx: TenantTransaction, { fromUserId, sessionIds }: Choice): Promise<string[]> {
  if (sessionIds !== undefined) return sessionIds
  return fromUserId === undefined ? await sessionsNeedingInstructor(tx) : await sessionsTaughtBy(tx, [fromUserId])
}
