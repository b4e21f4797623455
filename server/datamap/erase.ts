import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Act, Operation } from './compile.ts'
import { compiledMap } from './compiled.ts'
import type { Identifier } from './identifiers.ts'
import { type Effect, type Located, sumEffects } from './locate.ts'
import { canLookUp, findMentions, scrubMentions } from './mentions.ts'

export type ErasureOptions = {
  operation: Operation
  people: string[]
  identifiers: Identifier[]
  /** Names who takes over what passes to somebody else; asked only when there is such a thing. */
  findHeir: () => Promise<string | undefined>
  /**
   * Which of these people the same order erases too. What stands in their rows is dealt with all the same, but not
   * counted: those rows go, now or later, and the receipt must not depend on who comes first.
   */
  findAlsoErased: (people: string[]) => Promise<Set<string>>
  /** What there is about the people, counted after they were locked. */
  located: Located[]
}

/**
 * Erases people by the data map, in the transaction given: deletes what is about them, takes them out of what they did,
 * scrubs their identifiers wherever they are mentioned, and deletes their own rows last; or, to anonymize them, does so
 * with what names or describes them and keeps the rest. The caller has locked the people, so that nothing about them can
 * be added meanwhile, and leaves out identifiers that somebody else holds too. Answers what was done to which table, in
 * rows as the database counted them.
 */
export async function erase(tx: TenantTransaction, options: ErasureOptions): Promise<Effect[]> {
  const { operation, people, identifiers, located } = options
  const touched = new Set(located.map(({ table, effect }) => `${table} ${effect}`))
  const acts = compiledMap.plans[operation].acts.filter(({ table, effect }) => touched.has(`${table} ${effect}`))
  const heir = acts.some(({ statements }) => statements.some(({ needsHeir }) => needsHeir))
    ? await options.findHeir()
    : undefined
  const done: { effect: Effect; owners: string[] }[] = []
  // All of it is sent at once. The mentions are looked for among what the acts leave.
  const few = canLookUp(identifiers)
  const performed = Promise.all(acts.map((act) => perform(tx, act, people, heir)))
  if (!few) await performed
  const gone = goneWith(operation, people)
  const [parts, mentions] = await Promise.all([performed, findMentions(tx, operation, identifiers, gone)])
  done.push(...parts.flat(), ...(await scrubMentions(tx, mentions)))
  const owners = new Set(done.flatMap((one) => one.owners))
  const alsoErased = owners.size === 0 ? owners : await options.findAlsoErased([...owners])
  const counted = done.filter((one) => !one.owners.some((owner) => alsoErased.has(owner)))
  return sumEffects(counted.map(({ effect }) => effect)).filter(({ rows }) => rows > 0)
}

/**
 * Whose rows need not be searched for mentions once the acts are done. Whoever is anonymized keeps rows, and what is left
 * in those is scrubbed too.
 */
export function goneWith(operation: Operation, people: string[]): string[] {
  return operation === 'purge' ? people : []
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
