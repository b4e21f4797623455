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
  const { rows } = await tx.query<{ held: string; by_key: boolean }>(
    // Compared with many people one by one, the exceptions would cost more than the look-ups.
    `select held, by_key
     from (
       select login_key as held, true as by_key, id, state from users where tenant_id = $1 and login_key = any($2)
       union all
       select email_key, true, id, state from users where tenant_id = $1 and email_key = any($2)
       union all
       select ref_key, true, id, state from users where tenant_id = $1 and ref_key = any($2)
       union all
       select external_identity_key, true, id, state from users where tenant_id = $1 and external_identity_key = any($2)
       union all
       select directory_object_id::text, true, id, state from users
       where tenant_id = $1 and directory_object_id = any($4::uuid[])
       union all
       select login_similar, false, id, state from users
       where tenant_id = $1 and login_similar = any($5) and login_similar is not null
       union all
       select email_similar, false, id, state from users
       where tenant_id = $1 and email_similar = any($5) and email_similar is not null
       union all
       select ref_similar, false, id, state from users
       where tenant_id = $1 and ref_similar = any($5) and ref_similar is not null
       union all
       select external_identity_similar, false, id, state from users
       where tenant_id = $1 and external_identity_similar = any($5) and external_identity_similar is not null
     ) users_like_that
     where state <> 'anonymized' and id not in (select unnest($3::uuid[]))`,
    [
      tx.tenantId,
      [...new Set([...keys, ...similar.values()])],
      except,
      keys.filter(isUuid),
      [...new Set(similar.values())],
    ],
    'other_holders',
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
  const { rows } = await tx.query<{ id: string }>(
    `select id from users
     where tenant_id = $1 and state <> 'anonymized' and (
       login_key = $2 or email_key = $2 or ref_key = $2 or external_identity_key = $2
       or login_similar = $2 or email_similar = $2 or ref_similar = $2 or external_identity_similar = $2
     )
     order by id limit ${mostSimilar}`,
    [tx.tenantId, similarKey(key)],
    'similar_holders',
  )
  return rows.map(({ id }) => id)
}
