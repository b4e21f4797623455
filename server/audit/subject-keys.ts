import { type Identifier, identifierKey } from '../identifiers/identifier-key.ts'
import { hashesOfIdentifier, hashIdentifier, identifierHashKey, openWith } from '../keyring/identifier-hash-key.ts'
import { newKey, seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

const purpose = 'key of a person'

/**
 * The keys of these users, made where there are none; by the user's id. Who is anonymized, or not there, has none and gets
 * none. A user's key exists from the first value that is recorded about the user until the erasure, which deletes it.
 *
 * Throws `master_key.wrong`.
 */
export async function keysOfUsers(tx: TenantTransaction, userIds: readonly string[]): Promise<Map<string, Buffer>> {
  const found = await readKeys(tx, userIds)
  const missing = userIds.filter((id) => !found.has(id))
  if (missing.length > 0) {
    tx.send(
      `insert into person_keys (tenant_id, user_id, sealed_key)
       select $1, given.user_id, given.sealed_key
       from (
         select id from users
         where tenant_id = $1 and id = any ($2::uuid[]) and state <> 'anonymized' order by id for key share
       ) kept
       join unnest($2::uuid[], $3::bytea[]) as given (user_id, sealed_key) on given.user_id = kept.id
       on conflict do nothing`,
      [tx.tenantId, missing, missing.map(() => seal(tx.masterKey, newKey(), purpose))],
      'make_keys_of_users',
    )
    // Read again: where somebody else made one meanwhile, that one counts.
    for (const [id, key] of await readKeys(tx, missing)) found.set(id, key)
  }
  return new Map([...found].map(([id, sealed]) => [id, openWith(tx.masterKey, sealed, purpose)]))
}

async function readKeys(tx: TenantTransaction, userIds: readonly string[]): Promise<Map<string, Buffer>> {
  const { rows } = await tx.query<{ user_id: string; sealed_key: Buffer }>(
    // Whoever replaces a key waits until what is sealed under it now is there, and the other way round.
    `select user_id, sealed_key from person_keys where tenant_id = $1 and user_id = any ($2::uuid[])
     order by user_id for key share`,
    [tx.tenantId, userIds],
    'share_keys_of_users',
  )
  return new Map(rows.map(({ user_id, sealed_key }) => [user_id, sealed_key]))
}

/** Gives a person another key, whose row the caller has locked: what the one before sealed is unreadable from then on. */
export function replaceKey(tx: TenantTransaction, userId: string, key: Buffer): void {
  tx.send(
    'update person_keys set sealed_key = $3 where tenant_id = $1 and user_id = $2',
    [tx.tenantId, userId, seal(tx.masterKey, key, purpose)],
    'replace_key',
  )
}

/** The key of a contact, made where there is none. Throws `master_key.wrong`. */
export async function keyOfContact(tx: TenantTransaction, hash: Buffer): Promise<Buffer> {
  const { rows } = await tx.query<{ sealed_key: Buffer }>(
    `insert into contact_keys (tenant_id, hash, sealed_key) values ($1, $2, $3)
     on conflict (tenant_id, hash) do update set sealed_key = contact_keys.sealed_key
     returning sealed_key`,
    [tx.tenantId, hash, seal(tx.masterKey, newKey(), purpose)],
    'key_of_contact',
  )
  const [found] = rows
  if (found === undefined) throw new Error('the key of a contact was just inserted and is not there')
  return openWith(tx.masterKey, found.sealed_key, purpose)
}

/** What the audit trail knows a contact by from now on. Throws `master_key.wrong`. */
export async function hashOfContact(tx: TenantTransaction, { kind, value }: Identifier): Promise<Buffer> {
  return hashIdentifier(await identifierHashKey(tx), { kind, value: identifierKey(kind, value) })
}

/** What the audit trail may know a contact by, by any version of the fold. Throws `master_key.wrong`. */
export async function hashesOfContact(tx: TenantTransaction, identifier: Identifier): Promise<Buffer[]> {
  return hashesOfIdentifier(await identifierHashKey(tx), identifier)
}

/** Opens a key as the tables of keys hold it. Throws `master_key.wrong`. */
export function openSubjectKey(masterKey: Buffer, sealed: Buffer): Buffer {
  return openWith(masterKey, sealed, purpose)
}

/** Destroys the keys of contacts that these identifiers lead to: what is recorded about them is unreadable from then on. */
export async function destroyContactKeys(tx: TenantTransaction, identifiers: readonly Identifier[]): Promise<void> {
  if (identifiers.length === 0) return
  const hashKey = await identifierHashKey(tx)
  tx.send(
    'delete from contact_keys where tenant_id = $1 and hash = any ($2)',
    [tx.tenantId, identifiers.flatMap((identifier) => hashesOfIdentifier(hashKey, identifier))],
    'destroy_contact_keys',
  )
}
