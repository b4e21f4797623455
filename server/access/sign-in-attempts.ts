import { createHmac, hkdfSync } from 'node:crypto'
import type pg from 'pg'
import { type Identifier, identifierKey } from '../identifiers/identifier-key.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../platform/database/transaction.ts'
import { accessError } from './errors.ts'

/** So many attempts in a row may fail before the name has to wait. */
export const freeAttempts = 5
const firstDelaySeconds = 30
const longestDelaySeconds = 900

/** Where attempts are counted. `user`: whose name it is, so that the count goes with the person. */
export type CountedAt =
  | { table: 'sign_in_failures'; tenantId: string; user: string | undefined }
  | { table: 'operator_sign_in_failures' }

type Queryable = {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>
}

/** The keyed hash that attempts with a name are counted under. `within`: the tenant, or the operators. */
export function hashLogin(masterKey: Buffer, within: string, login: string): Buffer {
  return loginHasher(masterKey, within)(login)
}

function loginHasher(masterKey: Buffer, within: string): (login: string) => Buffer {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', `lethe sign-in attempts ${within}`, 32))
  return (login) => createHmac('sha256', key).update(login).digest()
}

/**
 * Forgets the attempts with these identifiers, because whose they are is erased: also those that were counted for nobody,
 * such as while several people had the name. Addresses are forgotten among the attempts of operators too, who have none.
 * Sent without waiting.
 */
export function forgetAttemptsOf(tx: TenantTransaction, identifiers: readonly Identifier[]): void {
  if (identifiers.length === 0) return
  const names = [...new Set(identifiers.map(({ value }) => identifierKey('login_name', value)))]
  const addresses = names.filter((name) => name.includes('@'))
  tx.send(
    `with operators as (
       delete from operator_sign_in_failures where login_hash = any ($3::bytea[])
     )
     delete from sign_in_failures where tenant_id = $1 and login_hash = any ($2::bytea[])`,
    [
      tx.tenantId,
      names.map(loginHasher(tx.masterKey, tx.tenantId.toLowerCase())),
      addresses.map(loginHasher(tx.masterKey, 'operators')),
    ],
    'forget_attempts_of',
  )
}

/** Deletes the attempts that are a day old, in all tenants: nobody's name stays here longer. */
export async function cleanAttempts(database: Database): Promise<void> {
  for (const id of await tenantIds(database)) {
    const at = { table: 'sign_in_failures', tenantId: id, user: undefined } as const
    await inTenant(database, id, (tx) => forgetOldAttempts(tx, at))
  }
  await forgetOldAttempts(database.pool, { table: 'operator_sign_in_failures' })
}

/**
 * Counts an attempt as failed before the password is looked at, so that many at the same time cannot outrun the count;
 * {@link forgetAttempts} takes it back. The same for a name that nobody has. From the fifth on, the name has to wait 30
 * seconds, then twice as long each time, up to 15 minutes; after a day without an attempt it begins anew.
 *
 * Throws `access.too_many_attempts`, and counts nothing, while the name has to wait.
 */
export async function countAttempt(client: Queryable, at: CountedAt, loginHash: Buffer): Promise<void> {
  const ofTenant = at.table === 'sign_in_failures'
  const values = ofTenant ? [loginHash, at.tenantId, at.user ?? null] : [loginHash]
  const attempts = `case when f.last_failed_at < now() - interval '1 day' then 1 else f.failures + 1 end`
  const counted = await client.query(
    `insert into ${at.table} as f (login_hash, ${ofTenant ? 'tenant_id, user_id, ' : ''}failures)
     values ($1, ${ofTenant ? '$2, $3, ' : ''}1)
     on conflict (${ofTenant ? 'tenant_id, ' : ''}login_hash) do update set
       failures = ${attempts},
       last_failed_at = now(),
       ${ofTenant ? 'user_id = excluded.user_id,' : ''}
       locked_until = case when ${attempts} >= ${freeAttempts} then now() + make_interval(
         secs => least(${longestDelaySeconds}, ${firstDelaySeconds} * 2 ^ least(10, ${attempts} - ${freeAttempts}))
       ) end
     where f.locked_until is null or f.locked_until <= now()
     returning failures`,
    values,
  )
  await forgetOldAttempts(client, at)
  if (counted.rows.length > 0) return
  const { rows } = await client.query<{ seconds: number }>(
    `select greatest(1, ceil(extract(epoch from locked_until - now())))::int as seconds
     from ${at.table} where login_hash = $1${ofTenant ? ' and tenant_id = $2' : ''}`,
    ofTenant ? [loginHash, at.tenantId] : [loginHash],
  )
  throw accessError('access.too_many_attempts', { retryAfter: rows[0]?.seconds ?? 1 })
}

/** Forgets the attempts that are a day old: those of the tenant, or those of operators. */
async function forgetOldAttempts(client: Queryable, at: CountedAt): Promise<void> {
  const ofTenant = at.table === 'sign_in_failures'
  await client.query(
    `delete from ${at.table} where ${ofTenant ? 'tenant_id = $1 and ' : ''}last_failed_at < now() - interval '1 day'`,
    ofTenant ? [at.tenantId] : [],
  )
}

/** Forgets the attempts with a name, because one succeeded. */
export async function forgetAttempts(client: Queryable, at: CountedAt, loginHash: Buffer): Promise<void> {
  const ofTenant = at.table === 'sign_in_failures'
  await client.query(
    `delete from ${at.table} where login_hash = $1${ofTenant ? ' and tenant_id = $2' : ''}`,
    ofTenant ? [loginHash, at.tenantId] : [loginHash],
  )
}
