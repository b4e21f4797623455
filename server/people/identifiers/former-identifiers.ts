import { keysOfUsers, openSubjectKey } from '../../audit/subject-keys.ts'
import { valuesPurpose } from '../../audit/values-purpose.ts'
import { keepWords, wordHasher, wordsOfValues } from '../../audit/words.ts'
import { columnOf, type IdentifierValues, identifierColumns } from '../../datamap/identifier-columns.ts'
import { foldVersion } from '../../identifiers/fold.ts'
import { type Identifier, type IdentifierKind, identifierKey } from '../../identifiers/identifier-key.ts'
import { hashIdentifier, identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { open, seal } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** A value that a user had until another one took its place. */
export type FormerValue = {
  userId: string
  kind: IdentifierKind
  value: string
  /** Since when, where that is known; otherwise since the value before it, or since the user is there. */
  since?: Date | undefined
  until: Date
}

/** What a change of a user's row makes former: identifiers that are the user's no longer, in whatever spelling. */
export function formerValues(
  userId: string,
  before: IdentifierValues,
  after: IdentifierValues,
  until: Date,
): FormerValue[] {
  return identifierColumns.flatMap(({ column, kind }) => {
    const [old, now] = [before[column], after[column]]
    if (old == null) return []
    const isSame = now != null && identifierKey(kind, now) === identifierKey(kind, old)
    return isSame ? [] : [{ userId, kind, value: old, until }]
  })
}

/**
 * Keeps what users were known by before a change, in the transaction of that change: it stays theirs, for an erasure to
 * find and for imports to recognize. Each value is sealed under its person's key, and hashed under the tenant's. Whoever is
 * anonymized has no key, and nothing is kept. One statement whatever the number, besides those of the keys.
 *
 * Throws `master_key.wrong`.
 */
export async function keepFormer(tx: TenantTransaction, values: readonly FormerValue[]): Promise<void> {
  if (values.length === 0) return
  const hashKey = await identifierHashKey(tx)
  const keys = await keysOfUsers(tx, [...new Set(values.map(({ userId }) => userId))])
  // Of two rows with one key in a statement, PostgreSQL would refuse the second.
  const rows = new Map(
    values.flatMap(({ userId, kind, value, since, until }) => {
      const key = keys.get(userId)
      if (key === undefined) return []
      const hash = hashIdentifier(hashKey, { kind, value: identifierKey(kind, value) })
      const sealed = seal(key, Buffer.from(JSON.stringify(value)), valuesPurpose)
      return [[`${userId} ${kind} ${hash.toString('latin1')}`, { userId, kind, hash, sealed, since, until }] as const]
    }),
  )
  const kept = [...rows.values()]
  const hash = await wordHasher(tx)
  const words = new Map([...keys.keys()].map((id) => [id, new Set<string>()]))
  for (const { userId, kind, value } of values) {
    const ofUser = words.get(userId)
    if (ofUser !== undefined) wordsOfValues(hash, { [columnOf(kind)]: value }, ofUser)
  }
  keepWords(tx, words)
  await tx.query(
    `insert into former_identifiers as f (tenant_id, user_id, kind, hash, fold_version, sealed_value, since, until)
     select $1, given.user_id, given.kind, given.hash, $2, given.sealed_value,
       least(given.until, coalesce(given.since, earlier.until, u.created_at)), given.until
     from unnest($3::uuid[], $4::text[], $5::bytea[], $6::bytea[], $7::timestamptz[], $8::timestamptz[])
       as given (user_id, kind, hash, sealed_value, since, until)
     join users u on u.tenant_id = $1 and u.id = given.user_id
     left join lateral (
       select max(e.until) as until from former_identifiers e
       where e.tenant_id = $1 and e.user_id = given.user_id and e.kind = given.kind and e.until < given.until
     ) earlier on true
     on conflict (tenant_id, user_id, kind, hash) do update
       set until = greatest(f.until, excluded.until), since = least(f.since, excluded.since)`,
    [
      tx.tenantId,
      foldVersion,
      kept.map(({ userId }) => userId),
      kept.map(({ kind }) => kind),
      kept.map(({ hash }) => hash),
      kept.map(({ sealed }) => sealed),
      kept.map(({ since }) => since ?? null),
      kept.map(({ until }) => until),
    ],
    'keep_former_identifiers',
  )
}

/** What these users were known by before, in normal form, by the user's id. Throws `master_key.wrong`. */
export async function readFormer(
  tx: TenantTransaction,
  userIds: readonly string[],
): Promise<Map<string, Identifier[]>> {
  const { rows } = await tx.query<{
    user_id: string
    kind: IdentifierKind
    sealed_value: Buffer
    sealed_key: Buffer
  }>(
    `select f.user_id, f.kind, f.sealed_value, k.sealed_key
     from former_identifiers f join person_keys k on k.tenant_id = f.tenant_id and k.user_id = f.user_id
     where f.tenant_id = $1 and f.user_id = any ($2::uuid[])
     order by f.user_id, f.until, f.kind, f.hash`,
    [tx.tenantId, userIds],
    'read_former_identifiers',
  )
  const former = new Map<string, Identifier[]>()
  for (const { user_id, kind, sealed_value, sealed_key } of rows) {
    const value: unknown = JSON.parse(
      open(openSubjectKey(tx.masterKey, sealed_key), sealed_value, valuesPurpose).toString('utf8'),
    )
    const identifier = { kind, value: identifierKey(kind, String(value)) }
    const known = former.get(user_id)
    if (known === undefined) former.set(user_id, [identifier])
    else known.push(identifier)
  }
  return former
}

/** Somebody who is given to us by identifiers, and a user who had one of them before. */
export type FormerHolder = { id: string; state: string }

/**
 * Which users of the tenant, deleted ones among them, were known by an identifier that these people are given by: at most
 * ten for each. Who has the identifier now does not count: that user is found by it.
 *
 * `identifiersOf`: what somebody may have been known by, in normal form; it is asked only where the tenant has former
 * identifiers.
 *
 * `directoryIdOf`: a directory object id is one person for life. Where the user has another one than is given, an address
 * or a name that is used again is somebody else's, and does not count.
 *
 * Throws `master_key.wrong`.
 */
export async function findFormerHolders<Person>(
  tx: TenantTransaction,
  people: readonly Person[],
  identifiersOf: (person: Person) => readonly Identifier[],
  options: { directoryIdOf?: (person: Person) => string | null | undefined } = {},
): Promise<Map<Person, FormerHolder[]>> {
  const found = new Map<Person, FormerHolder[]>()
  if (people.length === 0 || !(await hasFormer(tx))) return found
  const key = await identifierHashKey(tx)
  const given = people.flatMap((person, index) =>
    identifiersOf(person).map((identifier) => ({ index, hash: hashIdentifier(key, identifier), person })),
  )
  const { rows } = await tx.query<{ index: number; id: string; state: string }>(
    `select distinct given.index, u.id, u.state
     from unnest($2::integer[], $3::bytea[], $4::uuid[]) as given (index, hash, directory_object_id)
     join former_identifiers f on f.tenant_id = $1 and f.hash = given.hash
     join users u on u.tenant_id = $1 and u.id = f.user_id
     where f.kind = 'directory_object_id' or given.directory_object_id is null or u.directory_object_id is null
       or u.directory_object_id = given.directory_object_id
     order by given.index, u.id`,
    [
      tx.tenantId,
      given.map(({ index }) => index),
      given.map(({ hash }) => hash),
      given.map(({ person }) => options.directoryIdOf?.(person) ?? null),
    ],
    'find_former_holders',
  )
  for (const { index, id, state } of rows) {
    const person = people[index]
    if (person === undefined) continue
    const holders = found.get(person)
    if (holders === undefined) found.set(person, [{ id, state }])
    else if (holders.length < mostHolders) holders.push({ id, state })
  }
  return found
}

const mostHolders = 10

async function hasFormer(tx: TenantTransaction): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    'select exists (select from former_identifiers where tenant_id = $1) as found',
    [tx.tenantId],
    'has_former_identifiers',
  )
  return rows[0]?.found === true
}
