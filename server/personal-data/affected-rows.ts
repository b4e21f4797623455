import { compiledMap } from '../datamap/compiled.ts'
import type { Operation } from '../datamap/plan.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** How many rows of a table an effect concerns, for one person. */
export type AffectedRows = { table: string; effect: string; person: string; rows: number }

/**
 * Counts, table by table, the rows that an operation affects for some people. One statement; it reaches each table
 * through an index. `gone`: all people whose rows are dealt with by then. What stands in their rows is not counted twice.
 */
export async function countAffectedRows(
  tx: TenantTransaction,
  operation: Operation,
  people: string[],
  gone = people,
): Promise<AffectedRows[]> {
  const {
    acts,
    locate: { name, text },
  } = compiledMap.plans[operation]
  const { rows } = await tx.queryAsAuditor<{ act: number; person: string; row_count: number }>(
    text,
    [tx.tenantId, people, gone],
    name,
  )
  return rows.map(({ act, person, row_count }) => {
    const found = acts[act]
    if (found === undefined) throw new Error('the map counts rows for an act that it does not have')
    return { table: found.table, effect: found.effect, person, rows: row_count }
  })
}

/** The same with what the plan of a preview consists of; see `Plan.locatePlanned`. */
export type PlannedRows = AffectedRows & {
  planned: number
  /** SHA-256 over the sorted keys of the planned rows, in hexadecimal; null without such rows. */
  digest: string | null
  /** Whether a delete of the person takes these rows away already. */
  endsOnDelete: boolean
}

/**
 * Counts the same as {@link countAffectedRows}, and makes the digests of a plan in the same statement. `plan`: the id of
 * the plan that the people are erased under; null while a preview makes it, and then `gone` is everyone in it.
 */
export async function countPlannedRows(
  tx: TenantTransaction,
  operation: Operation,
  { people, gone = people, plan }: { people: string[]; gone?: string[]; plan: string | null },
): Promise<PlannedRows[]> {
  const {
    acts,
    locatePlanned: { name, text },
  } = compiledMap.plans[operation]
  const { rows } = await tx.queryAsAuditor<{
    act: number
    person: string
    row_count: number
    planned_count: number
    digest: string | null
  }>(text, [tx.tenantId, people, gone, plan], name)
  return rows.map(({ act, person, row_count, planned_count, digest }) => {
    const found = acts[act]
    if (found === undefined) throw new Error('the map counts rows for an act that it does not have')
    const { table, effect, endsOnDelete } = found
    return { table, effect, person, rows: row_count, planned: planned_count, digest, endsOnDelete }
  })
}

/** The rows that are left once these people are deleted: a delete ends what lets them in. */
export function afterDelete(rows: PlannedRows[], deleted: readonly string[]): PlannedRows[] {
  const gone = new Set(deleted)
  return rows.filter(({ endsOnDelete, person }) => !(endsOnDelete && gone.has(person)))
}

/**
 * One line of a receipt or a preview. What is scrubbed counts once for every identifier in every value, so that the sum
 * does not depend on how many people are erased at a time.
 */
export type Effect = { table: string; effect: string; rows: number }

/** Adds up effects per table and kind, in a stable order. */
export function sumEffects(effects: Effect[]): Effect[] {
  const sums = new Map<string, Effect>()
  for (const { table, effect, rows } of effects) {
    const sum = sums.get(`${table} ${effect}`)
    if (sum === undefined) sums.set(`${table} ${effect}`, { table, effect, rows })
    else sum.rows += rows
  }
  return [...sums.values()].sort((a, b) => (`${a.table} ${a.effect}` < `${b.table} ${b.effect}` ? -1 : 1))
}
