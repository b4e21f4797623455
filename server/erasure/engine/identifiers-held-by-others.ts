import type { Identifier } from '../../identifiers/identifier-key.ts'
import { findOtherHolders } from '../../people/identifiers/holders.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/**
 * Which of these identifiers of people, by value, somebody holds too whom the request does not erase. Two who share an
 * identifier and are erased by one request, in whatever order, do not keep it for each other.
 */
export async function findSharedIdentifiers(
  tx: TenantTransaction,
  request: string,
  identifiers: Identifier[],
  people: string[],
): Promise<Set<string>> {
  const held = await findOtherHolders(
    tx,
    identifiers.map(({ value }) => value),
    people,
  )
  if (held.size === 0) return held
  const { rows } = await tx.query<{ user_id: string }>(
    `select user_id from erasure_subjects where tenant_id = $1 and request_id = $2 and state in ('queued', 'running')`,
    [tx.tenantId, request],
  )
  return findOtherHolders(tx, [...held], [...people, ...rows.map(({ user_id }) => user_id)])
}
