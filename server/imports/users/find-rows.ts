import { pendingErasures } from '../../people/lifecycle/pending-erasure.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { NamingColumn, UserColumns } from './user-columns.ts'

/** Why a staged row cannot be written; the sentences are in outcomes.ts. */
export type RowFault =
  | `repeated_${NamingColumn}`
  | 'repeated_user'
  | 'ambiguous'
  | 'unknown_id'
  | 'email_of_another'
  | 'known_before'
  | 'directory_object_id_taken'
  | 'directory_object_id_of_deleted'
  | 'ref_taken'
  | 'ref_of_deleted'
  | 'unknown_manager'
  | 'ambiguous_manager'
  | 'own_manager'
  | 'last_administrator'
  | 'custom_fields_too_large'
  | 'erasure_pending'
  | 'deleted'
  | 'purged'
  | 'anonymized'

/** The column of users, and of staged_users, that a naming column is compared by. */
const keys: Record<NamingColumn, string> = {
  id: 'id',
  directory_object_id: 'directory_object_id',
  ref: 'ref',
  login_name: 'login_key',
  email: 'email_key',
}

/** Only one user can have it, so it must stand in one row only. */
const strong: readonly NamingColumn[] = ['id', 'directory_object_id', 'ref']

/**
 * Finds the user of each staged row, or gives it the id of a new one, in the temporary table user_rows; rows that
 * cannot be written get their fault there. Two rows must not name the same user by the same value: the second one is
 * repeated. A row that names its user by login name or e-mail address is also repeated if another row contains the same
 * value.
 */
export async function findRows(
  tx: TenantTransaction,
  columns: UserColumns,
  options: { purged: 'skip' | 'create' },
): Promise<void> {
  await tx.query(
    `create temporary table user_rows (
       line integer primary key,
       found_by text not null,
       user_id uuid,
       is_new boolean not null,
       returned boolean not null,
       -- The request that had purged the person.
       returned_after uuid,
       fault text,
       other_line integer
     ) on commit drop`,
  )
  if (options.purged === 'create') await passOverPurgedIds(tx)
  await findRepeated(tx)
  const { rows } = await tx.query<{ found_by: NamingColumn }>(
    'select distinct found_by from staged_users where found_by is not null',
  )
  for (const { found_by } of rows) await findBy(tx, found_by)
  await tx.query('create index on user_rows (user_id)')
  await tx.query('analyze user_rows')
  await tx.query(
    `update user_rows r set fault = 'repeated_user', other_line = several.first_line
     from (
       select user_id, min(line) as first_line from user_rows
       where fault is null and not is_new group by user_id having count(*) > 1
     ) several
     where r.user_id = several.user_id and r.line > several.first_line and r.fault is null`,
  )
  await tx.query(
    `update user_rows set fault = 'erasure_pending'
     where not is_new and (fault is null or fault = 'deleted') and user_id in (${pendingErasures})`,
    [tx.tenantId],
  )
  await refuseTaken(tx, columns)
}

/** A row that names a purged person by the id of then, and is to create the person anew, counts by its next name. */
async function passOverPurgedIds(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `update staged_users s
     set id = null, returned = true, returned_after = (
       select l.request_id from erasure_ledger l
       where l.tenant_id = $1 and l.user_id = s.id and l.operation = 'purge' order by l.erased_at desc limit 1
     ), found_by = case
       when directory_object_id is not null then 'directory_object_id'
       when ref is not null then 'ref'
       when login_name is not null then 'login_name'
       when email is not null then 'email'
       else found_by
     end
     where found_by = 'id' and exists (
       select from erasure_ledger l where l.tenant_id = $1 and l.user_id = s.id and l.operation = 'purge'
     )`,
    [tx.tenantId],
  )
}

async function findRepeated(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `create temporary table repeated_rows (
       line integer primary key, fault text not null, other_line integer not null
     ) on commit drop`,
  )
  for (const [name, key] of Object.entries(keys)) {
    const isStrong = strong.some((column) => column === name)
    const otherKind = isStrong ? 'null::integer' : `min(line) filter (where found_by <> '${name}')`
    await tx.query(
      `insert into repeated_rows (line, fault, other_line)
       select s.line, 'repeated_${name}',
         case when s.line > several.first_line then several.first_line else several.other_kind end
       from (
         select ${key} as key, min(line) as first_line, ${otherKind} as other_kind
         from staged_users where ${key} is not null group by ${key} having count(*) > 1
       ) several
       join staged_users s on s.${key} = several.key
       where (s.line > several.first_line or several.other_kind is not null)
         ${isStrong ? '' : `and s.found_by = '${name}'`}
       on conflict (line) do nothing`,
    )
  }
}

async function findBy(tx: TenantTransaction, name: NamingColumn): Promise<void> {
  const key = keys[name]
  const byId = name === 'id'
  // The lateral subquery makes the planner look each row up in its index, whatever it thinks of the number of users.
  await tx.query(
    `insert into user_rows (line, found_by, user_id, is_new, returned, returned_after, fault, other_line)
     select s.line, s.found_by,
       coalesce(u.living, u.deleted, ${byId ? 'null' : 'case when r.line is null then uuid_v7() end'}),
       coalesce(u.living, u.deleted) is null,
       s.returned,
       s.returned_after,
       case
         when r.line is not null then r.fault
         when u.matches > 1 then 'ambiguous'
         when u.living is not null then null
         when u.deleted is not null then 'deleted'
         ${byId ? unknownId : ''}
       end,
       r.other_line
     from staged_users s
     left join repeated_rows r on r.line = s.line
     cross join lateral (
       select count(*) filter (where state <> 'deleted') as matches,
         (array_agg(id) filter (where state <> 'deleted'))[1] as living,
         (array_agg(id) filter (where state = 'deleted'))[1] as deleted
       from users where tenant_id = $1 and ${name === 'ref' ? byRef : `${key} = s.${key}`} and state <> 'anonymized'
     ) u
     where s.found_by = $2`,
    [tx.tenantId, name],
  )
}

/** Refs are unique as they are written; who has the same one in another spelling is meant where nobody has this one. */
const byRef = `ref_key = s.ref_key and (
  ref = s.ref or not exists (select from users e where e.tenant_id = $1 and e.ref = s.ref and e.state <> 'anonymized')
)`

const unknownId = `
  when exists (select from erasure_ledger l where l.tenant_id = $1 and l.user_id = s.id and l.operation = 'purge')
    then 'purged'
  when exists (select from users a where a.tenant_id = $1 and a.id = s.id) then 'anonymized'
  else 'unknown_id'`

/** What createUser and updateUser refuse: a directory object id or a ref that another user of the tenant has. */
async function refuseTaken(tx: TenantTransaction, columns: UserColumns): Promise<void> {
  for (const field of ['directory_object_id', 'ref'] as const) {
    if (!columns.fields.has(field)) continue
    await tx.query(
      `update user_rows r set fault = case taken.state when 'deleted' then '${field}_of_deleted' else '${field}_taken' end
       from (
         select x.line, holder.state
         from user_rows x
         join staged_users s on s.line = x.line
         cross join lateral (
           select id, state from users where tenant_id = $1 and ${field} = s.${field} offset 0
         ) holder
         where x.fault is null and x.found_by <> '${field}' and holder.id <> x.user_id
       ) taken
       where r.line = taken.line`,
      [tx.tenantId],
    )
  }
  // Somebody with another login name and this address: the same person renamed, or two who share a mailbox? Not guessed.
  await tx.query(
    `update user_rows r set fault = 'email_of_another'
     from staged_users s
     where s.line = r.line and r.found_by = 'login_name' and r.is_new and r.fault is null and exists (
       select from users u where u.tenant_id = $1 and u.email_key = s.email_key and u.state <> 'anonymized'
     )`,
    [tx.tenantId],
  )
}
