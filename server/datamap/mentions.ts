import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { MentionColumn } from './compile.ts'
import { compiledMap } from './compiled.ts'
import { type Identifier, isSearchable, occurrencePattern } from './identifiers.ts'
import type { Effect } from './locate.ts'
import { scanMentions } from './scan-mentions.ts'

/** A value in which identifiers of some people stand, though the row belongs to something or somebody else. */
export type Mention = { column: MentionColumn; key: unknown[]; value: unknown }

/** What replaces an identifier in a text. */
export const erasedMark = '[erased]'

/** Up to this many identifiers each one is looked up in the indexes; beyond, one pass over the columns is cheaper. */
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
  await tx.client.query('set local role lethe_auditor; set local enable_seqscan = off')
  const found =
    searchable.length <= mostLookups
      ? await lookUpMentions(tx, searchable, gone)
      : await scanMentions(tx, compiledMap.mentions, searchable, gone)
  await tx.client.query('set local role lethe_app; set local enable_seqscan = on')
  return found
}

/** Rewrites the values without the identifiers. Answers how many rows of which table changed. */
export async function scrubMentions(
  tx: TenantTransaction,
  mentions: Mention[],
  identifiers: Identifier[],
): Promise<Effect[]> {
  const effects: Effect[] = []
  const scrub = scrubber(identifiers)
  for (const { column, key, value } of mentions) {
    const { table, primaryKey } = column
    const where = primaryKey.map((name, index) => `${name} = $${index + 2}`).join(' and ')
    const scrubbed = scrub(column.as, value)
    await tx.query(`update ${table} set ${column.column} = $1 where ${where}`, [
      column.as === 'json' ? JSON.stringify(scrubbed) : scrubbed,
      ...key,
    ])
    effects.push({ table, effect: `scrubbed ${column.column}`, rows: 1 })
  }
  return effects
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
  const holds = holdsOneOf(identifiers)
  return rows.flatMap(({ position, row_key, value }) => {
    const column = compiledMap.mentions[position]
    return column !== undefined && holds(column.as, value) ? [{ column, key: row_key, value }] : []
  })
}

/** A pattern that no spelling of the identifier escapes (`@` may be encoded); what it finds is checked word by word afterwards. */
function likePattern(value: string): string {
  return `%${value.replace(/[\\%_]/g, '\\$&').replaceAll('@', '%')}%`
}

/** Tells whether a value holds one of the identifiers as a whole word. */
function holdsOneOf(identifiers: Identifier[]): (as: MentionColumn['as'], value: unknown) => boolean {
  const values = new Set(identifiers.map(({ value }) => value))
  const pattern = new RegExp(patternOf(identifiers), 'i')
  return (as, value) => {
    if (as === 'addresses') return Array.isArray(value) && value.some((address) => values.has(String(address)))
    return pattern.test(as === 'json' ? JSON.stringify(value) : String(value))
  }
}

function scrubber(identifiers: Identifier[]): (as: MentionColumn['as'], value: unknown) => unknown {
  const values = new Set(identifiers.filter(isSearchable).map(({ value }) => value))
  const pattern = new RegExp(patternOf(identifiers.filter(isSearchable)), 'gi')
  const scrubText = (text: string) => text.replace(pattern, erasedMark)
  const scrubJson = (value: unknown): unknown => {
    if (typeof value === 'string') return scrubText(value)
    // A number cannot be rewritten in part: one that is an identifier goes as a whole.
    if (typeof value === 'number') return values.has(String(value)) ? null : value
    if (Array.isArray(value)) return value.map(scrubJson)
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [scrubText(name), scrubJson(member)]))
    }
    return value
  }
  return (as, value) => {
    if (as === 'addresses')
      return Array.isArray(value) ? value.filter((address) => !values.has(String(address))) : value
    return as === 'json' ? scrubJson(value) : scrubText(String(value))
  }
}

function patternOf(identifiers: Identifier[]): string {
  return identifiers.map(({ value }) => occurrencePattern(value)).join('|')
}
