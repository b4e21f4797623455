import type pg from 'pg'
import { dataMap } from '../../datamap/data-map.ts'
import { erasureMap } from '../../datamap/entries/erasure.ts'
import type { AnyEntry } from '../../datamap/vocabulary.ts'
import {
  domainSpellings,
  type Identifier,
  type IdentifierKind,
  identifierKey,
} from '../../identifiers/identifier-key.ts'
import { formsOfEveryVersion, normalFormV1 } from '../../identifiers/normal-form-v1.ts'
import { kindsOf, type TokenPlace, TokenScanner } from '../../identifiers/texts/token-scanner.ts'
import { hashedText, openWith } from '../../keyring/identifier-hash-key.ts'
import { BloomFilter } from '../../platform/bloom-filter.ts'
import { keyedHash } from '../../platform/crypto/keyed-hash.ts'
import { copyTo } from '../../platform/database/copy-to.ts'
import type { Database } from '../../platform/database/pool.ts'
import { searchDatabase } from '../search/search-database.ts'
import { inAuditorSnapshot, readTextTables, type TextTable, textsOf } from '../search/text-tables.ts'

export type TraceKind = IdentifierKind | 'internal_id'

/** A purged person's identifier, or internal id, in a column. The value is known again because it stands there. */
export type Trace = {
  tenant: string
  user: string
  kind: TraceKind
  value: string
  table: string
  column: string
  /** Values of the column in which it stands. */
  rows: number
}

export type SweepPass = {
  tables: number
  columns: number
  bytes: number
  /** Tokens whose keyed hash was computed. */
  hashed: number
  /** Tombstones and entries of the ledger that they were compared with. */
  tombstones: number
  entries: number
  traces: Trace[]
  /** Tables that could not be read: the sweep is not complete. */
  unreadable: string[]
}

/**
 * Searches for all people that these tenants have purged, by hashes only. It takes every token of every text-like
 * column of the database, in one pass and one snapshot. It compares the keyed hash with the tombstones, and tokens like
 * internal ids with the ledger. A tenant's rows are compared with its own tombstones, tables that are not separated by
 * tenant with all of them. Memory depends on the number of tombstones (two bytes each) and findings.
 *
 * Throws `master_key.wrong`.
 */
export async function sweepDatabase(database: Database, tenants: readonly string[]): Promise<SweepPass> {
  return await inAuditorSnapshot(database, async (client) => {
    const pass: SweepPass = {
      tables: 0,
      columns: 0,
      bytes: 0,
      hashed: 0,
      tombstones: 0,
      entries: 0,
      traces: [],
      unreadable: [],
    }
    const purged = await readPurged(database, client, tenants, pass)
    const among = [...purged.tenants.keys()]
    if (among.length === 0) return pass
    const comparison = new Comparison(purged)
    for (const table of await readTextTables(client)) {
      if (!table.readable) {
        pass.unreadable.push(table.name)
        continue
      }
      pass.tables++
      pass.columns += table.columns.length
      pass.bytes += await compareTable(client, comparison, table, among)
    }
    pass.hashed = comparison.hashed
    pass.traces = [...(await confirm(client, comparison)), ...(await findReturnedSubjects(client, among))]
    return pass
  })
}

/** To what searches and scrubs texts, an internal id is one more id from somewhere. */
export function searchedAs({ kind, value }: Pick<Trace, 'kind' | 'value'>): Identifier {
  return { kind: kind === 'internal_id' ? 'external_identity_id' : kind, value }
}

/**
 * Looks for the traces of one tenant again, now with their values. It uses the rules of the search at the end of a
 * follow-up, so the two never differ. `protect`: longer identifiers of people who are there.
 */
export async function confirmTraces(
  database: Database,
  tenant: string,
  traces: readonly Trace[],
  protect: readonly Identifier[],
): Promise<Trace[]> {
  const known = [
    ...new Map(traces.map((trace) => [JSON.stringify([trace.user, trace.kind, trace.value]), trace])).values(),
  ]
  if (known.length === 0) return []
  const { findings } = await searchDatabase(database, tenant, known.map(searchedAs), protect)
  return findings.flatMap(({ identifier, table, column, rows }) => {
    const trace = known[identifier]
    // The record of an erasure says whom it erased.
    if (trace === undefined || (trace.kind === 'internal_id' && table in erasureMap)) return []
    return [{ ...trace, table, column, rows }]
  })
}

async function compareTable(
  client: pg.PoolClient,
  comparison: Comparison,
  table: TextTable,
  tenants: string[],
): Promise<number> {
  const withTenant = table.tenantColumn !== undefined
  const skipped = withTenant ? 1 : 0
  comparison.begin(table)
  const scanner = new TokenScanner((token, place) => comparison.compare(token, place, skipped), {
    ...(withTenant && { groups: (tenant: string) => comparison.enter(tenant) }),
  })
  await copyTo(client, textsOf(table, tenants, { withTenant }), (chunk) => scanner.write(chunk))
  scanner.end()
  return scanner.bytes
}

type PurgedOfTenant = {
  id: string
  /** Tells the tokens of one tenant from those of another; empty where there is only one. */
  prefix: string
  hash: ((text: string) => string) | undefined
  /** The kinds of which there are tombstones. */
  kinds: Set<IdentifierKind>
}

type Purged = { tenants: Map<string, PurgedOfTenant>; hashes: BloomFilter; ids: BloomFilter }

/** Reads what to compare with: of tombstones and ledger as much as tells what is not among them. */
async function readPurged(
  database: Database,
  client: pg.PoolClient,
  tenants: readonly string[],
  pass: SweepPass,
): Promise<Purged> {
  const { rows } = await client.query<{ id: string; tombstones: number; entries: number; sealed_key: Buffer | null }>(
    `select given.id, k.sealed_key,
       (select count(*) from tombstones t where t.tenant_id = given.id) as tombstones,
       (select count(*) from erasure_ledger l where l.tenant_id = given.id and l.operation = 'purge') as entries
     from unnest($1::uuid[]) as given (id)
     left join tenant_keys k on k.tenant_id = given.id and k.purpose = 'identifier_hash'`,
    [tenants],
  )
  const purged = rows.filter(({ tombstones, entries }) => tombstones > 0 || entries > 0)
  for (const { tombstones, entries } of purged) {
    pass.tombstones += tombstones
    pass.entries += entries
  }
  const byTenant = new Map(
    purged.map(({ id, sealed_key }, index): [string, PurgedOfTenant] => [
      id,
      {
        id,
        prefix: purged.length === 1 ? '' : `${index} `,
        hash: sealed_key === null ? undefined : keyedHash(openWith(database.masterKey, sealed_key, 'tenant key')),
        kinds: new Set(),
      },
    ]),
  )
  const hashes = new BloomFilter(pass.tombstones)
  const ids = new BloomFilter(pass.entries)
  if (purged.length > 0) {
    const list = purged.map(({ id }) => `'${id}'`).join(', ')
    await readLines(
      client,
      `select tenant_id, kind, encode(substring(hash from 1 for 8), 'hex') from tombstones where tenant_id in (${list})`,
      ([tenant = '', kind = '', hash = '']) => {
        byTenant.get(tenant)?.kinds.add(kind as IdentifierKind)
        hashes.add(wordOf(hash, 0), wordOf(hash, 8))
      },
    )
    await readLines(
      client,
      `select user_id from erasure_ledger where operation = 'purge' and tenant_id in (${list})`,
      ([id = '']) => ids.add(...idWords(id)),
    )
  }
  return { tenants: byTenant, hashes, ids }
}

/** What may be a trace until the tombstones themselves say so, with the places it stands in. */
type Candidate = {
  tenant: string
  kind: TraceKind
  value: string
  /** Empty for an internal id. */
  hash: Buffer
  places: Map<string, { table: string; column: string; rows: number; lastValue: number }>
}

const noCandidates: Candidate[] = []
const mostRemembered = 100_000

/** Compares tokens, each one once as long as it is remembered. */
class Comparison {
  readonly #purged: Purged
  readonly #all: PurgedOfTenant[]
  /** Those that the row is compared with: its own tenant, or all. */
  #tenants: PurgedOfTenant[]
  #table: TextTable | undefined
  #withoutIds = false
  /** For each column whether its values, or the ends of them, are identifiers of people who are there. */
  #held: ReturnType<typeof heldIn>[] = []
  /** What was seen lately, and before that: nothing, nearly always. */
  #recent = new Map<string, Candidate[]>()
  #earlier = new Map<string, Candidate[]>()
  readonly candidates = new Map<string, Candidate>()
  hashed = 0
  #value = 0
  #valuesBefore = 0

  constructor(purged: Purged) {
    this.#purged = purged
    this.#all = [...purged.tenants.values()]
    this.#tenants = this.#all
  }

  begin(table: TextTable): void {
    this.#table = table
    this.#tenants = this.#all
    this.#withoutIds = table.name in erasureMap
    this.#held = table.columns.map((column) => heldIn(table.name, column))
    this.#valuesBefore += this.#value + 1
    this.#value = 0
  }

  enter(tenant: string): void {
    const purged = this.#purged.tenants.get(tenant)
    this.#tenants = purged === undefined ? [] : [purged]
  }

  compare(token: string, { column, value, first, last }: TokenPlace, skipped: number): void {
    if (last) {
      const held = this.#held[column - skipped]
      if (held === 'end' || (held === 'whole' && first)) return
    }
    this.#value = value
    for (const tenant of this.#tenants) {
      for (const candidate of this.#candidatesOf(tenant, token)) {
        if (candidate.kind === 'internal_id' && this.#withoutIds) continue
        this.#count(candidate, this.#table?.columns[column - skipped] ?? '')
      }
    }
  }

  #candidatesOf(tenant: PurgedOfTenant, token: string): Candidate[] {
    const key = tenant.prefix + token
    let known = this.#recent.get(key)
    if (known !== undefined) return known
    known = this.#earlier.get(key) ?? this.#look(tenant, token)
    this.#recent.set(key, known)
    if (this.#recent.size >= mostRemembered) {
      this.#earlier = this.#recent
      this.#recent = new Map()
    }
    return known
  }

  #look(tenant: PurgedOfTenant, token: string): Candidate[] {
    let found = noCandidates
    for (const kind of kindsOf(token)) {
      if (tenant.hash === undefined || !tenant.kinds.has(kind)) continue
      for (const form of formsOf(kind, token)) {
        this.hashed++
        const hash = tenant.hash(hashedText(kind, form))
        if (!this.#purged.hashes.mayHold(wordAt(hash, 0), wordAt(hash, 4))) continue
        found = [...found, this.#candidate(tenant, kind, identifierKey(kind, token), Buffer.from(hash, 'latin1'))]
      }
    }
    if (isId(token) && this.#purged.ids.mayHold(...idWords(token))) {
      found = [...found, this.#candidate(tenant, 'internal_id', token, Buffer.alloc(0))]
    }
    return found
  }

  #candidate({ id }: PurgedOfTenant, kind: TraceKind, value: string, hash: Buffer): Candidate {
    // The same value under two hashes: by two versions of the fold.
    const key = `${id} ${kind} ${value} ${hash.toString('latin1')}`
    const candidate = this.candidates.get(key) ?? { tenant: id, kind, value, hash, places: new Map() }
    this.candidates.set(key, candidate)
    return candidate
  }

  /** Once a value, however often it stands there. */
  #count({ places }: Candidate, column: string): void {
    const table = this.#table?.name ?? ''
    const lastValue = this.#valuesBefore + this.#value
    const place = places.get(`${table} ${column}`)
    if (place === undefined) places.set(`${table} ${column}`, { table, column, rows: 1, lastValue })
    else if (place.lastValue !== lastValue) {
      place.rows++
      place.lastValue = lastValue
    }
  }
}

/**
 * The users' own columns hold what living users hold, which is no trace: most hashes are saved by this. A claims string
 * ends with the login name that counts; what is longer, of the string or of what is in it, is that user's too.
 */
function heldIn(table: string, column: string): 'whole' | 'end' | undefined {
  const entry: AnyEntry | undefined = (dataMap as Record<string, AnyEntry>)[table]
  const is = entry?.about === 'themselves' ? entry.columns[column] : undefined
  if (is?.is === 'identifier') return is.kind === 'login_name' ? 'end' : 'whole'
  return is?.is === 'derived' ? 'whole' : undefined
}

const candidatesAtATime = 1000

/** Asks the tombstones and the ledger themselves. What several kinds of identifiers say of one value counts once. */
async function confirm(client: pg.PoolClient, { candidates }: Comparison): Promise<Trace[]> {
  const traces = new Map<string, Trace>()
  const all = [...candidates.values()].filter(({ places }) => places.size > 0)
  for (let from = 0; from < all.length; from += candidatesAtATime) {
    const some = all.slice(from, from + candidatesAtATime)
    const { rows } = await client.query<{ position: number; user_id: string }>(
      `select given.position::int - 1 as position, named.user_id
       from unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]) with ordinality as given (tenant_id, kind, hash, value, position)
       cross join lateral (
         (select user_id from tombstones t
          where t.tenant_id = given.tenant_id and t.kind = given.kind and t.hash = given.hash
          order by created_at desc, user_id desc limit 1)
         union all
         (select user_id from erasure_ledger l
          where given.kind = 'internal_id' and l.tenant_id = given.tenant_id and l.operation = 'purge'
            and l.user_id = case when given.kind = 'internal_id' then given.value::uuid end
          limit 1)
       ) named
       order by 1`,
      [
        some.map(({ tenant }) => tenant),
        some.map(({ kind }) => kind),
        some.map(({ hash }) => hash),
        some.map(({ value }) => value),
      ],
    )
    for (const { position, user_id } of rows) {
      const candidate = some[position]
      if (candidate === undefined) continue
      const { tenant, kind, value } = candidate
      for (const { table, column, rows } of candidate.places.values()) {
        const key = JSON.stringify([tenant, user_id, value, table, column])
        if (!traces.has(key)) traces.set(key, { tenant, user: user_id, kind, value, table, column, rows })
      }
    }
  }
  return [...traces.values()]
}

/** Purged people who are there again as users, under the same internal id: an older backup was restored. */
async function findReturnedSubjects(client: pg.PoolClient, tenants: string[]): Promise<Trace[]> {
  const { rows } = await client.query<{ tenant: string; user: string }>(
    `select distinct u.tenant_id as tenant, u.id as "user"
     from erasure_ledger l join users u on u.tenant_id = l.tenant_id and u.id = l.user_id
     where l.tenant_id = any($1) and l.operation = 'purge'`,
    [tenants],
  )
  return rows.map(({ tenant, user }) => ({
    tenant,
    user,
    kind: 'internal_id',
    value: user,
    table: 'users',
    column: 'id',
    rows: 1,
  }))
}

/** Calls with the columns of each row of a query that has neither tabs nor backslashes in them. */
async function readLines(client: pg.PoolClient, query: string, onRow: (columns: string[]) => void): Promise<void> {
  let rest = ''
  await copyTo(client, query, (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onRow(line.split('\t'))
  })
}

const id = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

function isId(token: string): boolean {
  return token.length === 36 && id.test(token)
}

/** The last words of a UUID: its random ones. */
function idWords(uuid: string): [number, number] {
  return [wordOf(uuid, 28), wordOf(uuid.slice(19, 23) + uuid.slice(24, 28), 0)]
}

function wordOf(hex: string, from: number): number {
  return Number.parseInt(hex.slice(from, from + 8), 16)
}

function wordAt(bytes: string, from: number): number {
  let word = 0
  for (let index = from; index < from + 4; index++) word = (word << 8) | bytes.charCodeAt(index)
  return word
}

/** What a tombstone of this token may have been hashed as, by any version of the fold. */
function formsOf(kind: IdentifierKind, token: string): readonly string[] {
  if (isPlain(token)) return [token]
  const forms = new Set(formsOfEveryVersion(kind, token))
  // The first version knew nothing of the two forms of a domain.
  for (const spelling of domainSpellings(identifierKey(kind, token))) forms.add(normalFormV1(kind, spelling))
  return [...forms]
}

/** In every form already: ASCII in lower case, and no domain that can be written in another way. */
function isPlain(token: string): boolean {
  for (let index = 0; index < token.length; index++) if (token.charCodeAt(index) > 0x7e) return false
  return !token.includes('xn--')
}
