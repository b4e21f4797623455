import { markSeen } from '../people/accounts/mark-seen.ts'
import type { Principal } from '../permissions/principal.ts'
import type { UserRole } from '../permissions/roles.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { hashSecret } from './secrets.ts'
import { idleMinutes, longestHours, newSessionToken, readSessionCookie, type SessionToken } from './session-token.ts'

/** What a browser gets when somebody has signed in. `token` goes into the cookie, see `sessionCookie`. */
export type StartedSession = { token: string; csrfToken: string; expiresAt: Date }

const alive = `s.expires_at > now() and s.last_used_at > now() - interval '${idleMinutes} minutes'`
const dead = `expires_at <= now() or last_used_at <= now() - interval '${idleMinutes} minutes'`
const unrecorded = `last_used_at < now() - interval '1 minute'`

/** Starts a session of a user. Those of the tenant that have run out are deleted on the way. */
export async function startSession(tx: TenantTransaction, userId: string): Promise<StartedSession> {
  const { token, hash, csrfToken } = newSessionToken(tx.tenantId)
  await tx.query(`delete from sign_in_sessions where tenant_id = $1 and (${dead})`, [tx.tenantId])
  const { rows } = await tx.query<{ expires_at: Date }>(
    `insert into sign_in_sessions (tenant_id, user_id, token_hash, expires_at)
     values ($1, $2, $3, now() + interval '${longestHours} hours') returning expires_at`,
    [tx.tenantId, userId, hash],
  )
  return { token, csrfToken, expiresAt: expiryOf(rows) }
}

/** Starts a session of an operator. Those of operators that have run out are deleted on the way. */
export async function startOperatorSession(tx: TenantTransaction, operatorId: string): Promise<StartedSession> {
  const { token, hash, csrfToken } = newSessionToken(undefined)
  await tx.query(`delete from operator_sessions where ${dead}`)
  const { rows } = await tx.query<{ expires_at: Date }>(
    `insert into operator_sessions (operator_id, token_hash, expires_at)
     values ($1, $2, now() + interval '${longestHours} hours') returning expires_at`,
    [operatorId, hash],
  )
  return { token, csrfToken, expiresAt: expiryOf(rows) }
}

/**
 * Whose session this is, with the roles of this moment; undefined where it has ended, or the person is not active. Writes
 * once a minute that it was used.
 */
export async function principalOfSession(database: Database, session: SessionToken): Promise<Principal | undefined> {
  const { tenantId, secret } = session
  const hash = hashSecret(secret)
  if (tenantId === undefined) return await operatorOfSession(database, hash)
  return await inTenant(database, tenantId, async (tx) => {
    const { rows } = await tx.query<{ id: string; user_id: string; roles: UserRole[]; unrecorded: boolean }>(
      `select s.id, s.user_id, u.roles, s.${unrecorded} as unrecorded
       from sign_in_sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
       where s.tenant_id = $1 and s.token_hash = $2 and ${alive} and u.state = 'active'`,
      [tenantId, hash],
      'principal_of_session',
    )
    const [found] = rows
    if (found === undefined) return undefined
    if (found.unrecorded) {
      await tx.query('update sign_in_sessions set last_used_at = now() where tenant_id = $1 and id = $2', [
        tenantId,
        found.id,
      ])
      await markSeen(tx, found.user_id)
    }
    return {
      tenantId,
      initiator: { from: 'console', userId: found.user_id },
      access: { kind: 'person', roles: found.roles },
      sessionId: found.id,
    }
  })
}

async function operatorOfSession(database: Database, hash: Buffer): Promise<Principal | undefined> {
  const [found] = await outsideTenants<{ id: string; operator_id: string; unrecorded: boolean }>(
    database,
    `select s.id, s.operator_id, s.${unrecorded} as unrecorded from operator_sessions s where s.token_hash = $1 and ${alive}`,
    [hash],
    'operator_of_session',
  )
  if (found === undefined) return undefined
  if (found.unrecorded) {
    await outsideTenants(database, 'update operator_sessions set last_used_at = now() where id = $1', [found.id])
  }
  return {
    tenantId: undefined,
    initiator: actingOperator(found.operator_id),
    access: { kind: 'operator' },
    sessionId: found.id,
  }
}

/** An operator as whoever sets something in motion. */
export function actingOperator(id: string): Initiator {
  return { from: 'console', credential: { kind: 'operator', id } }
}

/** Ends the session in the Cookie header, if there is one. */
export async function signOut(database: Database, cookie: string | undefined): Promise<void> {
  const session = readSessionCookie(cookie)
  if (session === undefined) return
  const { tenantId, secret } = session
  const hash = hashSecret(secret)
  if (tenantId === undefined) {
    await outsideTenants(database, 'delete from operator_sessions where token_hash = $1', [hash])
    return
  }
  await inTenant(database, tenantId, (tx) =>
    tx.query('delete from sign_in_sessions where tenant_id = $1 and token_hash = $2', [tenantId, hash]),
  )
}

/**
 * Ends all sessions of these users, in every browser; `except` is the id of one that goes on. Answers how many ended. Who
 * is suspended or deleted is signed out with it: a session must not wake up when the user comes back. It is part of an act
 * that the caller records.
 */
export async function signOutEverywhere(
  tx: TenantTransaction,
  userIds: readonly string[],
  options: { except?: string | undefined } = {},
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from sign_in_sessions
     where tenant_id = $1 and user_id = any ($2::uuid[]) and ($3::uuid is null or id <> $3)`,
    [tx.tenantId, userIds, options.except ?? null],
  )
  return rowCount
}

function expiryOf(rows: { expires_at: Date }[]): Date {
  const [row] = rows
  if (row === undefined) throw new Error('No session was inserted')
  return row.expires_at
}
