import { identifierColumns } from '../../datamap/identifier-columns.ts'
import { announcedAt, announcing } from '../../events/announce-events.ts'
import { checkUserFields } from '../../people/accounts/user-fields.ts'
import { formerValues, keepFormer } from '../../people/identifiers/former-identifiers.ts'
import { pendingErasures } from '../../people/lifecycle/pending-erasure.ts'
import type { JsonObject } from '../../platform/database/generated/schema.gen.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { fetchPages } from '../fetch-pages.ts'
import { type PlainField, plainFields, type UserColumns } from './user-columns.ts'

/** Somebody else changed a user between the judgment of the rows and their writing: everything has to be judged again. */
export class ChangedMeanwhile extends Error {}

type ImageColumn = Exclude<PlainField, 'products'> | 'manager_id' | 'custom_fields'

const imageColumns: readonly ImageColumn[] = [
  ...plainFields.filter((field): field is Exclude<PlainField, 'products'> => field !== 'products'),
  'manager_id',
  'custom_fields',
]

/** Custom fields of this many bytes, as PostgreSQL prints them, may be too large as JSON. */
const suspiciousCustomFields = 32 * 1024

/**
 * Creates the new users and changes those whose row says something else than the database: others are not touched.
 * Throws {@link ChangedMeanwhile} where somebody else changed one of them since {@link findRows}. A dry run writes nothing.
 */
export async function writeRows(
  tx: TenantTransaction,
  columns: UserColumns,
  { dryRun }: { dryRun: boolean },
): Promise<void> {
  await findChanges(tx, columns)
  await lockChanged(tx)
  // Rows that are inserted and rolled back stay in the files of table and index: a dry run is judged, and no more.
  if (dryRun) return
  await insertUsers(tx, columns)
  await keepFormerIdentifiers(tx, columns)
  await tx.query(
    `update users u set ${imageColumns.map((column) => `${column} = c.${column}`).join(', ')}, updated_at = now()
     from changed_users c where u.tenant_id = $1 and u.id = c.id`,
    [tx.tenantId],
  )
  if (columns.fields.has('products')) await changeProducts(tx)
  await announceRows(tx)
}

/** Tells other systems of the new and the changed users. */
async function announceRows(tx: TenantTransaction): Promise<void> {
  const times = { now: '$2', giveUp: '$3' }
  await tx.query(
    `with ${announcing('user.created', 'select user_id from user_rows where is_new and fault is null', times)},
     ${announcing('user.updated', 'select id from changed_users', times)}
     select`,
    [tx.tenantId, ...announcedAt()],
  )
}

/** The users whose row says something else than the database, as they will be, in the temporary table changed_users. */
async function findChanges(tx: TenantTransaction, columns: UserColumns): Promise<void> {
  await tx.query(
    `create temporary table changed_users on commit drop as
     select 0 as line, id, ctid as version, ${imageColumns.join(', ')}, roles as products, roles as fields
     from users limit 0`,
  )
  const withProducts = columns.fields.has('products')
  const image = imageColumns.map((column) => `${changed(column, columns)} as ${column}`)
  const differs = (column: string) => `w.${column} is distinct from u.${column}`
  const otherProducts = 'p.inactive or not (p.products @> s.products and p.products <@ s.products)'
  const fields = [
    ...imageColumns.map((column) => `case when ${differs(column)} then '${column}' end`),
    ...(withProducts ? [`case when ${otherProducts} then 'products' end`] : []),
  ]
  await tx.query(
    `insert into changed_users
     select s.line, u.id, u.version, w.*, ${withProducts ? 's.products' : 'null'},
       array_remove(array[${fields.join(', ')}]::text[], null)
     from user_rows r
     join staged_users s using (line)
     ${joins(columns)}
     cross join lateral (
       select users.*, users.ctid as version from users where tenant_id = $1 and users.id = r.user_id offset 0
     ) u
     ${withProducts ? ownProducts : ''}
     cross join lateral (select ${image.join(', ')}) w
     where r.fault is null and not r.is_new
       and (${imageColumns.map(differs).join(' or ')} ${withProducts ? `or ${otherProducts}` : ''})`,
    columns.customNames.length > 0 ? [tx.tenantId, columns.customNames] : [tx.tenantId],
  )
  await tx.query('create unique index on changed_users (id)')
  // Of what says nothing about anybody: statistics are written into PostgreSQL's own tables and outlive a dry run there.
  await tx.query('analyze changed_users (line, id)')
  if (columns.customNames.length > 0) await refuseLargeCustomFields(tx)
}

const ownProducts = `cross join lateral (
  select coalesce(array_agg(product), '{}') as products, coalesce(bool_or(deletion_id is not null), false) as inactive
  from product_accounts where tenant_id = $1 and user_id = r.user_id
) p`

function joins(columns: UserColumns): string {
  const managers = columns.manager === undefined ? '' : 'left join manager_rows m on m.line = s.line'
  const roles = columns.fields.has('roles') ? 'left join role_rows rr on rr.line = s.line' : ''
  return `${managers} ${roles}`
}

/** What a column of an existing user (u) becomes by a row (s): the rules of updateUser. $2: the custom fields of the file. */
function changed(column: ImageColumn, columns: UserColumns): string {
  const given = (field: PlainField) => columns.fields.has(field)
  switch (column) {
    case 'manager_id':
      return columns.manager === undefined ? 'u.manager_id' : 'm.manager_id'
    case 'custom_fields':
      return columns.customNames.length === 0
        ? 'u.custom_fields'
        : `(u.custom_fields - $2::text[]) || coalesce(s.custom_fields, '{}')`
    case 'roles':
      return given('roles') ? 'coalesce(rr.roles, u.roles)' : 'u.roles'
    case 'kind':
      return given('kind') ? 'coalesce(s.kind, u.kind)' : 'u.kind'
    case 'email_verified': {
      const kept = given('email')
        ? 'case when s.email_key is distinct from u.email_key then false else u.email_verified end'
        : 'u.email_verified'
      return given('email_verified') ? `coalesce(s.email_verified, ${kept})` : kept
    }
    case 'display_name': {
      const name = (field: 'first_name' | 'last_name') => `${given(field) ? 's' : 'u'}.${field}`
      const kept = `case when u.display_name is not distinct from ${namesTogether('u.first_name', 'u.last_name')}
        then ${namesTogether(name('first_name'), name('last_name'))} else u.display_name end`
      return given('display_name') ? `coalesce(s.display_name, ${kept})` : kept
    }
    default:
      return given(column) ? `s.${column}` : `u.${column}`
  }
}

/** What a column of a new user is by a row: the rules of createUser. */
function created(column: ImageColumn, columns: UserColumns): string {
  switch (column) {
    case 'manager_id':
      return columns.manager === undefined ? 'null' : 'm.manager_id'
    case 'custom_fields':
      return `coalesce(s.custom_fields, '{}')`
    case 'roles':
      return columns.fields.has('roles') ? `coalesce(rr.roles, '{learner}')` : `'{learner}'`
    case 'kind':
      return `coalesce(s.kind, 'internal')`
    case 'email_verified':
      return 'coalesce(s.email_verified, false)'
    case 'display_name':
      return `coalesce(s.display_name, ${namesTogether('s.first_name', 's.last_name')})`
    default:
      return `s.${column}`
  }
}

/** defaultDisplayName, in SQL. */
function namesTogether(first: string, last: string): string {
  return `nullif(left(concat_ws(' ', ${first}, ${last}), 256), '')`
}

async function refuseLargeCustomFields(tx: TenantTransaction): Promise<void> {
  const query = {
    text: `select line, custom_fields from changed_users where octet_length(custom_fields::text) > ${suspiciousCustomFields}`,
    values: [],
  }
  const tooLarge: number[] = []
  await fetchPages<{ line: number; custom_fields: JsonObject }>(tx, query, 100, (rows) => {
    for (const { line, custom_fields } of rows) if (!fits(custom_fields)) tooLarge.push(line)
    return Promise.resolve()
  })
  if (tooLarge.length === 0) return
  await tx.query(
    `with refused as (delete from changed_users where line = any ($1::integer[]))
     update user_rows set fault = 'custom_fields_too_large' where line = any ($1::integer[])`,
    [tooLarge],
  )
}

function fits(customFields: JsonObject): boolean {
  try {
    checkUserFields({ custom_fields: customFields })
    return true
  } catch (error) {
    if (inputError.is(error, 'input.invalid')) return false
    throw error
  }
}

/** Locks the users who are to be changed, in the order of their ids like everybody, and makes sure they are as judged. */
async function lockChanged(tx: TenantTransaction): Promise<void> {
  const { rows } = await tx.query<{ changed: boolean }>(
    `with locked as materialized (
       select id, ctid as version from users
       where tenant_id = $1 and id in (select id from changed_users)
       order by id
       for no key update
     )
     select exists (
       select from changed_users c left join locked l on l.id = c.id where l.version is distinct from c.version
     ) as changed`,
    [tx.tenantId],
  )
  const pending = await tx.query<{ changed: boolean }>(
    `select exists (
       select from changed_users where id in (${pendingErasures})
     ) as changed`,
    [tx.tenantId],
  )
  if (rows[0]?.changed === true || pending.rows[0]?.changed === true) throw new ChangedMeanwhile()
}

const renamedAtATime = 2000

/** What the changed users are known by until now stays theirs, where the rows say something else. */
async function keepFormerIdentifiers(tx: TenantTransaction, columns: UserColumns): Promise<void> {
  const renaming = identifierColumns.filter(({ column }) => columns.fields.has(column))
  if (renaming.length === 0) return
  const values = (table: string) =>
    `jsonb_build_object(${renaming.map(({ column }) => `'${column}', ${table}.${column}`)})`
  const query = {
    text: `select u.id, ${values('u')} as before, ${values('c')} as after
           from changed_users c join users u on u.tenant_id = $1 and u.id = c.id
           where ${renaming.map(({ column }) => `u.${column} is distinct from c.${column}`).join(' or ')}`,
    values: [tx.tenantId],
  }
  type Renamed = { id: string; before: Record<string, string | null>; after: Record<string, string | null> }
  const until = new Date()
  await fetchPages<Renamed>(tx, query, renamedAtATime, (rows) =>
    keepFormer(
      tx,
      rows.flatMap(({ id, before, after }) => formerValues(id, before, after, until)),
    ),
  )
}

async function insertUsers(tx: TenantTransaction, columns: UserColumns): Promise<void> {
  await tx.query(
    `insert into users (tenant_id, id, last_seen_at, ${imageColumns.join(', ')})
     select $1, r.user_id, now(), ${imageColumns.map((column) => created(column, columns)).join(', ')}
     from user_rows r
     join staged_users s using (line)
     ${joins(columns)}
     where r.is_new and r.fault is null
     order by s.line`,
    [tx.tenantId],
  )
  await tx.query(
    `insert into product_accounts (tenant_id, user_id, product)
     select $1, r.user_id, product
     from user_rows r
     join staged_users s using (line)
     cross join unnest(coalesce(s.products, '{learn}')) as product
     where r.is_new and r.fault is null
     order by r.user_id`,
    [tx.tenantId],
  )
}

/** Gives the changed users accounts in exactly the products of their rows, as setProducts does for one. */
async function changeProducts(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `delete from product_accounts a using changed_users c
     where a.tenant_id = $1 and a.user_id = c.id and a.product <> all (c.products)`,
    [tx.tenantId],
  )
  await tx.query(
    `insert into product_accounts as a (tenant_id, user_id, product)
     select $1, c.id, product from changed_users c cross join unnest(c.products) as product
     on conflict (tenant_id, user_id, product) do update set deletion_id = null where a.deletion_id is not null`,
    [tx.tenantId],
  )
}
