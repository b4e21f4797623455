import type { Identifier } from '../../identifiers/identifier-key.ts'
import { findOtherHolders } from '../../people/identifiers/holders.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { stateSets } from '../states.ts'

/**
 * The identifiers, by value, that a user outside this request also holds. Two people of one request who share an
 * identifier do not keep it for each other, whichever of them is erased first. `people`: those whose identifiers they are.
 */
export async function findIdentifiersHeldByOthers(
  tx: TenantTransaction,
  { request, identifiers, people }: { request: string; identifiers: Identifier[]; people: string[] },
): Promise<Set<string>> {
  const values = identifiers.map(({ value }) => value)
  const held = await findOtherHolders(tx, values, people)
  if (held.size === 0) return held
  const { rows } = await tx.query<{ user_id: string }>(
    `select user_id from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.beingErased}`,
    [tx.tenantId, request],
  )
  return findOtherHolders(tx, [...held], [...people, ...rows.map(({ user_id }) => user_id)])
}
