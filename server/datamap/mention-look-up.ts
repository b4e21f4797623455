import type { MentionColumn } from './compile.ts'

/**
 * One statement over all mention columns, each by the trigram index on its search form.
 * Answers rows of (position, row_key, owners, value); the position is the column's place in the list.
 * Parameters: tenant, ids of the people whose rows are left out, patterns of search forms.
 */
export function mentionLookUp(columns: MentionColumn[]): string {
  return columns
    .map((mention, position) => {
      const match = `${searchedValue(mention)} like any ($3::text[])`
      return `select ${position} as position, ${mentionFields(mention)} where ${mentionWhere(mention)} and ${match}`
    })
    .join('\nunion all\n')
}

/** What the index of a mention column is on. */
export function searchedValue({ column, as }: Pick<MentionColumn, 'column' | 'as'>): string {
  return `lethe_search_form(${as === 'json' ? `${column}::text` : column})`
}

/**
 * What is read of a value: the primary key of its row and the row's owners as JSON arrays, and the value itself as JSON.
 * JSON is read as the text that PostgreSQL writes it as: as numbers of JavaScript, long ones would not come back.
 */
function mentionFields({ table, column, as, primaryKey, ownedBy }: MentionColumn): string {
  const value = as === 'json' ? `${column}::text` : column
  return `jsonb_build_array(${primaryKey.join(', ')}) as row_key, jsonb_build_array(${ownedBy.join(', ')}) as owners, to_jsonb(${value}) as value from ${table}`
}

/** The rows of the tenant ($1) that belong to none of the people ($2). A partial index needs the null test in words. */
function mentionWhere({ tenantColumn, column, nullable, ownedBy }: MentionColumn): string {
  const others = ownedBy.map((owner) => ` and (${owner} is null or ${owner} <> all ($2::uuid[]))`).join('')
  return `${tenantColumn} = $1${nullable ? ` and ${column} is not null` : ''}${others}`
}
