import type { MentionColumn, Operation } from '../datamap/plan.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { scrubAddresses, scrubJson, scrubText } from '../identifiers/texts/scrub-value.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { type Done, type FindAlsoErased, receiptOf } from './actions.ts'
import type { Effect } from './affected-rows.ts'
import { findMentions, identifiersIn, type Mention, type MentionValue, scrubEffect } from './find-mentions.ts'

export type ScrubOptions = {
  operation: Operation
  people: string[]
  identifiers: Identifier[]
  /** Values of identifiers that other living users hold too: they stay where they stand. May still be under way. */
  heldByOthers: Promise<Set<string>>
  findAlsoErased: FindAlsoErased
  /** What `findMentions` has found for the same people in this transaction, before it looked at anything else. */
  known?: readonly Mention[] | undefined
}

/**
 * Takes the identifiers of erased people out of the mention columns of the map, in the transaction given, and looks for
 * them once more. Returns what was done, and the mentions that are left. Of many identifiers it reads the tables, which
 * needs the connection to itself; see `canLookUp`.
 */
export async function scrubMentions(
  tx: TenantTransaction,
  options: ScrubOptions,
): Promise<{ effects: Effect[]; left: Mention[] }> {
  const { operation, people, identifiers, heldByOthers } = options
  // A purge deletes these people's rows. An anonymization keeps rows of theirs, which are scrubbed like all others.
  const gone = operation === 'purge' ? people : []
  const found = options.known ?? (await findMentions(tx, operation, identifiers, gone))
  const held = await heldByOthers
  const own = found.flatMap((mention) => {
    const theirs = mention.identifiers.filter(({ value }) => !held.has(value))
    return theirs.length === 0 ? [] : [{ ...mention, identifiers: theirs }]
  })
  // The search has found nothing, so nothing is left either.
  if (own.length === 0) return { effects: [], left: [] }
  const done = await rewriteMentions(tx, own)
  const scrubbed = [...new Set(own.flatMap((mention) => mention.identifiers))]
  const left = await findMentions(tx, operation, scrubbed, gone)
  return { effects: await receiptOf(done, options.findAlsoErased), left }
}

/**
 * Rewrites the values without the identifiers, and nothing else in them. A value that another transaction changed since
 * it was found is read again, so that no change is lost. Returns what was done, with the owners of each row.
 */
async function rewriteMentions(tx: TenantTransaction, mentions: Mention[]): Promise<Done[]> {
  const done: Done[] = []
  for (const mention of mentions) {
    const { column, key, owners, protect } = mention
    const { table, column: name, primaryKey } = column
    const where = primaryKey.map((part, index) => `${part} = $${index + 1}`).join(' and ')
    const [to, from] = [`$${primaryKey.length + 1}`, `$${primaryKey.length + 2}`]
    let scrubbed = mention.identifiers
    const { rowCount } = await tx.query(
      `update ${table} set ${name} = ${to} where ${where} and ${name} = ${from}`,
      [...key, withoutIdentifiers(column.as, mention.value, scrubbed, protect), mention.value],
      `scrub ${table} ${name}`,
    )
    if (rowCount === 0) {
      const { rows } = await tx.query<{ value: MentionValue | null }>(
        `select ${column.as === 'json' ? `${name}::text` : name} as value from ${table} where ${where} for update`,
        key,
      )
      const value = rows[0]?.value ?? ''
      scrubbed = identifiersIn([value], mention.identifiers, protect)[0] ?? []
      if (scrubbed.length === 0) continue
      await tx.query(`update ${table} set ${name} = ${to} where ${where}`, [
        ...key,
        withoutIdentifiers(column.as, value, scrubbed, protect),
      ])
    }
    done.push({ effect: { ...scrubEffect(column), rows: scrubbed.length }, owners })
  }
  return done
}

function withoutIdentifiers(
  as: MentionColumn['as'],
  value: MentionValue,
  identifiers: readonly Identifier[],
  protect: readonly Identifier[],
): MentionValue {
  if (typeof value !== 'string') return scrubAddresses(value, identifiers, protect)
  return as === 'json' ? scrubJson(value, identifiers, protect) : scrubText(value, identifiers, protect)
}
