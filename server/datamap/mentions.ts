import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { MentionColumn } from './compile.ts'
import { compiledMap } from './compiled.ts'
import { type Identifier, isSearchable, occurrencePattern } from './identifiers.ts'
import type { Effect } from './locate.ts'
import { identifiersMentioned } from './scan-mentions.ts'

/** A value in which identifiers of some people stand, though the row belongs to something or somebody else. */
export type Mention = { column: MentionColumn; key: unknown[]; value: unknown; identifiers: Identifier[] }

/** What replaces an identifier in a text. */
export const erasedMark = '[erased]'

/** So many identifiers are looked up in the indexes at once; of more, one pass over the columns first tells which occur. */
const mostLookups = 200

/**
 * Finds every value of the map's mention columns that holds one of the identifiers as a whole word. Rows of the people
 * in `gone` are left out: they are deleted or emptied anyway.
 *
 * The lookups go through trigram and array indexes; the planner, who does not know the values, would rather read the
 * tables as a whole. The search reads as the auditor, whose rows are not separated by tenant but by the condition in each query: under row
 * level security PostgreSQL uses no trigram or array index, because the operators behind them are not leakproof.
 */
export async function findMentions(
  tx: TenantTransaction,
  identifiers: Identifier[],
  gone: string[],
): Promise<Mention[]> {
  const searchable = identifiers.filter(isSearchable)
  if (searchable.length === 0) return []
  await tx.client.query('set local role lethe_auditor')
  const wanted =
    searchable.length <= mostLookups ? searchable : await identifiersMentioned(tx, compiledMap.mentions, searchable)
  const found = new Map<string, Mention>()
  await tx.client.query('set local enable_seqscan = off')
  for (let from = 0; from < wanted.length; from += mostLookups) {
    for (const mention of await lookUpMentions(tx, wanted.slice(from, from + mostLookups), gone)) {
      const place = JSON.stringify([mention.column.table, mention.column.column, mention.key])
      const before = found.get(place)
      if (before === undefined) found.set(place, mention)
      else before.identifiers.push(...mention.identifiers)
    }
  }
  await tx.client.query('set local role lethe_app; set local enable_seqscan = on')
  return [...found.values()]
}

/** Rewrites the values without the identifiers. Answers how many rows of which table changed. */
export async function scrubMentions(tx: TenantTransaction, mentions: Mention[]): Promise<Effect[]> {
  for (const { column, key, value, identifiers } of mentions) {
    const { table, primaryKey } = column
    const where = primaryKey.map((name, index) => `${name} = $${index + 2}`).join(' and ')
    const scrubbed = scrub(column.as, value, identifiers)
    await tx.query(`update ${table} set ${column.column} = $1 where ${where}`, [
      column.as === 'json' ? JSON.stringify(scrubbed) : scrubbed,
      ...key,
    ])
  }
  return mentionEffects(mentions)
}

/** How the effect of a mention is called in previews and receipts. */
export function mentionEffects(mentions: Mention[]): Effect[] {
  return mentions.map(({ column }) => ({ table: column.table, effect: `scrubbed ${column.column}`, rows: 1 }))
}

async function lookUpMentions(tx: TenantTransaction, identifiers: Identifier[], gone: string[]): Promise<Mention[]> {
  const values = [...new Set(identifiers.map(({ value }) => value))]
  const { name, text } = compiledMap.lookUpMentions
  const { rows } = await tx.query<{ position: number; row_key: unknown[]; value: unknown }>(
    text,
    [tx.tenantId, gone, values, values.map(likePattern)],
    name,
  )
  if (rows.length === 0) return []
  const tests = identifiers.map((identifier) => ({ identifier, isIn: occurrenceTest(identifier) }))
  return rows.flatMap(({ position, row_key, value }) => {
    const column = compiledMap.mentions[position]
    if (column === undefined) return []
    const mentioned = tests.filter(({ isIn }) => isIn(column.as, value)).map(({ identifier }) => identifier)
    return mentioned.length === 0 ? [] : [{ column, key: row_key, value, identifiers: mentioned }]
  })
}

/** A pattern that no spelling of the identifier escapes (`@` may be encoded); what it finds is checked word by word afterwards. */
function likePattern(value: string): string {
  return `%${value.replace(/[\\%_]/g, '\\$&').replaceAll('@', '%')}%`
}

/** Tells whether a value holds the identifier as a whole word; a list of addresses, as one of them. */
function occurrenceTest({ value: wanted }: Identifier): (as: MentionColumn['as'], value: unknown) => boolean {
  const pattern = new RegExp(occurrencePattern(wanted), 'i')
  return (as, value) => {
    if (as === 'addresses') return Array.isArray(value) && value.includes(wanted)
    return pattern.test(as === 'json' ? JSON.stringify(value) : String(value))
  }
}

function scrub(as: MentionColumn['as'], value: unknown, identifiers: Identifier[]): unknown {
  const values = new Set(identifiers.map((identifier) => identifier.value))
  const pattern = new RegExp([...values].map(occurrencePattern).join('|'), 'gi')
  const scrubText = (text: string) => text.replace(pattern, erasedMark)
  const scrubJson = (member: unknown): unknown => {
    if (typeof member === 'string') return scrubText(member)
    // A number cannot be rewritten in part: one that is an identifier goes as a whole.
    if (typeof member === 'number') return values.has(String(member)) ? null : member
    if (Array.isArray(member)) return member.map(scrubJson)
    if (typeof member === 'object' && member !== null) {
      return Object.fromEntries(Object.entries(member).map(([name, inner]) => [scrubText(name), scrubJson(inner)]))
    }
    return member
  }
  if (as === 'addresses') return Array.isArray(value) ? value.filter((address) => !values.has(String(address))) : value
  return as === 'json' ? scrubJson(value) : scrubText(String(value))
}
