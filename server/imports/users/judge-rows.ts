import { identifiersOf } from '../../people/identifiers/candidate-identifiers.ts'
import { findFormerHolders } from '../../people/identifiers/former-identifiers.ts'
import { requireMayGrant } from '../../permissions/grants.ts'
import type { UserRole } from '../../permissions/roles.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { fetchPages } from '../fetch-pages.ts'
import { findTombstoned, type RowIdentifiers } from '../tombstones.ts'
import type { UserColumns } from './user-columns.ts'

/**
 * Finds the rows that would bring back somebody who was purged: they get the fault "purged", or with `create` the mark
 * that the new user is somebody who returns.
 */
export async function findPurged(tx: TenantTransaction, options: { purged: 'skip' | 'create' }): Promise<void> {
  const created = { text: newRows, values: [] }
  const mark = options.purged === 'skip' ? `fault = 'purged'` : 'returned = true, returned_after = given.request_id'
  await findTombstoned(tx, created, async (lines, requests) => {
    await tx.query(
      `update user_rows r set ${mark}
       from unnest($1::integer[], $2::uuid[]) as given (line, request_id) where r.line = given.line`,
      [lines, requests],
    )
  })
}

const rowsPerLookup = 5000

/**
 * Finds the rows of new users who have an identifier that a user of the tenant was known by before a rename. The same
 * person with an old address, or another one with a used address? Nobody guesses: they get the fault "known_before".
 */
export async function findKnownBefore(tx: TenantTransaction): Promise<void> {
  const query = { text: newRows, values: [] }
  await fetchPages<RowIdentifiers>(tx, query, rowsPerLookup, async (rows) => {
    const found = await findFormerHolders(tx, rows, identifiersOf, {
      directoryIdOf: ({ directory_object_id }) => directory_object_id,
    })
    if (found.size === 0) return
    await tx.query(`update user_rows set fault = 'known_before' where line = any ($1::integer[])`, [
      [...found.keys()].map(({ line }) => line),
    ])
  })
}

const newRows = `select s.line, s.email, s.login_name, s.directory_object_id, s.ref, s.external_identity_id
  from user_rows r join staged_users s using (line) where r.is_new and r.fault is null`

/**
 * Finds the managers that the rows name, in the temporary table manager_rows: users of the tenant as after the import.
 * So a manager may be anywhere in the file. A row whose manager is nobody is not written, and neither is one whose
 * manager would have been made by such a row.
 */
export async function findManagers(tx: TenantTransaction, columns: UserColumns): Promise<void> {
  if (columns.manager === undefined) return
  await tx.query(
    `create temporary table manager_rows (
       line integer primary key, manager_id uuid, via_line integer, fault text
     ) on commit drop`,
  )
  if (columns.manager === 'manager_id') await findManagersById(tx)
  else await findManagersByName(tx, columns, columns.manager)
  await lockManagers(tx)
  await tx.query('create index on manager_rows (via_line)')
  await tx.query('analyze manager_rows')
  await tx.query(
    `with recursive bad (line) as (
       select line from manager_rows where fault is not null
       union
       select m.line from bad join manager_rows m on m.via_line = bad.line
     )
     update user_rows r set fault = coalesce(m.fault, 'unknown_manager')
     from bad join manager_rows m using (line)
     where r.line = bad.line`,
  )
}

/**
 * Locks the managers against an erasure until the import ends. After an earlier erasure, the manager is unknown, and
 * the row says so. A later erasure finds the reference.
 */
async function lockManagers(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `select from users
     where tenant_id = $1 and id in (select manager_id from manager_rows where fault is null)
     order by id for key share`,
    [tx.tenantId],
  )
  // A statement of its own: it sees what the erasure did that the lock waited for.
  await tx.query(
    `update manager_rows m set manager_id = null, fault = 'unknown_manager'
     where m.fault is null and m.via_line is null and not exists (
       select from users u where u.tenant_id = $1 and u.id = m.manager_id and (
         u.state <> 'anonymized'
         or exists (
           select from user_rows r join users own on own.tenant_id = $1 and own.id = r.user_id
           where r.line = m.line and own.manager_id = m.manager_id
         )
       )
     )`,
    [tx.tenantId],
  )
}

async function findManagersById(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `insert into manager_rows (line, manager_id, fault)
     select s.line, m.id, case when m.id is null then 'unknown_manager' when m.id = r.user_id then 'own_manager' end
     from staged_users s
     join user_rows r using (line)
     left join lateral (
       select id from users m
       where m.tenant_id = $1 and m.id = s.manager_id and (
         m.state <> 'anonymized'
         -- What is so already is no change that could be refused.
         or exists (select from users u where u.tenant_id = $1 and u.id = r.user_id and u.manager_id = m.id)
       )
       offset 0
     ) m on true
     where s.manager_id is not null and r.fault is null`,
    [tx.tenantId],
  )
}

async function findManagersByName(
  tx: TenantTransaction,
  columns: UserColumns,
  by: 'manager_ref' | 'manager_email',
): Promise<void> {
  const [field, key, given, states] =
    by === 'manager_ref'
      ? (['ref', 'ref_key', 'manager_ref_key', `state <> 'anonymized'`] as const)
      : (['email', 'email_key', 'manager_email_key', `state in ('active', 'suspended')`] as const)
  const changes = columns.fields.has(field)
  if (changes) await tx.query(`create index on staged_users (${key})`)
  const unlessChanged = `and not exists (
    select from user_rows own join staged_users now using (line)
    where own.user_id = u.id and own.fault is null and now.${key} is distinct from s.${given}
  )`
  const madeByRows = `union all
    select made.user_id, now.line
    from staged_users now join user_rows made using (line)
    where now.${key} = s.${given} and made.fault is null and not exists (
      select from users u where u.tenant_id = $1 and u.id = made.user_id and u.${key} = s.${given}
    )`
  await tx.query(
    `insert into manager_rows (line, manager_id, via_line, fault)
     select s.line, m.id, m.via_line, case
       when m.found = 0 then 'unknown_manager'
       when m.found > 1 then 'ambiguous_manager'
       when m.id = r.user_id then 'own_manager'
     end
     from staged_users s
     join user_rows r using (line)
     cross join lateral (
       select count(*) as found, (array_agg(id))[1] as id, (array_agg(via_line))[1] as via_line
       from (
         select u.id, null::integer as via_line from users u
         where u.tenant_id = $1 and u.${key} = s.${given} and u.${states} ${changes ? unlessChanged : ''}
         ${changes ? madeByRows : ''}
       ) candidates
     ) m
     where s.${given} is not null and r.fault is null`,
    [tx.tenantId],
  )
}

/** What the roles in a row come to. */
type RoleRow = { line: number; loses: boolean }

/**
 * Decides about the rows whose roles are not what the user has, in the temporary table role_rows. Roles are applied
 * only when that was asked for, and never a privileged role to a user who returned after a delete or a purge. Such a
 * user has former roles, or an identifier of a purged person or of a deleted user. The last active administrator stays.
 *
 * Throws `access.beyond_own` where the rows give roles that may do more than who acts.
 */
export async function decideRoles(
  tx: TenantTransaction,
  columns: UserColumns,
  options: { withRoles: boolean },
): Promise<void> {
  if (!columns.fields.has('roles')) return
  await tx.query(
    `create temporary table role_rows (
       line integer primary key, user_id uuid not null, active boolean not null, held text[] not null,
       given text[] not null, returned boolean not null, roles text[] not null
     ) on commit drop`,
  )
  await tx.query(
    `insert into role_rows (line, user_id, active, held, given, returned, roles)
     select s.line, r.user_id, coalesce(u.state = 'active', true), h.held, s.roles,
       case when array_remove(s.roles, 'learner') <@ h.held then r.returned
       else r.returned or coalesce(cardinality(u.former_roles) > 0, false)
         or ${deletedHas('email_key')} or ${deletedHas('login_key')} or ${deletedHas('external_identity_key')}
       end,
       case when $2::boolean then s.roles else h.held end
     from user_rows r
     join staged_users s using (line)
     left join lateral (
       select state, roles, former_roles, email_key, login_key, external_identity_key from users u
       where u.tenant_id = $1 and u.id = r.user_id
       offset 0
     ) u on true
     cross join lateral (select coalesce(u.roles, '{learner}') as held) h
     where r.fault is null and s.roles is not null and not (s.roles @> h.held and s.roles <@ h.held)`,
    [tx.tenantId, options.withRoles],
  )
  await tx.query('analyze role_rows')
  if (!options.withRoles) return
  const gaining = (from: string) => `
    select rr.line, x.email, x.login_name, x.directory_object_id, x.ref, x.external_identity_id
    from role_rows rr join ${from}
    where not rr.returned and not (array_remove(rr.given, 'learner') <@ rr.held)`
  const query = {
    text: `${gaining('staged_users x on x.line = rr.line')} union all ${gaining('users x on x.tenant_id = $1 and x.id = rr.user_id')}`,
    values: [tx.tenantId],
  }
  await findTombstoned(tx, query, async (lines) => {
    await tx.query('update role_rows set returned = true where line = any ($1::integer[])', [lines])
  })
  await tx.query(
    `update role_rows set roles = coalesce(
       nullif(array(select role from unnest(given) as role where role = any (held) or role = 'learner'), '{}'), '{learner}'
     )
     where returned`,
  )
  await keepLastAdministrator(tx)
  const { rows } = await tx.query<{ role: UserRole }>(
    `select distinct role from role_rows cross join unnest(roles) as role where role <> all (held)`,
  )
  await requireMayGrant(tx, { roles: rows.map(({ role }) => role) })
}

/** Whether a deleted user of the tenant has the key of the row (s) or of its user (u). */
function deletedHas(key: 'email_key' | 'login_key' | 'external_identity_key'): string {
  return `exists (
    select from users d where d.tenant_id = $1 and d.${key} in (s.${key}, u.${key}) and d.state = 'deleted'
  )`
}

async function keepLastAdministrator(tx: TenantTransaction): Promise<void> {
  const changing = `active and ('administrator' = any (held)) <> ('administrator' = any (roles))`
  const { rows } = await tx.query<RoleRow>(
    `select line, 'administrator' = any (held) as loses from role_rows where ${changing} order by line`,
  )
  if (!rows.some(({ loses }) => loses)) return
  // Before any other row, as whoever deletes an administrator does, so that two of them meet here.
  const administrators = await tx.query(
    `select id from users where tenant_id = $1 and state = 'active' and 'administrator' = any (roles)
     order by id for no key update`,
    [tx.tenantId],
  )
  let left = administrators.rowCount
  const refused: number[] = []
  for (const { line, loses } of rows) {
    if (!loses) left++
    else if (left > 1) left--
    else refused.push(line)
  }
  await tx.query(`update user_rows set fault = 'last_administrator' where line = any ($1::integer[])`, [refused])
}
