import { record } from '../audit/record.ts'
import { identifierKey } from '../identifiers/identifier-key.ts'
import { markSeen } from '../people/accounts/mark-seen.ts'
import type { UserRole } from '../permissions/roles.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, isUuid, type TenantTransaction } from '../platform/database/transaction.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { accessError } from './errors.ts'
import { hashPassword, isOutdated, isPassword } from './passwords.ts'
import { type StartedSession, startSession } from './sessions.ts'
import { countAttempt, forgetAttempts, hashLogin } from './sign-in-attempts.ts'

export type SignedIn = StartedSession & { userId: string; roles: UserRole[] }

const longestLogin = 512

/**
 * Signs a user of the tenant in by login name or e-mail address, and starts a session.
 *
 * A user may be unknown, have no password, be suspended or deleted, or have the same name as another active user. The
 * response is then the same as for a wrong password, after the same work. Attempts are counted per name, also for names
 * that no user has.
 *
 * Throws `input.invalid`, `access.sign_in_failed`, `access.too_many_attempts`.
 */
export async function signIn(
  database: Database,
  tenantId: string,
  options: { login: string; password: string },
): Promise<SignedIn> {
  const login = requireLine('login', options.login, longestLogin)
  if (!isUuid(tenantId)) throw accessError('access.sign_in_failed')
  const tenant = tenantId.toLowerCase()
  const name = identifierKey('login_name', login)
  const attempt = hashLogin(database.masterKey, tenant, name)
  const candidate = await inTenant(database, tenant, async (tx) => {
    // A tenant that does not exist has nobody to count for.
    const exists = (await tx.query('select from tenants where id = $1', [tenant])).rowCount > 0
    const { found, owner } = await findCandidate(tx, name, identifierKey('email', login))
    const at = { table: 'sign_in_failures', tenantId: tenant, user: owner } as const
    if (exists) await countAttempt(tx, at, attempt)
    return found
  })
  const isRight = await isPassword(candidate?.hash ?? undefined, options.password)
  if (candidate === undefined || !isRight) throw accessError('access.sign_in_failed')
  const { id: userId, hash: before } = candidate
  const renewed =
    before !== null && isOutdated(before) ? await hashPassword(options.password.normalize('NFKC')) : before
  return await inTenant(
    database,
    tenant,
    async (tx) => {
      // Much may have happened while the password was checked.
      const { rows } = await tx.query<{ roles: UserRole[] }>(
        `select u.roles from users u join passwords p on p.tenant_id = u.tenant_id and p.user_id = u.id
         where u.tenant_id = $1 and u.id = $2 and u.state = 'active' and p.hash = $3 for share of u`,
        [tenant, userId, before],
      )
      const [user] = rows
      if (user === undefined) throw accessError('access.sign_in_failed')
      if (renewed !== before) {
        await tx.query('update passwords set hash = $3 where tenant_id = $1 and user_id = $2', [
          tenant,
          userId,
          renewed,
        ])
      }
      await forgetAttempts(tx, { table: 'sign_in_failures', tenantId: tenant, user: userId }, attempt)
      await record(tx, { activity: 'UserSignedIn', object: userId })
      await markSeen(tx, userId)
      return { ...(await startSession(tx, userId)), userId, roles: user.roles }
    },
    { initiator: { from: 'console', userId } },
  )
}

type Candidate = { id: string; hash: string | null }

/**
 * `found`: the one active user of this name. Login names are not unique; nobody is guessed at. `owner`: whose name it is,
 * in whatever state, where it is one user's. An erasure of that user waits until the transaction ends, because the attempt
 * is counted under the user's id.
 */
async function findCandidate(
  tx: TenantTransaction,
  name: string,
  email: string,
): Promise<{ found: Candidate | undefined; owner: string | undefined }> {
  const { rows } = await tx.query<Candidate & { active: boolean }>(
    `select u.id, u.state = 'active' as active, p.hash
     from users u left join passwords p on p.tenant_id = u.tenant_id and p.user_id = u.id
     where u.tenant_id = $1 and u.state <> 'anonymized' and (u.login_key = $2 or u.email_key = $3)
     order by active desc, u.id limit 2 for key share of u`,
    [tx.tenantId, name, email],
  )
  const [first, second] = rows
  const found = first?.active === true && second?.active !== true ? first : undefined
  return { found, owner: found?.id ?? (second === undefined ? first?.id : undefined) }
}
