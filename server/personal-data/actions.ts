import type { Act, Operation } from '../datamap/compile.ts'
import { compiledMap } from '../datamap/compiled.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { type Effect, type Located, locate, sumEffects } from './affected-rows.ts'
import { findMentions, type Mention, scrubMentions } from './mentions.ts'

export type ErasureOptions = {
  operation: Operation
  people: string[]
  /** Names who takes over what passes to somebody else; asked only when there is such a thing. */
  findSuccessor: () => Promise<string | undefined>
  /**
   * Which of these people the same order erases too. What stands in their rows is dealt with all the same, but not
   * counted: those rows go, now or later, and the receipt must not depend on who comes first.
   */
  findAlsoErased: (people: string[]) => Promise<Set<string>>
  /** What there is about the people, counted after they were locked. */
  located: Located[]
}

/** What to do to one table about some people. */
export type PreparedAct = (tx: TenantTransaction) => Promise<Done[]>

export type ScrubOptions = Pick<ErasureOptions, 'operation' | 'people' | 'findAlsoErased'> & {
  identifiers: Identifier[]
  /** Values of identifiers that somebody else holds too: they stay where they stand. May still be under way. */
  shared: Promise<Set<string>>
}

/**
 * Erases people by the data map, in the given transaction: deletes rows about them, removes them from rows of other
 * objects, and deletes their own rows last. To anonymize people, it clears what names or describes them, and keeps the
 * rest. Then counts again by the same map. The caller has locked the people, so that nothing can be added meanwhile,
 * and calls {@link scrub} too. Returns the effects per table, in rows as counted by the database, and what is left.
 * Everything is sent immediately, before the caller's next statement.
 */
export async function erase(
  tx: TenantTransaction,
  acts: PreparedAct[],
  options: Pick<ErasureOptions, 'operation' | 'people' | 'findAlsoErased'>,
): Promise<{ effects: Effect[]; left: Located[] }> {
  const [parts, left] = await Promise.all([
    Promise.all(acts.map((act) => act(tx))),
    locate(tx, options.operation, options.people),
  ])
  return { effects: await count(parts.flat(), options), left }
}

/**
 * Takes the identifiers of people who are erased out of whatever else mentions them, in the transaction given, and looks
 * once more. Answers what was done, and the mentions that are left. Of many identifiers it reads the tables, which needs
 * the connection to itself; see {@link canLookUp}.
 */
export async function scrub(
  tx: TenantTransaction,
  options: ScrubOptions,
): Promise<{ effects: Effect[]; left: Mention[] }> {
  const found = await findMentions(tx, options.operation, options.identifiers, goneWith(options))
  const { done, mentions } = await scrubFound(tx, found, options)
  return { effects: await count(done, options), left: mentions }
}

/** What was done, with the owners of the rows it was done to. */
type Done = { effect: Effect; owners: string[] }

/** The acts of the map for which there are rows, for {@link erase}. */
export async function prepareActs({
  operation,
  people,
  located,
  findSuccessor,
}: Pick<ErasureOptions, 'operation' | 'people' | 'located' | 'findSuccessor'>): Promise<PreparedAct[]> {
  const touched = new Set(located.map(({ table, effect }) => `${table} ${effect}`))
  const acts = compiledMap.plans[operation].acts.filter(({ table, effect }) => touched.has(`${table} ${effect}`))
  const successor = acts.some(({ statements }) => statements.some(({ needsSuccessor }) => needsSuccessor))
    ? await findSuccessor()
    : undefined
  return acts.map((act) => (tx: TenantTransaction) => perform(tx, act, people, successor))
}

async function scrubFound(
  tx: TenantTransaction,
  found: Mention[],
  options: ScrubOptions,
): Promise<{ done: Done[]; mentions: Mention[] }> {
  const shared = await options.shared
  const own = found.flatMap((mention) => {
    const identifiers = mention.identifiers.filter(({ value }) => !shared.has(value))
    return identifiers.length === 0 ? [] : [{ ...mention, identifiers }]
  })
  // Where nothing was found there is nothing to scrub, and the search has said already that nothing is left.
  if (own.length === 0) return { done: [], mentions: [] }
  const done = await scrubMentions(tx, own)
  const scrubbed = [...new Set(own.flatMap(({ identifiers }) => identifiers))]
  return { done, mentions: await findMentions(tx, options.operation, scrubbed, goneWith(options)) }
}

async function count(done: Done[], { findAlsoErased }: Pick<ErasureOptions, 'findAlsoErased'>): Promise<Effect[]> {
  const owners = new Set(done.flatMap((one) => one.owners))
  const alsoErased = owners.size === 0 ? owners : await findAlsoErased([...owners])
  const counted = done.filter((one) => !one.owners.some((owner) => alsoErased.has(owner)))
  return sumEffects(counted.map(({ effect }) => effect)).filter(({ rows }) => rows > 0)
}

/**
 * Whose rows need not be searched for mentions once the acts are done. Whoever is anonymized keeps rows, and what is left
 * in those is scrubbed too.
 */
function goneWith({ operation, people }: { operation: Operation; people: string[] }): string[] {
  return operation === 'purge' ? people : []
}

/** Performs one act. Where its rows tell whose they are, each one is answered by itself. */
async function perform(
  tx: TenantTransaction,
  { table, effect, statements }: Act,
  people: string[],
  successor: string | undefined,
): Promise<Done[]> {
  const results = await Promise.all(
    statements
      .filter(({ onlyWithSuccessor }) => !onlyWithSuccessor || successor !== undefined)
      .map(({ name, text, needsSuccessor }) =>
        tx.query<{ owners?: string[] }>(
          text,
          needsSuccessor ? [tx.tenantId, people, successor ?? null] : [tx.tenantId, people],
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
