import type { MentionColumn } from './compile.ts'

/**
 * One statement over all mention columns: arrays by element, texts and JSON by trigram.
 * Answers rows of (position, row_key, value); the position is the column's place in the list.
 * Parameters: tenant, ids of the people whose rows are left out, values, patterns.
 */
export function mentionLookUp(columns: MentionColumn[]): string {
  return columns
    .map((mention, position) => {
      const { table, column, as } = mention
      const match =
        as === 'addresses'
          ? `${column} && $3::text[]`
          : `${as === 'json' ? `(${column}::text)` : column} ilike any ($4::text[])`
      return `select ${position} as position, ${rowKey(mention)} as row_key, to_jsonb(${column}) as value from ${table} where ${mentionWhere(mention)} and ${match}`
    })
    .join('\nunion all\n')
}

/** The primary key of a row as a JSON array, in the order of the key's columns. */
export function rowKey({ primaryKey }: MentionColumn): string {
  return `jsonb_build_array(${primaryKey.join(', ')})`
}

/** The rows of the tenant ($1) that belong to none of the people ($2). A partial index needs the null test in words. */
export function mentionWhere({ tenantColumn, column, nullable, ownedBy }: MentionColumn): string {
  const others = ownedBy.map((owner) => ` and (${owner} is null or ${owner} <> all ($2::uuid[]))`).join('')
  return `${tenantColumn} = $1${nullable ? ` and ${column} is not null` : ''}${others}`
}
