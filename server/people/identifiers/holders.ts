import { compiledMap } from '../../datamap/compiled.ts'
import { similarKey } from '../../identifiers/similar.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'

/** How another user holds an identifier: the same one, or only one that is easily confused with it. */
export type Held = 'same' | 'similar'

/**
 * Which of these identifiers, given as keys, another living user of the tenant holds too, as whatever kind of identifier,
 * and whether the same or a similar one. Either way it is shared: it is neither scrubbed nor remembered nor counted as left
 * behind, so that nobody who lives loses an identifier to somebody with nearly the same.
 */
export async function findHolders(
  tx: TenantTransaction,
  keys: readonly string[],
  except: readonly string[],
): Promise<Map<string, Held>> {
  if (keys.length === 0) return new Map()
  const similar = new Map(keys.map((key) => [key, similarKey(key)]))
  const { name, text } = compiledMap.findHolders
  const { rows } = await tx.query<{ held: string; by_key: boolean }>(
    text,
    [
      tx.tenantId,
      [...new Set([...keys, ...similar.values()])],
      except,
      keys.filter(isUuid),
      [...new Set(similar.values())],
    ],
    name,
  )
  const held = new Set(rows.filter((row) => row.by_key).map((row) => row.held))
  const heldSimilar = new Set(rows.map((row) => (row.by_key ? similarKey(row.held) : row.held)))
  const holders = new Map<string, Held>()
  for (const [key, similarToIt] of similar) {
    if (held.has(key)) holders.set(key, 'same')
    else if (heldSimilar.has(similarToIt)) holders.set(key, 'similar')
  }
  return holders
}

/** Which of these identifiers, given as keys, {@link findHolders} finds, in either way. */
export async function findOtherHolders(tx: TenantTransaction, keys: string[], except: string[]): Promise<Set<string>> {
  return new Set((await findHolders(tx, keys, except)).keys())
}

const mostSimilar = 20

/** The ids of users who hold an identifier that is similar to this key, as whatever kind; at most twenty. */
export async function findSimilarHolders(tx: TenantTransaction, key: string): Promise<string[]> {
  const { name, text } = compiledMap.findSimilarHolders
  const { rows } = await tx.query<{ id: string }>(text, [tx.tenantId, similarKey(key), mostSimilar], name)
  return rows.map(({ id }) => id)
}
