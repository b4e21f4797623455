import type { TenantTransaction } from '../platform/database/transaction.ts'
import { compiledMap } from './compiled.ts'
import type { Identifier } from './identifiers.ts'
import { type Effect, type Located, locate, sumEffects } from './locate.ts'
import { findMentions, scrubMentions } from './mentions.ts'

export type Erased = {
  /** What was done to which table; rows as the database counted them. */
  effects: Effect[]
  /** What there was about whom, counted before. */
  located: Located[]
}

/**
 * Erases people by the data map, in the transaction given: deletes what is about them, takes them out of what they did,
 * scrubs their identifiers wherever they are mentioned, and deletes their own rows last. The caller has locked the
 * people, so that nothing about them can be added meanwhile, and leaves out identifiers that somebody else holds too.
 *
 * `findHeir` names who takes over what passes to somebody else; it is asked only when there is such a thing.
 */
export async function erase(
  tx: TenantTransaction,
  options: { people: string[]; identifiers: Identifier[]; findHeir: () => Promise<string | undefined> },
): Promise<Erased> {
  const { people, identifiers } = options
  const located = await locate(tx, people)
  const touched = new Set(located.map(({ table, effect }) => `${table} ${effect}`))
  const effects: Effect[] = []
  let heir: string | undefined
  let heirKnown = false
  for (const { table, effect, statements } of compiledMap.acts) {
    if (!touched.has(`${table} ${effect}`)) continue
    if (!heirKnown && statements.some(({ needsHeir }) => needsHeir)) {
      heir = await options.findHeir()
      heirKnown = true
    }
    let rows = 0
    for (const { name, text, needsHeir, onlyWithHeir } of statements) {
      if (onlyWithHeir && heir === undefined) continue
      const values = needsHeir ? [tx.tenantId, people, heir ?? null] : [tx.tenantId, people]
      rows = (await tx.query(text, values, name)).rowCount
    }
    effects.push({ table, effect, rows })
  }
  const mentions = await findMentions(tx, identifiers, people)
  effects.push(...(await scrubMentions(tx, mentions)))
  return { effects: sumEffects(effects), located }
}
