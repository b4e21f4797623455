import type { Logger } from 'pino'
import { record } from '../../audit/record.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireTime } from '../../platform/validation/require-time.ts'
import { findUser } from '../accounts/find-users.ts'
import type { User } from '../accounts/user.ts'
import { peopleError } from '../errors.ts'
import { lockForChange } from './lock-users.ts'
import { reactivateUser } from './reactivate-user.ts'
import { suspendUser } from './suspend-user.ts'

/** When a person starts and leaves. Null: no such time; absent: as it is. */
export type EmploymentDates = { startsAt?: Date | null | undefined; endsAt?: Date | null | undefined }

/**
 * Sets when a person starts and leaves. An account is suspended until the one and from the other, at once or once the time
 * comes ({@link applyDueDates}). A suspension by a person or a program ends the wait for the start, and a reactivation after
 * the end lasts. No end that is moved reactivates an account.
 *
 * Throws `input.invalid` for an end that is not after the start, and what `suspendUser` throws.
 */
export async function setEmploymentDates(tx: TenantTransaction, userId: string, dates: EmploymentDates): Promise<User> {
  await lockForChange(tx, { userIds: [userId], act: 'updated', from: ['active', 'suspended'] })
  const [before, next] = await Promise.all([findUser(tx, { by: 'id', value: userId }), nextChangeOf(tx, userId)])
  const now = new Date()
  const starts = timeOf('starts_at', dates.startsAt, before.starts_at)
  const ends = timeOf('ends_at', dates.endsAt, before.ends_at)
  if (starts !== null && ends !== null && ends <= starts) {
    throw inputError('input.invalid', { field: 'ends_at', expected: 'a time after the start is expected' })
  }
  const starting = starts !== null && starts > now
  const left = dates.endsAt !== undefined && ends !== null && ends <= now
  const waited = before.state === 'suspended' && next !== null
  await tx.query(
    'update users set starts_at = $3, ends_at = $4, next_change_at = null, updated_at = $5 where tenant_id = $1 and id = $2',
    [tx.tenantId, userId, starts, ends, now],
  )
  await record(tx, {
    activity: 'UserDatesSet',
    object: userId,
    values: { starts_at: starts?.toISOString() ?? null, ends_at: ends?.toISOString() ?? null },
  })
  let isActive = before.state === 'active'
  if (isActive && (starting || left)) {
    await suspendUser(tx, userId)
    isActive = false
  } else if (waited && !starting && !left) {
    await reactivateUser(tx, userId)
    isActive = true
  }
  const waits = starting && !left && (waited || before.state === 'active')
  const change = isActive ? laterThan(now, ends) : waits ? starts : null
  await setNextChange(tx, userId, change)
  return await findUser(tx, { by: 'id', value: userId })
}

/**
 * Suspends a user who may be suspended already. A user who waits for the start stays suspended after it.
 *
 * Throws what `suspendUser` throws.
 */
export async function suspendNow(tx: TenantTransaction, userId: string): Promise<User> {
  const options = {
    userIds: [userId],
    act: 'suspended',
    from: ['active', 'suspended'] as const,
    endsAdministrators: true,
  }
  const [user] = await lockForChange(tx, options)
  if (user?.state === 'active') return await suspendUser(tx, userId)
  const { rowCount } = await tx.query(
    `update users set next_change_at = null, updated_at = now()
     where tenant_id = $1 and id = $2 and next_change_at is not null`,
    [tx.tenantId, userId],
  )
  if (rowCount > 0) await record(tx, { activity: 'UserSuspended', object: userId })
  return await findUser(tx, { by: 'id', value: userId })
}

/**
 * Suspends and reactivates the users whose time has come, in all tenants, each in a transaction of its own. Where that would
 * leave a tenant without an administrator, the administrator stays, and the next run tries again.
 */
export async function applyDueDates(database: Database, log: Logger): Promise<void> {
  const tenants = await outsideTenants<{ tenant_id: string }>(
    database,
    'select tenant_id from tenants_with_due_changes()',
  )
  for (const { tenant_id: tenant } of tenants) {
    let ids: string[]
    do {
      ids = await inTenant(database, tenant, (tx) => dueUsers(tx), { readOnly: true })
      for (const id of ids) await applyDate(database, tenant, id, log)
    } while (ids.length === atOnce)
  }
}

const atOnce = 500

async function dueUsers(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users
     where tenant_id = $1 and next_change_at <= $2 and state in ('active', 'suspended')
     order by next_change_at
     limit ${atOnce}`,
    [tx.tenantId, new Date()],
  )
  return rows.map(({ id }) => id)
}

async function applyDate(database: Database, tenant: string, id: string, log: Logger): Promise<void> {
  try {
    await inTenant(database, tenant, async (tx) => {
      const { rows } = await tx.query<{ state: string; ends_at: Date | null }>(
        `select state, ends_at from users
         where tenant_id = $1 and id = $2 and next_change_at <= $3 and state in ('active', 'suspended')
         for no key update`,
        [tenant, id, new Date()],
      )
      const [user] = rows
      // Another process was faster, or a person moved the time.
      if (user === undefined) return
      if (user.state === 'active') await suspendUser(tx, id)
      else await reactivateUser(tx, id)
    })
  } catch (error) {
    if (!peopleError.is(error, 'user.last_administrator')) throw error
    log.info({ tenant, user: id, code: error.code }, 'the last administrator stays after the end date')
  }
}

async function nextChangeOf(tx: TenantTransaction, userId: string): Promise<Date | null> {
  const { rows } = await tx.query<{ next_change_at: Date | null }>(
    'select next_change_at from users where tenant_id = $1 and id = $2',
    [tx.tenantId, userId],
  )
  return rows[0]?.next_change_at ?? null
}

async function setNextChange(tx: TenantTransaction, userId: string, at: Date | null): Promise<void> {
  await tx.query('update users set next_change_at = $3 where tenant_id = $1 and id = $2', [tx.tenantId, userId, at])
}

function timeOf(field: string, given: Date | null | undefined, before: Date | null): Date | null {
  if (given === undefined) return before
  return given === null ? null : requireTime(field, given)
}

function laterThan(now: Date, time: Date | null): Date | null {
  return time !== null && time > now ? time : null
}
