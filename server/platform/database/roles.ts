import pg from 'pg'
import { databaseError } from './errors.ts'
import { codeOf } from './pool.ts'
import { sqlstate } from './sqlstates.ts'

/**
 * Creates the two roles that rights are granted to. Nobody signs in as one of them: the application's login enters
 * `lethe_app` for everything, and `lethe_auditor`, who reads all tenants, to count and to search by the data map.
 */
export async function createRoles(owner: pg.Client): Promise<void> {
  for (const role of ['lethe_app', 'lethe_auditor']) {
    const { rowCount } = await owner.query('select from pg_roles where rolname = $1', [role])
    if (rowCount === 1) continue
    try {
      await owner.query(`create role ${role} nologin`)
    } catch (error) {
      // Roles belong to the whole server: a migrator of another database may have been faster.
      if (codeOf(error) === sqlstate.duplicateObject || codeOf(error) === sqlstate.uniqueViolation) continue
      if (codeOf(error) !== sqlstate.insufficientPrivilege) throw error
      throw databaseError('database.role_missing', { role, login: owner.user ?? 'the owner' }, error)
    }
  }
}

/**
 * Lets the login of the application's connection string enter the two roles, and creates it where it does not exist.
 * The login inherits nothing: without entering a role it can read no table.
 *
 * Throws `database.privileged_login` where the login could read past the separation of tenants.
 */
export async function equipLogin(owner: pg.Client, appUrl: string): Promise<void> {
  const { username, password } = new URL(appUrl)
  const login = decodeURIComponent(username)
  const { rowCount } = await owner.query('select from pg_roles where rolname = $1', [login])
  if (rowCount === 0) {
    const secret = password === '' ? '' : ` password ${pg.escapeLiteral(decodeURIComponent(password))}`
    await owner.query(`create role ${pg.escapeIdentifier(login)} login noinherit${secret}`)
  }
  await requireOrdinary(owner, login)
  await owner.query(`alter role ${pg.escapeIdentifier(login)} noinherit`)
  // From PostgreSQL 16 on each membership says for itself whether it is inherited; an earlier one may say yes.
  const { rows } = await owner.query<{ each: boolean }>(
    `select current_setting('server_version_num')::int >= 160000 as each`,
  )
  await owner.query(
    `grant lethe_app, lethe_auditor to ${pg.escapeIdentifier(login)}${rows[0]?.each ? ' with inherit false' : ''}`,
  )
}

/** Throws `database.privileged_login` where the login is a superuser, owns tables or bypasses row level security. */
export async function requireOrdinary(client: pg.ClientBase | pg.Pool, login: string): Promise<void> {
  const { rows } = await client.query<{ superuser: boolean; bypass: boolean; owns: boolean }>(
    `select r.rolsuper as superuser, r.rolbypassrls as bypass,
       exists (
         select from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relowner = r.oid
       ) as owns
     from pg_roles r where r.rolname = $1`,
    [login],
  )
  const role = rows[0]
  if (role === undefined) return
  const why = role.superuser
    ? 'is a superuser'
    : role.bypass
      ? 'bypasses row level security'
      : role.owns
        ? 'owns the tables'
        : undefined
  if (why !== undefined) throw databaseError('database.privileged_login', { login, why })
}
