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

export type ErasureOptions = {
  people: string[]
  identifiers: Identifier[]
  /** Names who takes over what passes to somebody else; asked only when there is such a thing. */
  findHeir: () => Promise<string | undefined>
  /**
   * Which of these people the same order erases too. What stands in their rows is dealt with all the same, but not
   * counted: those rows go, now or later, and the receipt must not depend on who comes first.
   */
  findAlsoErased: (people: string[]) => Promise<Set<string>>
  /** Called with what there is about the people, before any of it is touched. */
  onLocated: (located: Located[]) => Promise<void>
}

/**
 * Erases people by the data map, in the transaction given: deletes what is about them, takes them out of what they did,
 * scrubs their identifiers wherever they are mentioned, and deletes their own rows last. The caller has locked the
 * people, so that nothing about them can be added meanwhile, and leaves out identifiers that somebody else holds too.
 */
export async function erase(tx: TenantTransaction, options: ErasureOptions): Promise<Erased> {
  const { people, identifiers } = options
  const located = await locate(tx, people)
  await options.onLocated(located)
  const touched = new Set(located.map(({ table, effect }) => `${table} ${effect}`))
  const done: { effect: Effect; owners: string[] }[] = []
  let heir: string | undefined
  let heirKnown = false
  for (const { table, effect, statements } of compiledMap.acts) {
    if (!touched.has(`${table} ${effect}`)) continue
    if (!heirKnown && statements.some(({ needsHeir }) => needsHeir)) {
      heir = await options.findHeir()
      heirKnown = true
    }
    let last: { rows: { owners?: string[] }[]; rowCount: number } = { rows: [], rowCount: 0 }
    for (const { name, text, needsHeir, onlyWithHeir } of statements) {
      if (onlyWithHeir && heir === undefined) continue
      const values = needsHeir ? [tx.tenantId, people, heir ?? null] : [tx.tenantId, people]
      last = await tx.query(text, values, name)
    }
    for (const { owners } of last.rows) done.push({ effect: { table, effect, rows: 1 }, owners: owners ?? [] })
    done.push({ effect: { table, effect, rows: last.rowCount - last.rows.length }, owners: [] })
  }
  done.push(...(await scrubMentions(tx, await findMentions(tx, identifiers, people))))
  const owners = new Set(done.flatMap((one) => one.owners))
  const alsoErased = owners.size === 0 ? owners : await options.findAlsoErased([...owners])
  const counted = done.filter((one) => !one.owners.some((owner) => alsoErased.has(owner)))
  return { effects: sumEffects(counted.map(({ effect }) => effect)).filter(({ rows }) => rows > 0), located }
}
