import { record } from '../audit/record.ts'
import { actingUser } from '../people/accounts/require-people.ts'
import { requireActiveUser } from '../people/lifecycle/require-active.ts'
import { requireMayGrant } from '../permissions/grants.ts'
import type { UserRole } from '../permissions/roles.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { accessError } from './errors.ts'
import { hashPassword, isPassword, requirePassword } from './passwords.ts'
import { signOutEverywhere } from './sessions.ts'
import { countAttempt, forgetAttempts, hashLogin } from './sign-in-attempts.ts'

/**
 * Gives an active user a first or a new password, ends all of the user's sessions, and lets the user try at once.
 *
 * Who sets a password could sign in as that user, so nobody sets that of a user who may do more.
 *
 * Throws `input.invalid`, `user.not_found`, `user.wrong_state`, `access.beyond_own`.
 */
export async function setPassword(
  tx: TenantTransaction,
  options: { userId: string; password: string },
): Promise<{ signedOut: number }> {
  const { userId } = options
  const hash = await hashPassword(requirePassword('password', options.password))
  // Locked first: the user's roles stay as they are until the transaction ends.
  await requireActiveUser(tx, { userId, act: 'given a password' })
  const { rows } = await tx.query<{ roles: UserRole[] }>('select roles from users where tenant_id = $1 and id = $2', [
    tx.tenantId,
    userId,
  ])
  await requireMayGrant(tx, { roles: rows[0]?.roles ?? [] })
  return { signedOut: await storePassword(tx, userId, hash) }
}

/**
 * A person's own change of the password, who proves to know the old one. Ends the sessions in other browsers; `session` is
 * the id of the one that asks, which goes on.
 *
 * Throws `input.invalid`, `access.sign_in_failed`, `access.too_many_attempts`, `user.not_found`, `user.wrong_state`.
 */
export async function changePassword(
  database: Database,
  tenantId: string,
  options: { userId: string; session: string | undefined; currentPassword: string; newPassword: string },
): Promise<{ signedOut: number }> {
  const { userId, session } = options
  const password = requirePassword('new_password', options.newPassword)
  const within = { initiator: { from: 'console', userId } as const }
  const at = { table: 'sign_in_failures', tenantId, user: userId } as const
  const attempt = hashLogin(database.masterKey, tenantId, `the password of ${userId}`)
  const before = await inTenant(
    database,
    tenantId,
    async (tx) => {
      await actingUser(tx)
      await countAttempt(tx, at, attempt)
      return await readHash(tx, userId)
    },
    within,
  )
  if (!(await isPassword(before, options.currentPassword))) throw accessError('access.sign_in_failed')
  const hash = await hashPassword(password)
  return await inTenant(
    database,
    tenantId,
    async (tx) => {
      await requireActiveUser(tx, { userId, act: 'given a password' })
      if ((await readHash(tx, userId)) !== before) throw accessError('access.sign_in_failed')
      await forgetAttempts(tx, at, attempt)
      return { signedOut: await storePassword(tx, userId, hash, session) }
    },
    within,
  )
}

async function readHash(tx: TenantTransaction, userId: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ hash: string }>(
    'select hash from passwords where tenant_id = $1 and user_id = $2',
    [tx.tenantId, userId],
  )
  return rows[0]?.hash
}

async function storePassword(tx: TenantTransaction, userId: string, hash: string, except?: string): Promise<number> {
  await requireActiveUser(tx, { userId, act: 'given a password' })
  await tx.query(
    `insert into passwords (tenant_id, user_id, hash) values ($1, $2, $3)
     on conflict (tenant_id, user_id) do update set hash = excluded.hash, changed_at = now()`,
    [tx.tenantId, userId, hash],
  )
  await record(tx, { activity: 'PasswordSet', object: userId })
  // Who has a new password has not tried it yet.
  await tx.query('delete from sign_in_failures where tenant_id = $1 and user_id = $2', [tx.tenantId, userId])
  return await signOutEverywhere(tx, [userId], { except })
}
