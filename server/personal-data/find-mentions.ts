import { compiledMap } from '../datamap/compiled.ts'
import type { MentionColumn, Operation } from '../datamap/plan.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { IdentifierScanner } from '../identifiers/texts/identifier-scanner.ts'
import { likePatterns } from '../identifiers/texts/like-patterns.ts'
import { copyText } from '../identifiers/texts/search-form-stream.ts'
import { isSearchable } from '../identifiers/texts/search-forms.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Effect } from './affected-rows.ts'
import { findLongerIdentifiers } from './longer-identifiers.ts'
import { prefilterIdentifiers } from './prefilter-identifiers.ts'

/** A value in which identifiers of some people stand, though the row belongs to something or somebody else. */
export type Mention = {
  column: MentionColumn
  key: unknown[]
  value: MentionValue
  /** The people whose row it is, where it is a row of people. */
  owners: string[]
  /** The identifiers that stand in it, each value once. */
  identifiers: Identifier[]
  /** Longer identifiers of people who stay: where one of these stands, the ones inside of it do not count. */
  protect: Identifier[]
}

/** A list of addresses is a list; JSON is the text that PostgreSQL writes it as. */
export type MentionValue = string | string[]

/** So many identifiers are looked up in the indexes at once; of more, one pass over the columns first tells which occur. */
const mostLookups = 200

/**
 * Finds every value of the map's mention columns that holds one of the identifiers as a whole word. What the operation
 * deletes, empties or clears with the people in `gone` is left out.
 */
export async function findMentions(
  tx: TenantTransaction,
  operation: Operation,
  identifiers: Identifier[],
  gone: string[],
): Promise<Mention[]> {
  const searchable = searchableOnce(identifiers)
  if (searchable.length === 0) return []
  const wanted = searchable.length <= mostLookups ? searchable : await scanForMentioned(tx, operation, searchable, gone)
  const found = new Map<string, Mention>()
  for (let from = 0; from < wanted.length; from += mostLookups) {
    const some = wanted.slice(from, from + mostLookups)
    const mentions = await lookUpMentions(tx, operation, some, gone)
    for (const mention of await withoutLonger(tx, mentions, gone)) {
      const place = JSON.stringify([mention.column.table, mention.column.column, mention.key])
      const before = found.get(place)
      if (before === undefined) found.set(place, mention)
      else before.identifiers.push(...mention.identifiers)
    }
  }
  return [...found.values()]
}

/** Leaves out what is a part of longer identifiers of people who stay. */
async function withoutLonger(tx: TenantTransaction, mentions: Mention[], gone: string[]): Promise<Mention[]> {
  if (mentions.length === 0) return mentions
  const mentioned = new Map(mentions.flatMap(({ identifiers }) => identifiers.map((one) => [one.value, one])))
  const protect = await findLongerIdentifiers(tx, [...mentioned.values()], gone)
  if (protect.length === 0) return mentions
  const found = identifiersIn(
    mentions.map(({ value }) => value),
    [...mentioned.values()],
    protect,
  )
  return mentions.flatMap((mention, index) => {
    const identifiers = found[index] ?? []
    return identifiers.length === 0 ? [] : [{ ...mention, identifiers, protect }]
  })
}

/** Whether so few identifiers are looked for that indexes are enough, and no COPY takes the connection. */
export function canLookUp(identifiers: Identifier[]): boolean {
  const searchable = new Set<string>()
  for (const identifier of identifiers) {
    if (isSearchable(identifier)) searchable.add(identifier.value)
    if (searchable.size > mostLookups) return false
  }
  return true
}

function searchableOnce(identifiers: Identifier[]): Identifier[] {
  return [...new Map(identifiers.filter(isSearchable).map((one) => [one.value, one])).values()]
}

async function scanForMentioned(
  tx: TenantTransaction,
  operation: Operation,
  identifiers: Identifier[],
  gone: readonly string[],
): Promise<Identifier[]> {
  await tx.query('set local role lethe_auditor')
  const mentioned = await prefilterIdentifiers(tx, compiledMap.plans[operation].mentions, identifiers, gone)
  await tx.query('set local role lethe_app')
  return mentioned
}

/** What scrubbing the mentions does, as previews and receipts say it. */
export function mentionEffects(mentions: Mention[]): Effect[] {
  return mentions.map(({ column, identifiers }) => ({ ...scrubEffect(column), rows: identifiers.length }))
}

/** What it does to a column to scrub it. */
export function scrubEffect({ table, column }: MentionColumn) {
  return { table, effect: `scrubbed ${column}` }
}

async function lookUpMentions(
  tx: TenantTransaction,
  operation: Operation,
  identifiers: Identifier[],
  gone: string[],
): Promise<Mention[]> {
  const plan = compiledMap.plans[operation]
  const { name, text } = plan.lookUpMentions
  const { rows } = await tx.queryAsAuditor<{
    position: number
    row_key: unknown[]
    owners: string[]
    value: MentionValue
  }>(text, [tx.tenantId, gone, likePatterns(identifiers)], name)
  if (rows.length === 0) return []
  const found = identifiersIn(
    rows.map(({ value }) => value),
    identifiers,
  )
  return rows.flatMap(({ position, row_key, owners, value }, row) => {
    const column = plan.mentions[position]
    const mentioned = found[row] ?? []
    return column === undefined || mentioned.length === 0
      ? []
      : [{ column, key: row_key, value, owners, identifiers: mentioned, protect: [] }]
  })
}

/** Tells which of the identifiers stand in each value as whole words. */
export function identifiersIn(
  values: MentionValue[],
  identifiers: Identifier[],
  protect: readonly Identifier[] = [],
): Identifier[][] {
  const found: Identifier[][] = values.map(() => [])
  const scanner = new IdentifierScanner(
    identifiers,
    ({ identifier, row }) => {
      const one = identifiers[identifier]
      if (one !== undefined) found[row]?.push(one)
    },
    { protect, slice: 4096 },
  )
  for (const value of values) {
    // A line feed ends a word, as the end of an entry does.
    scanner.write(Buffer.from(`${copyText(typeof value === 'string' ? value : value.join('\n'))}\n`))
  }
  scanner.end()
  return found
}
