import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'
import type { MentionColumn, Operation } from './compile.ts'
import { compiledMap } from './compiled.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import { type Identifier, isSearchable, occurrencePattern } from './identifiers.ts'
import type { Effect } from './locate.ts'
import { identifiersMentioned } from './scan-mentions.ts'

/** A value in which identifiers of some people stand, though the row belongs to something or somebody else. */
export type Mention = {
  column: MentionColumn
  key: unknown[]
  value: MentionValue
  /** The people whose row it is, where it is a row of people. */
  owners: string[]
  /** The identifiers that stand in it, each value once. */
  identifiers: Identifier[]
}

/** A list of addresses is a list; JSON is the text that PostgreSQL writes it as. */
export type MentionValue = string | string[]

/** What replaces an identifier in a text. */
export const erasedMark = '[erased]'

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
  const wanted = searchable.length <= mostLookups ? searchable : await scanForMentioned(tx, operation, searchable)
  const found = new Map<string, Mention>()
  for (let from = 0; from < wanted.length; from += mostLookups) {
    const some = wanted.slice(from, from + mostLookups)
    for (const mention of await lookUpMentions(tx, operation, some, gone)) {
      const place = JSON.stringify([mention.column.table, mention.column.column, mention.key])
      const before = found.get(place)
      if (before === undefined) found.set(place, mention)
      else before.identifiers.push(...mention.identifiers)
    }
  }
  return [...found.values()]
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
): Promise<Identifier[]> {
  await tx.query('set local role lethe_auditor')
  const mentioned = await identifiersMentioned(tx, compiledMap.plans[operation].mentions, identifiers)
  await tx.query('set local role lethe_app')
  return mentioned
}

/**
 * Rewrites the values without the identifiers, and nothing else in them. A value that somebody changed since it was found
 * is read again, so that no change of anybody else is lost. Answers what was done, with the owners of each row.
 */
export async function scrubMentions(
  tx: TenantTransaction,
  mentions: Mention[],
): Promise<{ effect: Effect; owners: string[] }[]> {
  const done: { effect: Effect; owners: string[] }[] = []
  for (const mention of mentions) {
    const { column, key, owners } = mention
    const { table, column: name, primaryKey } = column
    const where = primaryKey.map((part, index) => `${part} = $${index + 1}`).join(' and ')
    const [to, from] = [`$${primaryKey.length + 1}`, `$${primaryKey.length + 2}`]
    let scrubbed = mention.identifiers
    const { rowCount } = await tx.query(
      `update ${table} set ${name} = ${to} where ${where} and ${name} = ${from}`,
      [...key, scrub(column.as, mention.value, scrubbed), mention.value],
      `scrub ${table} ${name}`,
    )
    if (rowCount === 0) {
      const { rows } = await tx.query<{ value: MentionValue | null }>(
        `select ${column.as === 'json' ? `${name}::text` : name} as value from ${table} where ${where} for update`,
        key,
      )
      const value = rows[0]?.value ?? ''
      scrubbed = identifiersIn([value], mention.identifiers)[0] ?? []
      if (scrubbed.length === 0) continue
      await tx.query(`update ${table} set ${name} = ${to} where ${where}`, [...key, scrub(column.as, value, scrubbed)])
    }
    done.push({ effect: { ...effectOf(column), rows: scrubbed.length }, owners })
  }
  return done
}

/** What scrubbing the mentions does, as previews and receipts say it. */
export function mentionEffects(mentions: Mention[]): Effect[] {
  return mentions.map(({ column, identifiers }) => ({ ...effectOf(column), rows: identifiers.length }))
}

function effectOf({ table, column }: MentionColumn) {
  return { table, effect: `scrubbed ${column}` }
}

async function lookUpMentions(
  tx: TenantTransaction,
  operation: Operation,
  identifiers: Identifier[],
  gone: string[],
): Promise<Mention[]> {
  const plan = compiledMap.plans[operation]
  const values = identifiers.map(({ value }) => value)
  const { name, text } = plan.lookUpMentions
  const { rows } = await tx.queryAsAuditor<{
    position: number
    row_key: unknown[]
    owners: string[]
    value: MentionValue
  }>(text, [tx.tenantId, gone, values, widest(values.map(likePattern))], name)
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
      : [{ column, key: row_key, value, owners, identifiers: mentioned }]
  })
}

/** A name of an address that is at least so long is looked for without its domain. */
const tellingName = 8

/**
 * A pattern that no spelling of the identifier escapes; what it finds is checked word by word afterwards. Only letters,
 * digits and `-._~` of ASCII are written in one way: everything else may be percent-encoded, escaped in JSON, composed or
 * decomposed, or have an upper case that the database's locale does not know. Every three letters of a pattern are one
 * more look into each index, so it has no more of them than tell somebody apart: the end of a UUID, and the name of an
 * address, whose domain a whole tenant shares.
 */
function likePattern(value: string): string {
  if (isUuid(value)) return `%${value.slice(-8)}%`
  const name = value.slice(0, Math.max(0, value.lastIndexOf('@')))
  const telling = name.length >= tellingName && /^[a-z0-9._~-]+$/.test(name) ? name : value
  return `%${telling.replace(/[^a-z0-9._~-]+/g, '%').replaceAll('_', '\\_')}%`
}

/**
 * Leaves out patterns that another one finds too: a login name often ends in the e-mail address, and whatever holds the
 * one holds the other.
 */
function widest(patterns: string[]): string[] {
  return patterns.filter((pattern) => !patterns.some((other) => other !== pattern && pattern.includes(other)))
}

/** Tells which of the identifiers stand in each value as whole words; in a list of addresses, as one of them. */
function identifiersIn(values: MentionValue[], identifiers: Identifier[]): Identifier[][] {
  const found: Identifier[][] = values.map(() => [])
  const byValue = new Map(identifiers.map((identifier) => [identifier.value, identifier]))
  const scanner = new IdentifierScanner(identifiers, ({ identifier, row }) => {
    const one = identifiers[identifier]
    if (one !== undefined) found[row]?.push(one)
  })
  values.forEach((value, row) => {
    if (typeof value !== 'string') found[row] = [...new Set(value)].flatMap((address) => byValue.get(address) ?? [])
    scanner.write(Buffer.from(typeof value === 'string' ? copyText(value) : '\n'))
  })
  scanner.end()
  return found
}

/** One value as a row of COPY's text format. */
function copyText(value: string): string {
  return `${value.replace(/[\\\n\r\t]/g, (character) => copyEscapes[character] ?? character)}\n`
}

const copyEscapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function scrub(as: MentionColumn['as'], value: MentionValue, identifiers: Identifier[]): MentionValue {
  const values = identifiers.map((identifier) => identifier.value)
  if (typeof value !== 'string') return value.filter((address) => !values.includes(address))
  // Of two identifiers that begin alike the longer one counts.
  const pattern = values.sort((a, b) => b.length - a.length).map(occurrencePattern)
  const scrubText = (text: string) => text.replace(new RegExp(pattern.join('|'), 'gi'), erasedMark)
  return as === 'json' ? scrubJson(value, scrubText) : scrubText(value)
}

const jsonStringsAndNumbers = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/** Rewrites strings and names where they stand; every other byte of the JSON stays as it is. */
function scrubJson(json: string, scrubText: (text: string) => string): string {
  return json.replace(jsonStringsAndNumbers, (token) => {
    const plain = token.startsWith('"') ? String(JSON.parse(token)) : token
    const scrubbed = scrubText(plain)
    if (scrubbed === plain) return token
    // A number cannot be rewritten in part: one that is an identifier goes as a whole.
    return token.startsWith('"') ? JSON.stringify(scrubbed) : 'null'
  })
}
