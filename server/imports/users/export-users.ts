import { type ListUsersOptions, selectionOfUsers } from '../../people/accounts/list-users.ts'
import type { User } from '../../people/accounts/user.ts'
import { csvLine } from '../../platform/csv/csv-line.ts'
import { guardFormula } from '../../platform/csv/formula-guard.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { fetchPages } from '../fetch-pages.ts'
import { nameOf, plainFields, type UserColumn } from './user-columns.ts'

const usersPerPage = 1000

/** So that spreadsheets read the file as UTF-8. */
const byteOrderMark = '\ufeff'

type ExportedUser = Pick<User, 'id' | 'manager_id' | 'custom_fields'> & Record<(typeof plainFields)[number], unknown>

/**
 * Writes all users of a list, without pages, as the CSV file that {@link importUsers} reads: importing it again changes
 * nothing. Cells that a spreadsheet would run as a formula get an apostrophe in front, which the import takes away.
 * Holds a page of them at a time. It sees one state of the database, so it is the first thing its transaction does.
 *
 * Returns the number of users. Throws `input.invalid` like {@link listUsers}.
 */
export async function exportUsers(
  tx: TenantTransaction,
  options: Omit<ListUsersOptions, 'limit' | 'after'>,
  write: (text: string) => Promise<void>,
): Promise<number> {
  const { where, orderBy, values } = selectionOfUsers(tx, options)
  await tx.query('set transaction isolation level repeatable read, read only')
  const columns: UserColumn[] = [
    { holds: 'id' },
    ...plainFields.map((field): UserColumn => ({ holds: 'field', field })),
    { holds: 'manager', by: 'manager_id' },
    ...(await customColumns(tx, where, values)),
  ]
  await write(byteOrderMark + csvLine(columns.map((column) => guardFormula(nameOf(column)))))
  const fields = plainFields.filter((field) => field !== 'products')
  const query = {
    text: `select id, ${fields.join(', ')}, manager_id, custom_fields, array(
             select product from product_accounts a
             where a.tenant_id = users.tenant_id and a.user_id = users.id
               and (a.deletion_id is null or a.deletion_id = users.deletion_id)
             order by product
           ) as products
           from users where ${where} order by ${orderBy}`,
    values,
  }
  let count = 0
  await fetchPages<ExportedUser>(tx, query, usersPerPage, async (users) => {
    count += users.length
    const lines = users.map((user) => csvLine(columns.map((column) => guardFormula(cellOf(user, column)))))
    await write(lines.join(''))
  })
  return count
}

/** A column for each field of the tenant's own: one for texts, and one for everything else where there is such a value. */
async function customColumns(tx: TenantTransaction, where: string, values: unknown[]): Promise<UserColumn[]> {
  const { rows } = await tx.query<{ name: string; texts: boolean; others: boolean }>(
    `select field.key as name, bool_or(texts) as texts, bool_or(not texts) as others
     from users
     cross join lateral jsonb_each(custom_fields) as field
     cross join lateral (select jsonb_typeof(field.value) = 'string' and field.value <> '""' as texts) as kind
     where ${where}
     group by field.key
     order by field.key collate "C"`,
    values,
  )
  return rows.flatMap(({ name, texts, others }): UserColumn[] => [
    ...(texts ? [{ holds: 'custom' as const, name }] : []),
    ...(others ? [{ holds: 'customJson' as const, name }] : []),
  ])
}

function cellOf(user: ExportedUser, column: UserColumn): string {
  switch (column.holds) {
    case 'id':
      return user.id
    case 'field':
      return textOf(user[column.field])
    case 'manager':
      return user.manager_id ?? ''
    case 'custom':
    case 'customJson': {
      const value = Object.hasOwn(user.custom_fields, column.name) ? user.custom_fields[column.name] : undefined
      // An empty text is written as JSON: an empty cell would say that the field is not there.
      const isText = typeof value === 'string' && value !== ''
      if (value === undefined || isText !== (column.holds === 'custom')) return ''
      return isText ? value : JSON.stringify(value)
    }
  }
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return Array.isArray(value) ? value.join(';') : String(value)
}
