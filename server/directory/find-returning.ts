import { hashIdentifier, identifierHashKey } from '../erasure/keys.ts'
import { type GivenIdentifiers, identifiersOf } from '../people/given-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Which of these people were purged here, by their tombstones: for each index the order that purged the person, the
 * newest of several.
 *
 * A directory object id is one person for life. Where the purged one had another, an e-mail address or login name of then
 * that is used again is somebody else's.
 */
export async function findReturning(
  tx: TenantTransaction,
  people: readonly GivenIdentifiers[],
): Promise<Map<number, string>> {
  const { rows: any } = await tx.query<{ found: boolean }>(
    'select exists (select from tombstones where tenant_id = $1) as found',
    [tx.tenantId],
  )
  if (any[0]?.found !== true) return new Map()
  const key = await identifierHashKey(tx, tx.masterKey)
  const given = people.flatMap((person, index) => identifiersOf(person).map((identifier) => ({ index, identifier })))
  const { rows } = await tx.query<{ index: number; request_id: string }>(
    `select distinct on (given.index) given.index, t.request_id
     from unnest($2::integer[], $3::text[], $4::bytea[]) as given (index, kind, hash)
     join tombstones t on t.tenant_id = $1 and t.kind = given.kind and t.hash = given.hash
     where t.kind = 'directory_object_id' or not exists (
       select from tombstones other
       where other.tenant_id = $1 and other.request_id = t.request_id and other.user_id = t.user_id
         and other.kind = 'directory_object_id'
     )
     order by given.index, t.created_at desc, t.request_id`,
    [
      tx.tenantId,
      given.map(({ index }) => index),
      given.map(({ identifier }) => identifier.kind),
      given.map(({ identifier }) => hashIdentifier(key, identifier)),
    ],
  )
  return new Map(rows.map(({ index, request_id }) => [index, request_id]))
}
