import type { Identifier } from '../../identifiers/identifier-key.ts'
import { type AffectedRows, countAffectedRows, type Effect } from '../../personal-data/affected-rows.ts'
import { type Mention, mentionEffects } from '../../personal-data/find-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { Batch } from './claim-batch.ts'
import type { BatchSubjects } from './lock-and-check.ts'

/**
 * The fourth phase: counts the rows about the people again, by the same statement as before the actions. It examines the
 * data that is left, so every row in its result is residual data.
 */
export async function verify(tx: TenantTransaction, batch: Batch, { ids }: BatchSubjects): Promise<AffectedRows[]> {
  return await countAffectedRows(tx, batch.operation, ids)
}

/**
 * The residual data of each person: what was left of the person's rows, and of the mentions. A mention in another
 * person's row belongs to the person whose identifier it is.
 */
export function residualDataOf(
  left: { rows?: AffectedRows[]; mentions?: Mention[] },
  identifiers: Map<string, Identifier[]>,
): Map<string, Effect[]> {
  const residual = new Map<string, Effect[]>()
  const add = (person: string, effect: Effect) => residual.set(person, [...(residual.get(person) ?? []), effect])
  for (const { person, table, effect, rows } of left.rows ?? []) add(person, { table, effect, rows })
  for (const mention of left.mentions ?? []) {
    const mentioned = new Set(mention.identifiers.map(({ value }) => value))
    for (const [person, theirs] of identifiers) {
      if (!theirs.some(({ value }) => mentioned.has(value))) continue
      for (const effect of mentionEffects([mention])) add(person, effect)
    }
  }
  return residual
}
