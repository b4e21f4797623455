import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Act } from './compile.ts'
import { compiledMap } from './compiled.ts'
import type { Identifier } from './identifiers.ts'
import { type Effect, type Located, locate, sumEffects } from './locate.ts'
import { canLookUp, findMentions, scrubMentions } from './mentions.ts'

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
  const acts = compiledMap.acts.filter(({ table, effect }) => touched.has(`${table} ${effect}`))
  const heir = acts.some(({ statements }) => statements.some(({ needsHeir }) => needsHeir))
    ? await options.findHeir()
    : undefined
  const done: { effect: Effect; owners: string[] }[] = []
  // All of it is sent at once. The mentions are looked for among what the acts leave.
  const few = canLookUp(identifiers)
  const performed = Promise.all(acts.map((act) => perform(tx, act, people, heir)))
  if (!few) await performed
  const [parts, mentions] = await Promise.all([performed, findMentions(tx, identifiers, people)])
  done.push(...parts.flat(), ...(await scrubMentions(tx, mentions)))
  const owners = new Set(done.flatMap((one) => one.owners))
  const alsoErased = owners.size === 0 ? owners : await options.findAlsoErased([...owners])
  const counted = done.filter((one) => !one.owners.some((owner) => alsoErased.has(owner)))
  return { effects: sumEffects(counted.map(({ effect }) => effect)).filter(({ rows }) => rows > 0), located }
}

/** Performs one act. Where its rows tell whose they are, each one is answered by itself. */
async function perform(
  tx: TenantTransaction,
  { table, effect, statements }: Act,
  people: string[],
  heir: string | undefined,
): Promise<{ effect: Effect; owners: string[] }[]> {
  const results = await Promise.all(
    statements
      .filter(({ onlyWithHeir }) => !onlyWithHeir || heir !== undefined)
      .map(({ name, text, needsHeir }) =>
        tx.query<{ owners?: string[] }>(
          text,
          needsHeir ? [tx.tenantId, people, heir ?? null] : [tx.tenantId, people],
          name,
        ),
      ),
  )
  const { rows, rowCount } = results.at(-1) ?? { rows: [], rowCount: 0 }
  return [
    ...rows.map(({ owners = [] }) => ({ effect: { table, effect, rows: 1 }, owners })),
    { effect: { table, effect, rows: rowCount - rows.length }, owners: [] },
  ]
}
