import type { Identifier } from '../identifiers/identifier-key.ts'
import { hashesOfIdentifier, identifierHashKey } from '../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** Whether anybody was ever purged in this tenant. */
export async function hasTombstones(tx: TenantTransaction): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    'select exists (select from tombstones where tenant_id = $1) as found',
    [tx.tenantId],
  )
  return rows[0]?.found === true
}

/**
 * When a person who had one of these identifiers was purged here, the last of several. Throws `master_key.wrong`.
 */
export async function lastPurged(tx: TenantTransaction, identifiers: readonly Identifier[]): Promise<Date | undefined> {
  if (!(await hasTombstones(tx))) return undefined
  const key = await identifierHashKey(tx)
  const given = identifiers.flatMap((identifier) =>
    hashesOfIdentifier(key, identifier).map((hash) => ({ kind: identifier.kind, hash })),
  )
  const { rows } = await tx.query<{ at: Date | null }>(
    `select max(t.created_at) as at
     from unnest($2::text[], $3::bytea[]) as given (kind, hash)
     join tombstones t on t.tenant_id = $1 and t.kind = given.kind and t.hash = given.hash`,
    [tx.tenantId, given.map(({ kind }) => kind), given.map(({ hash }) => hash)],
    'last_purged',
  )
  return rows[0]?.at ?? undefined
}

/**
 * Which of these people were purged here, each with the request that purged the person, the newest of several.
 *
 * `identifiersOf`: what somebody may have been known by; it is asked only where the tenant has tombstones. Tombstones of
 * every version of the fold are found.
 *
 * `sameDirectoryId`: a directory object id is one person for life. Where the purged one had another than is given, an
 * e-mail address or login name of then that is used again is somebody else's, and does not count.
 *
 * Throws `master_key.wrong`.
 */
export async function findTombstones<Person>(
  tx: TenantTransaction,
  people: readonly Person[],
  identifiersOf: (person: Person) => readonly Identifier[],
  options: { sameDirectoryId?: boolean } = {},
): Promise<Map<Person, string>> {
  if (people.length === 0 || !(await hasTombstones(tx))) return new Map()
  const key = await identifierHashKey(tx)
  const given = people.flatMap((person, index) =>
    identifiersOf(person).flatMap((identifier) =>
      hashesOfIdentifier(key, identifier).map((hash) => ({ index, kind: identifier.kind, hash })),
    ),
  )
  const unlessAnother = `where t.kind = 'directory_object_id' or not exists (
    select from tombstones other
    where other.tenant_id = $1 and other.request_id = t.request_id and other.user_id = t.user_id
      and other.kind = 'directory_object_id'
  )`
  const { rows } = await tx.query<{ index: number; request_id: string }>(
    `select distinct on (given.index) given.index, t.request_id
     from unnest($2::integer[], $3::text[], $4::bytea[]) as given (index, kind, hash)
     join tombstones t on t.tenant_id = $1 and t.kind = given.kind and t.hash = given.hash
     ${options.sameDirectoryId === true ? unlessAnother : ''}
     order by given.index, t.created_at desc, t.request_id`,
    [tx.tenantId, given.map(({ index }) => index), given.map(({ kind }) => kind), given.map(({ hash }) => hash)],
  )
  const requests = new Map(rows.map(({ index, request_id }) => [index, request_id]))
  return new Map(
    people.flatMap((person, index) => {
      const request = requests.get(index)
      return request === undefined ? [] : [[person, request]]
    }),
  )
}
