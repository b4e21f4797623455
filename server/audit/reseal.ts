import { columnOf, identifierColumns, kindOfColumn } from '../datamap/identifier-columns.ts'
import { type Identifier, type IdentifierKind, identifierKey } from '../identifiers/identifier-key.ts'
import { IdentifierScanner } from '../identifiers/texts/identifier-scanner.ts'
import { erasedMark } from '../identifiers/texts/scrub-value.ts'
import { newKey, open, seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { openSubjectKey, replaceKey } from './subject-keys.ts'
import { valuesPurpose } from './values-purpose.ts'
import {
  forEachText,
  keepWords,
  knownWordHasher,
  probesFor,
  type WordHash,
  wordHasher,
  wordsOfValues,
} from './words.ts'

/**
 * What is kept under the keys of other people and holds an identifier of somebody who is erased: "Assistant to
 * ann@example.org", or an address that was theirs by mistake. The entries of the audit trail stay as they are, because
 * the chain covers them. So a new key replaces the person's key. The values are sealed again under the new key, without
 * the identifier, in a table beside the trail. No key opens the old bytes any more.
 */

/** Values of an entry of the trail, or a former identifier, and which of the identifiers stand in which of its texts. */
type Opened = { values: unknown; mentioned: Map<string, Set<string>> }

/** What is kept under the key of one person. */
type Kept = {
  user: string
  entries: (Opened & { id: string })[]
  former: (Opened & { kind: IdentifierKind; hash: Buffer })[]
}

/** What is done, as previews and receipts say it. */
export type Resealed = { table: 'audit_entries' | 'former_identifiers'; effect: string; rows: number }

/** So many people's values are in the process at once. */
const peopleAtATime = 200

/**
 * Counts where these identifiers stand in what is kept under the keys of others: once for every identifier in every entry.
 * `gone`: people whose keys go. Changes nothing. Throws `master_key.wrong`.
 */
export async function countSealedMentions(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  gone: readonly string[],
): Promise<Resealed[]> {
  if ((await knownWordHasher(tx)) === undefined) return []
  return await goThrough(tx, identifiers, gone, { change: false })
}

/**
 * Takes these identifiers out of everything that is kept under the keys of others, in the transaction of the erasure:
 * nothing that can be opened shows them afterwards. What it opens depends on the identifiers, not on the length of the
 * trail. Answers what was done. `gone`: people whose keys go. Throws `master_key.wrong`.
 */
export async function resealMentions(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  gone: readonly string[],
): Promise<Resealed[]> {
  return await goThrough(tx, identifiers, gone, { change: true })
}

async function goThrough(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  gone: readonly string[],
  { change }: { change: boolean },
): Promise<Resealed[]> {
  if (identifiers.length === 0) return []
  const candidates = await findCandidates(tx, identifiers, gone)
  let [entries, former] = [0, 0]
  for (let from = 0; from < candidates.length; from += peopleAtATime) {
    const some = candidates.slice(from, from + peopleAtATime)
    const kept = await openKept(tx, some, { lock: change })
    markMentioned(kept, identifiers, await currentIdentifiers(tx, some))
    for (const one of kept.filter(isMentioning)) {
      entries += one.entries.reduce((sum, { mentioned }) => sum + countOf(mentioned), 0)
      former += one.former.filter(({ mentioned }) => mentioned.size > 0).length
      if (change) await sealAgain(tx, one)
    }
  }
  const done: Resealed[] = [
    { table: 'audit_entries', effect: 'resealed', rows: entries },
    { table: 'former_identifiers', effect: 'removed', rows: former },
  ]
  return done.filter(({ rows }) => rows > 0)
}

function isMentioning({ entries, former }: Kept): boolean {
  return [...entries, ...former].some(({ mentioned }) => mentioned.size > 0)
}

/** How many of the identifiers stand in some values, each counted once. */
function countOf(mentioned: Opened['mentioned']): number {
  return new Set([...mentioned.values()].flatMap((values) => [...values])).size
}

/** People under whose keys one of the identifiers may stand, in one order for everybody who locks them. */
async function findCandidates(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  gone: readonly string[],
): Promise<string[]> {
  const lists = await probesFor(tx, identifiers)
  const { rows } =
    lists === undefined
      ? await tx.query<{ user_id: string }>(
          `select distinct user_id from sealed_words
         where tenant_id = $1 and user_id <> all ($2::uuid[]) order by user_id`,
          [tx.tenantId, gone],
          'find_everybody_sealed',
        )
      : await tx.query<{ user_id: string }>(
          `select distinct user_id from (
           select w.user_id
           from unnest($3::integer[], $4::integer[], $5::bigint[]) as given (list, words, word)
           join sealed_words w on w.tenant_id = $1 and w.word = given.word
           group by given.list, w.user_id
           having count(*) = min(given.words)
         ) found
         where user_id <> all ($2::uuid[]) order by user_id`,
          [
            tx.tenantId,
            gone,
            lists.flatMap((words, list) => words.map(() => list)),
            lists.flatMap((words) => words.map(() => words.length)),
            lists.flat(),
          ],
          'find_sealed_words',
        )
  return rows.map(({ user_id }) => user_id)
}

/** Opens what is kept under the keys of these people. `lock`: nobody else seals anything under the keys meanwhile. */
async function openKept(tx: TenantTransaction, users: string[], { lock }: { lock: boolean }): Promise<Kept[]> {
  // Sent together; the others are answered after the locks are there.
  const [keys, entries, former] = await Promise.all([
    tx.query<{ user_id: string; sealed_key: Buffer }>(
      `select user_id, sealed_key from person_keys where tenant_id = $1 and user_id = any ($2::uuid[])
       order by user_id${lock ? ' for update' : ''}`,
      [tx.tenantId, users],
      lock ? 'lock_person_keys' : 'keys_of_users',
    ),
    tx.query<{ user_id: string; id: string; sealed: Buffer }>(
      `select e.subject_id as user_id, e.id, coalesce(r.sealed_values, e.sealed_values) as sealed
       from audit_entries e left join audit_resealed r on r.tenant_id = e.tenant_id and r.entry_id = e.id
       where e.tenant_id = $1 and e.subject_id = any ($2::uuid[]) and e.sealed_values is not null`,
      [tx.tenantId, users],
      'sealed_entries_of_users',
    ),
    tx.query<{ user_id: string; kind: IdentifierKind; hash: Buffer; sealed: Buffer }>(
      `select user_id, kind, hash, sealed_value as sealed from former_identifiers
       where tenant_id = $1 and user_id = any ($2::uuid[])`,
      [tx.tenantId, users],
      'sealed_identifiers_of_users',
    ),
  ])
  return keys.rows.map(({ user_id, sealed_key }) => {
    const key = openSubjectKey(tx.masterKey, sealed_key)
    return {
      user: user_id,
      entries: entries.rows.flatMap((row) => {
        if (row.user_id !== user_id) return []
        const values = opened(key, row.sealed)
        return values === undefined ? [] : [{ id: row.id, values, mentioned: new Map() }]
      }),
      former: former.rows.flatMap((row) => {
        if (row.user_id !== user_id) return []
        // Under the name of its column, as the trail has it.
        const value = opened(key, row.sealed)
        const { kind, hash } = row
        return value === undefined ? [] : [{ kind, hash, values: { [columnOf(kind)]: value }, mentioned: new Map() }]
      }),
    }
  })
}

/** Undefined where another key sealed it, which is gone: nobody can read it. */
function opened(key: Buffer, sealed: Buffer): unknown {
  try {
    return JSON.parse(open(key, sealed, valuesPurpose).toString('utf8'))
  } catch {
    return undefined
  }
}

type Text = { into: Opened['mentioned']; text: string }

/**
 * Says in everything that was opened which identifiers stand where. What is an identifier of its person today is no
 * mention of anybody else, even where it holds the shorter identifier of the other.
 */
function markMentioned(kept: Kept[], identifiers: readonly Identifier[], current: Map<string, Set<string>>): void {
  const byValue = new Set(identifiers.map(({ value }) => value))
  const texts: Text[] = []
  const mark = ({ into, text }: Text, value: string) => {
    const found = into.get(text)
    if (found === undefined) into.set(text, new Set([value]))
    else found.add(value)
  }
  for (const { user, entries, former } of kept) {
    for (const { values, mentioned } of [...entries, ...former]) {
      forEachText(values, (text, name) => {
        const kind = kindOfColumn(name)
        const value = kind === undefined ? undefined : identifierKey(kind, text)
        if (value !== undefined && byValue.has(value)) mark({ into: mentioned, text }, value)
        else if (value === undefined || current.get(user)?.has(value) !== true) texts.push({ into: mentioned, text })
      })
    }
  }
  const scanner = new IdentifierScanner(identifiers, ({ identifier, row }) => {
    const [text, value] = [texts[row], identifiers[identifier]?.value]
    if (text !== undefined && value !== undefined) mark(text, value)
  })
  for (const { text } of texts) scanner.write(Buffer.from(copyText(text)))
  scanner.end()
}

/** One value as a row of COPY's text format. */
function copyText(value: string): string {
  return `${value.replace(/[\\\n\r\t]/g, (character) => copyEscapes[character] ?? character)}\n`
}

const copyEscapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The identifiers that these people have now, in normal form. */
async function currentIdentifiers(tx: TenantTransaction, users: string[]): Promise<Map<string, Set<string>>> {
  const columns = identifierColumns.map(({ column }) => column)
  const { rows } = await tx.query<{ id: string } & Record<string, string | null>>(
    `select id, ${columns.join(', ')} from users where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, users],
    'current_identifiers',
  )
  return new Map(
    rows.map((row) => {
      const values = identifierColumns.flatMap(({ column, kind }) => {
        const value = row[column]
        return value == null ? [] : [identifierKey(kind, value)]
      })
      return [row.id, new Set(values)]
    }),
  )
}

/** Seals everything of one person under a new key, without the texts that mention the identifiers. */
async function sealAgain(tx: TenantTransaction, { user, entries, former }: Kept): Promise<void> {
  const key = newKey()
  const hash = await wordHasher(tx)
  const words = new Set<WordHash>()
  const sealAll = (values: unknown) => seal(key, Buffer.from(JSON.stringify(values)), valuesPurpose)
  const left = entries.map(({ id, values, mentioned }) => {
    const without = withoutTexts(values, mentioned)
    wordsOfValues(hash, without, words)
    return { id, sealed: sealAll(without) }
  })
  const kept = former.flatMap(({ kind, hash: ofValue, values, mentioned }) => {
    if (mentioned.size > 0) return []
    wordsOfValues(hash, values, words)
    return [{ kind, hash: ofValue, sealed: sealAll((values as Record<string, unknown>)[columnOf(kind)]) }]
  })
  replaceKey(tx, user, key)
  tx.send(
    `insert into audit_resealed as r (tenant_id, entry_id, user_id, sealed_values)
     select $1, given.entry_id, $2, given.sealed_values from unnest($3::uuid[], $4::bytea[]) as given (entry_id, sealed_values)
     on conflict (tenant_id, entry_id) do update set sealed_values = excluded.sealed_values`,
    [tx.tenantId, user, left.map(({ id }) => id), left.map(({ sealed }) => sealed)],
    'reseal_entries',
  )
  if (kept.length < former.length) {
    tx.send(
      'delete from former_identifiers where tenant_id = $1 and user_id = $2 and hash <> all ($3::bytea[])',
      [tx.tenantId, user, kept.map(({ hash: ofValue }) => ofValue)],
      'forget_former_identifiers',
    )
  }
  if (kept.length > 0) {
    tx.send(
      `update former_identifiers f set sealed_value = given.sealed_value
       from unnest($3::text[], $4::bytea[], $5::bytea[]) as given (kind, hash, sealed_value)
       where f.tenant_id = $1 and f.user_id = $2 and f.kind = given.kind and f.hash = given.hash`,
      [
        tx.tenantId,
        user,
        kept.map(({ kind }) => kind),
        kept.map(({ hash: ofValue }) => ofValue),
        kept.map(({ sealed }) => sealed),
      ],
      'reseal_former_identifiers',
    )
  }
  tx.send('delete from sealed_words where tenant_id = $1 and user_id = $2', [tx.tenantId, user], 'forget_words')
  keepWords(tx, new Map([[user, words]]))
}

function withoutTexts(values: unknown, mentioned: Opened['mentioned']): unknown {
  if (typeof values === 'string') return mentioned.has(values) ? erasedMark : values
  if (Array.isArray(values)) return values.map((item) => withoutTexts(item, mentioned))
  if (typeof values !== 'object' || values === null) return values
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, withoutTexts(value, mentioned)]))
}
