import { record } from '../../audit/record.ts'
import { type HoldInForce, heldPeople, holdsInForce } from '../../holds/held-people.ts'
import { keyFingerprint, openWith } from '../../keyring/identifier-hash-key.ts'
import { activeAdministrators } from '../../people/accounts/administrators.ts'
import { type Candidate, readCandidates } from '../../people/accounts/candidates.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { actingFor, type Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../../platform/database/transaction.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { waitForErasure } from '../requests/wait-for-erasure.ts'
import type { RequestState } from '../states.ts'
import { stateSets } from '../states.ts'
import { type ErasedLine, type LedgerLine, readLedgerLines, type TombstoneLine } from './ledger-file.ts'

const linesAtATime = 1000

export type ReplayOptions = {
  /** What `lethe ledger export` wrote. */
  file: string
  /** Only this tenant; without it, every one in the file. */
  tenant?: string | undefined
  /** So many of the people who are there again are named in the plan; none if not given. */
  mostNamed?: number
}

export type ReplayPlan = {
  /** Lines of the file that say who was erased, in tenants that exist. */
  entries: number
  /** People of them who are there again. */
  people: number
  /** The first of them. */
  named: Candidate[]
  /** Tenants of the file that this database does not have, and how many entries each has. */
  unknownTenants: { tenant: string; entries: number }[]
}

export type Replay = Omit<ReplayPlan, 'named'> & {
  /** Which request was repeated by which new one, how many people it names, and how it ended. */
  repeated: { tenant: string; request: string; repeatedBy: string; people: number; state: RequestState }[]
  /** Unfinished requests of the database itself that name people of the ledger, and how they ended. */
  continued: { tenant: string; request: string; state: RequestState }[]
  /** Entries whose person is not there: nothing was to be done. */
  nothingNeeded: number
  /** Entries and tombstones that the database had lost and has again. */
  restored: { entries: number; tombstones: number }
  /** Tenants whose tombstones could not be restored, because they were made with another key than the tenant has now. */
  otherHashKey: string[]
  /** Tenants that have no active administrator left. */
  withoutAdministrator: string[]
  /** People of the ledger who are still there; zero, or the replay is not complete. */
  left: number
  /** Of these, the ones that a legal hold covers: the release lets their erasure go on. */
  held: number
  /** The holds that cover them. */
  holds: HoldInForce[]
}

/** What a replay does, the ledger has set in motion, in the name of whoever replays it. */
function byLedger(database: Database): Database {
  return actingFor(database, { ...database.initiator, from: 'ledger' })
}

/**
 * Reads a ledger file to its end, so that it is known to be whole, and counts what a replay would do; changes nothing.
 * Throws `input.file_unreadable`, `ledger.damaged`, `ledger.other_master_key`.
 */
export async function planReplay(database: Database, options: ReplayOptions): Promise<ReplayPlan> {
  const { mostNamed = 0 } = options
  const plan: ReplayPlan = { entries: 0, people: 0, named: [], unknownTenants: [] }
  const people = new Set<string>()
  for await (const { tenant, exists, lines } of batches(database, options)) {
    const entries = lines.filter(isErased)
    if (!exists) addUnknown(plan, tenant, entries.length)
    else {
      plan.entries += entries.length
      await inTenant(database, tenant, async (tx) => {
        const back = (await findBack(tx, entries)).map(({ id }) => id).filter((id) => !people.has(id))
        plan.named.push(...(await readCandidates(tx, back.slice(0, Math.max(0, mostNamed - plan.named.length)))))
        for (const id of back) people.add(id)
      })
    }
  }
  plan.people = people.size
  return plan
}

/**
 * Repeats the erasure of all people of a ledger file that exist again after an older backup was restored. Deletes them
 * if needed, makes one erasure request for each request of the ledger, and waits for the end. Restores the entries and
 * tombstones that the backup lacks. Workers must be running. A second replay finds nothing to do. The file is read to
 * its end first: one that is not whole changes nothing.
 *
 * Throws like {@link planReplay}.
 */
export async function replayLedger(
  given: Database,
  options: ReplayOptions & {
    signal?: AbortSignal
    /** The requests that the replay waits for from now on. */
    onOrdered?: (requests: { tenant: string; request: string }[]) => Promise<void>
    onProgress?: (done: number, total: number) => void
  },
): Promise<Replay> {
  const database = byLedger(given)
  const { named: _, ...plan } = await planReplay(database, { file: options.file, tenant: options.tenant })
  const replay: Replay = {
    ...plan,
    repeated: [],
    continued: [],
    nothingNeeded: 0,
    restored: { entries: 0, tombstones: 0 },
    otherHashKey: [],
    withoutAdministrator: [],
    left: 0,
    held: 0,
    holds: [],
  }
  const back = await orderAgain(database, options, replay)
  await options.onOrdered?.([
    ...replay.repeated.map(({ tenant, repeatedBy }) => ({ tenant, request: repeatedBy })),
    ...replay.continued.map(({ tenant, request }) => ({ tenant, request })),
  ])
  await waitForAll(database, options, replay)
  await restoreTombstones(database, options, replay)
  for (const [tenant, people] of back) {
    await inTenant(database, tenant, async (tx) => {
      const left = await findLeft(tx, people)
      const held = await heldPeople(tx, left)
      replay.left += left.length
      replay.held += held.size
      if (held.size > 0) replay.holds.push(...(await holdsInForce(tx, [...held])))
      const details = { people: people.size, left: left.length, held: held.size }
      await record(tx, { activity: 'LedgerReplayed', object: tenant, details })
      if ((await activeAdministrators(tx)).length === 0) replay.withoutAdministrator.push(tenant)
    })
  }
  return replay
}

/** Everybody who was there again, by tenant, and what the ledger says of them. */
type Back = Map<string, Map<string, ErasedLine['operation']>>

async function orderAgain(database: Database, options: ReplayOptions, replay: Replay): Promise<Back> {
  const back: Back = new Map()
  const continued = new Map<string, string>()
  let next: { tenant: string; request: string; operation: ErasedLine['operation']; people: string[] } | undefined
  const orderNext = async () => {
    if (next === undefined) return
    const { tenant, request, operation, people } = next
    const repeatedBy = await inTenant(database, tenant, (tx) => repeat(tx, { request, operation, people }))
    replay.repeated.push({ tenant, request, repeatedBy, people: people.length, state: 'queued' })
  }
  for await (const { tenant, exists, lines } of batches(database, options)) {
    if (!exists) continue
    const entries = lines.filter(isErased)
    const found = await inTenant(database, tenant, async (tx) => {
      for (const line of lines) if (line.type === 'tenant') await restoreHashKey(tx, line, replay)
      replay.restored.entries += await restoreEntries(tx, entries)
      return new Map((await findBack(tx, entries)).map((person) => [person.id, person]))
    })
    const ofTenant: Map<string, ErasedLine['operation']> = back.get(tenant) ?? new Map()
    if (found.size > 0) back.set(tenant, ofTenant)
    for (const { request, user, operation } of entries) {
      const known = ofTenant.get(user)
      if (known === 'purge' || known === operation) continue
      const person = found.get(user)
      if (person === undefined) {
        replay.nothingNeeded++
        continue
      }
      ofTenant.set(user, operation)
      if (person.pending !== null) continued.set(person.pending, tenant)
      else {
        if (next?.tenant !== tenant || next.request !== request || next.operation !== operation) {
          await orderNext()
          next = { tenant, request, operation, people: [] }
        }
        next.people.push(user)
      }
    }
  }
  await orderNext()
  for (const [request, tenant] of continued) replay.continued.push({ tenant, request, state: 'queued' })
  return back
}

/** Deletes the people who are not deleted yet and requests their erasure, in one transaction. A repeated anonymization shows no salt. */
async function repeat(
  tx: TenantTransaction,
  { request, operation, people }: { request: string; operation: ErasedLine['operation']; people: string[] },
): Promise<string> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users where tenant_id = $1 and id = any($2::uuid[]) and state in ('active', 'suspended')`,
    [tx.tenantId, people],
  )
  if (rows.length > 0) {
    await deleteUsers(tx, { userIds: rows.map(({ id }) => id), lastAdministratorToo: true })
  }
  const ordered = await requestErasure(tx, {
    operation,
    userIds: people,
    reason: `Repeats erasure request ${request}: a restored backup had brought its people back.`,
    safeguards: 'holds',
  })
  return ordered.request
}

/** The key comes first, so that no erasure makes another one: without it the tombstones of the ledger say nothing. */
async function restoreHashKey(
  tx: TenantTransaction,
  { identifier_hash_key: given }: Extract<LedgerLine, { type: 'tenant' }>,
  replay: Replay,
): Promise<void> {
  if (given === null) return
  await tx.query(
    `insert into tenant_keys (tenant_id, purpose, sealed_key) values ($1, 'identifier_hash', $2) on conflict do nothing`,
    [tx.tenantId, Buffer.from(given.sealed, 'base64')],
  )
  const { rows } = await tx.query<{ sealed_key: Buffer }>(
    `select sealed_key from tenant_keys where tenant_id = $1 and purpose = 'identifier_hash'`,
    [tx.tenantId],
  )
  const present = rows[0]?.sealed_key
  if (present === undefined) throw new Error('the key of the tenant was just inserted and is not there')
  if (keyFingerprint(openWith(tx.masterKey, present, 'tenant key')) !== given.fingerprint) {
    replay.otherHashKey.push(tx.tenantId)
  }
}

async function restoreEntries(tx: TenantTransaction, entries: ErasedLine[]): Promise<number> {
  const { rowCount } = await tx.query(
    `insert into erasure_ledger (tenant_id, request_id, user_id, operation, erased_at, map_version)
     select $1, given.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[]) as given
     on conflict do nothing`,
    [
      tx.tenantId,
      entries.map(({ request }) => request),
      entries.map(({ user }) => user),
      entries.map(({ operation }) => operation),
      entries.map(({ erased_at }) => erased_at),
      entries.map(({ map_version }) => map_version),
    ],
    'restore_ledger',
  )
  return rowCount
}

/** Who is there though the ledger says otherwise, and the unfinished request that names the person already. */
async function findBack(
  tx: TenantTransaction,
  entries: ErasedLine[],
): Promise<{ id: string; pending: string | null }[]> {
  const { rows } = await tx.query<{ id: string; pending: string | null }>(
    `select u.id, s.request_id as pending
     from unnest($2::uuid[], $3::text[]) as given (user_id, operation)
     join users u on u.tenant_id = $1 and u.id = given.user_id and (given.operation = 'purge' or u.state <> 'anonymized')
     left join erasure_subjects s on s.tenant_id = $1 and s.user_id = u.id
       and s.state in ${stateSets.pending}`,
    [tx.tenantId, entries.map(({ user }) => user), entries.map(({ operation }) => operation)],
    'find_people_back',
  )
  return rows
}

async function waitForAll(
  database: Database,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void },
  { repeated, continued }: Replay,
): Promise<void> {
  const total = repeated.reduce((sum, { people }) => sum + people, 0)
  let done = 0
  for (const { tenant, id, people, end } of [
    ...repeated.map((one) => ({ ...one, id: one.repeatedBy, end: one })),
    ...continued.map((one) => ({ ...one, id: one.request, people: 0, end: one })),
  ]) {
    const { state } = await waitForErasure(database, tenant, id, {
      until: 'ended',
      ...(options.signal !== undefined && { signal: options.signal }),
      onProgress: ({ subjects }) => {
        options.onProgress?.(done + (people === 0 ? 0 : subjects.gone), total)
      },
    })
    end.state = state
    done += people
  }
}

/** After the purges, whose own tombstones belong to the new requests and their certificates. */
async function restoreTombstones(database: Database, options: ReplayOptions, replay: Replay): Promise<void> {
  for await (const { tenant, exists, lines } of batches(database, options)) {
    const stones = lines.filter((line): line is TombstoneLine => line.type === 'tombstone')
    if (!exists || stones.length === 0 || replay.otherHashKey.includes(tenant)) continue
    const { rowCount } = await inTenant(database, tenant, (tx) =>
      tx.query(
        `insert into tombstones (tenant_id, request_id, user_id, kind, hash, created_at, fold_version)
         select $1, given.*
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::timestamptz[], $7::smallint[]) as given
         on conflict do nothing`,
        [
          tx.tenantId,
          stones.map(({ request }) => request),
          stones.map(({ user }) => user),
          stones.map(({ kind }) => kind),
          stones.map(({ hash }) => Buffer.from(hash, 'hex')),
          stones.map(({ created_at }) => created_at),
          // Files of the first version of the fold do not say it.
          stones.map(({ fold_version = 1 }) => fold_version),
        ],
        'restore_tombstones',
      ),
    )
    replay.restored.tombstones += rowCount
  }
}

async function findLeft(tx: TenantTransaction, people: Map<string, ErasedLine['operation']>): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select u.id from unnest($2::uuid[], $3::text[]) as given (user_id, operation)
     join users u on u.tenant_id = $1 and u.id = given.user_id and (given.operation = 'purge' or u.state <> 'anonymized')`,
    [tx.tenantId, [...people.keys()], [...people.values()]],
  )
  return rows.map(({ id }) => id)
}

type Batch = { tenant: string; exists: boolean; lines: LedgerLine[] }

/** The lines of the file, up to a thousand of one tenant at a time. */
async function* batches(database: Database, options: ReplayOptions): AsyncGenerator<Batch> {
  const present = new Set(await tenantIds(database))
  let batch: Batch | undefined
  for await (const line of readLedgerLines(options.file, database.masterKey)) {
    if (options.tenant !== undefined && line.tenant !== options.tenant) continue
    if (batch !== undefined && (batch.tenant !== line.tenant || batch.lines.length >= linesAtATime)) {
      yield batch
      batch = undefined
    }
    batch ??= { tenant: line.tenant, exists: present.has(line.tenant), lines: [] }
    batch.lines.push(line)
  }
  if (batch !== undefined) yield batch
}

function isErased(line: LedgerLine): line is ErasedLine {
  return line.type === 'erased'
}

function addUnknown({ unknownTenants }: ReplayPlan, tenant: string, entries: number): void {
  const known = unknownTenants.find((unknown) => unknown.tenant === tenant)
  if (known === undefined) unknownTenants.push({ tenant, entries })
  else known.entries += entries
}
