import { compiledMap } from '../datamap/compiled.ts'
import type { Act, Operation } from '../datamap/plan.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { type AffectedRows, type Effect, sumEffects } from './affected-rows.ts'

/**
 * Which of these people the same request erases too. What stands in their rows is dealt with all the same, but not
 * counted. Those rows go, now or later, and the receipt must not depend on which person comes first.
 */
export type FindAlsoErased = (people: string[]) => Promise<Set<string>>

/** What to do to one table about some people. */
export type PreparedAction = (tx: TenantTransaction) => Promise<Done[]>

/** What was done, with the owners of the rows it was done to. */
export type Done = { effect: Effect; owners: string[] }

/**
 * The actions of the map for which there are rows, in the order of the map. `findSuccessor` names the user who takes over
 * what passes to another user; it is asked only if an action needs it. `affected`: what there is about the people, counted
 * after they were locked.
 */
export async function prepareActions(options: {
  operation: Operation
  people: string[]
  affected: AffectedRows[]
  findSuccessor: () => Promise<string | undefined>
}): Promise<PreparedAction[]> {
  const { operation, people, affected, findSuccessor } = options
  const touched = new Set(affected.map(({ table, effect }) => `${table} ${effect}`))
  const actions = compiledMap.plans[operation].acts.filter(({ table, effect }) => touched.has(`${table} ${effect}`))
  const needed = actions.some(({ statements }) => statements.some(({ needsSuccessor }) => needsSuccessor))
  const successor = needed ? await findSuccessor() : undefined
  return actions.map((action) => (tx: TenantTransaction) => perform(tx, action, people, successor))
}

/**
 * Performs the actions in the transaction given. A purge deletes what is about the people, takes them out of what they
 * did, and deletes their own rows last. An anonymization clears what names or describes them. The caller has locked the
 * people, so that no other transaction adds rows meanwhile. All statements are sent before the first answer, so what the
 * caller sends next comes after them. Returns what was done to which table, in rows as the database counted them.
 */
export async function performActions(
  tx: TenantTransaction,
  actions: PreparedAction[],
  findAlsoErased: FindAlsoErased,
): Promise<Effect[]> {
  const done = await Promise.all(actions.map((action) => action(tx)))
  return await receiptOf(done.flat(), findAlsoErased)
}

/** The lines of the receipt: leaves out rows whose owners the same request erases too. */
export async function receiptOf(done: Done[], findAlsoErased: FindAlsoErased): Promise<Effect[]> {
  const owners = new Set(done.flatMap((one) => one.owners))
  const alsoErased = owners.size === 0 ? owners : await findAlsoErased([...owners])
  const counted = done.filter((one) => !one.owners.some((owner) => alsoErased.has(owner)))
  return sumEffects(counted.map(({ effect }) => effect)).filter(({ rows }) => rows > 0)
}

/** Performs one action. Where its rows tell their owners, each row is returned by itself. */
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
