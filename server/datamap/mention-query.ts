import type { MentionColumn } from './compile.ts'

/**
 * One statement over all mention columns, each through the trigram index on its search form.
 * Answers rows of (position, row_key, owners, value); the position is the column's place in the list. Of columns that share
 * an index it answers all values of a row where one of them may be it.
 * Parameters: tenant, ids of the people whose rows are left out, patterns of search forms.
 */
export function mentionLookUp(columns: MentionColumn[]): string {
  const indexed = Map.groupBy(columns.entries(), ([, { table, searched }]) => `${table} ${searched}`)
  return [...indexed.values()].map(lookUp).join('\nunion all\n')
}

function lookUp(columns: [position: number, column: MentionColumn][]): string {
  const [[position, mention] = [], ...others] = columns
  if (mention === undefined || position === undefined) throw new Error('no column shares this index')
  const { table, tenantColumn, column, nullable, primaryKey, ownedBy, searched } = mention
  const shared = others.length > 0
  const values = columns.map(([place, one]) => `(${place}, ${one.column})`).join(', ')
  const from = shared ? `${table} cross join lateral (values ${values}) given (position, value)` : table
  const taken = shared ? 'given.position' : `${position}`
  const value = shared ? 'given.value' : asText(mention)
  // A partial index needs the null test in words.
  const present = shared ? ' and given.value is not null' : nullable ? ` and ${column} is not null` : ''
  const ofOthers = ownedBy.map((owner) => ` and (${owner} is null or ${owner} <> all ($2::uuid[]))`).join('')
  return (
    `select ${taken} as position, jsonb_build_array(${primaryKey.join(', ')}) as row_key, ` +
    `jsonb_build_array(${ownedBy.join(', ')}) as owners, to_jsonb(${value}) as value from ${from} ` +
    `where ${tenantColumn} = $1${present}${ofOthers} and ${searched} like any ($3::text[])`
  )
}

/** JSON is read as the text that PostgreSQL writes it as: as numbers of JavaScript, long ones would not come back. */
function asText({ column, as }: MentionColumn): string {
  return as === 'json' ? `${column}::text` : column
}
