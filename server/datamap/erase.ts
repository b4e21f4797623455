import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Act, Operation } from './compile.ts'
import { compiledMap } from './compiled.ts'
import type { Identifier } from './identifiers.ts'
import { type Effect, type Located, locate, sumEffects } from './locate.ts'
import { canLookUp, findMentions, type Mention, scrubMentions } from './mentions.ts'

export type ErasureOptions = {
  operation: Operation
  people: string[]
  identifiers: Identifier[]
  /** Values of identifiers that somebody else holds too: they stay where they stand. May still be under way. */
  shared: Promise<Set<string>>
  /** Names who takes over what passes to somebody else; asked only when there is such a thing. */
  findHeir: () => Promise<string | undefined>
  /**
   * Which of these people the same order erases too. What stands in their rows is dealt with all the same, but not
   * counted: those rows go, now or later, and the receipt must not depend on who comes first.
   */
  findAlsoErased: (people: string[]) => Promise<Set<string>>
  /** What there is about the people, counted after they were locked. */
  located: Located[]
  /** Whether to look, in the same transaction, for what is left. */
  verify: boolean
}

/** What an erasure did to which table, and what it left, where that was asked for. */
export type Erased = { effects: Effect[]; left: { located: Located[]; mentions: Mention[] } | undefined }

/**
 * Erases people by the data map, in the transaction given: deletes what is about them, takes them out of what they did,
 * scrubs their identifiers wherever they are mentioned, and deletes their own rows last; or, to anonymize them, does so
 * with what names or describes them and keeps the rest. The caller has locked the people, so that nothing about them can
 * be added meanwhile. Answers what was done to which table, in rows as the database counted them.
 */
export async function erase(tx: TenantTransaction, options: ErasureOptions): Promise<Erased> {
  const { operation, people, identifiers, located } = options
  const touched = new Set(located.map(({ table, effect }) => `${table} ${effect}`))
  const acts = compiledMap.plans[operation].acts.filter(({ table, effect }) => touched.has(`${table} ${effect}`))
  const heir = acts.some(({ statements }) => statements.some(({ needsHeir }) => needsHeir))
    ? await options.findHeir()
    : undefined
  const gone = goneWith(operation, people)
  // All of it is sent at once. The mentions are looked for among what the acts leave.
  const performed = Promise.all(acts.map((act) => perform(tx, act, people, heir)))
  if (!canLookUp(identifiers)) await performed
  const [parts, found, left, shared] = await Promise.all([
    performed,
    findMentions(tx, operation, identifiers, gone),
    options.verify ? locate(tx, operation, people) : [],
    options.shared,
  ])
  const mentions = found.flatMap((mention) => {
    const own = mention.identifiers.filter(({ value }) => !shared.has(value))
    return own.length === 0 ? [] : [{ ...mention, identifiers: own }]
  })
  const done = [...parts.flat(), ...(await scrubMentions(tx, mentions))]
  const owners = new Set(done.flatMap((one) => one.owners))
  const alsoErased = owners.size === 0 ? owners : await options.findAlsoErased([...owners])
  const counted = done.filter((one) => !one.owners.some((owner) => alsoErased.has(owner)))
  const effects = sumEffects(counted.map(({ effect }) => effect)).filter(({ rows }) => rows > 0)
  if (!options.verify) return { effects, left: undefined }
  const own = identifiers.filter(({ value }) => !shared.has(value))
  // Where nothing was found there was nothing to scrub, and the search has said already that nothing is left.
  const again = mentions.length === 0 ? [] : await findMentions(tx, operation, own, gone)
  return { effects, left: { located: left, mentions: again } }
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
