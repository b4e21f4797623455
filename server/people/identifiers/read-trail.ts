import type { Logger } from 'pino'
import { openValues } from '../../audit/open-values.ts'
import { keysOfUsers } from '../../audit/subject-keys.ts'
import { keepWords, type WordHash, wordHasher, wordsOfValues, wordsVersion } from '../../audit/words.ts'
import { identifierColumns } from '../../datamap/identifier-columns.ts'
import { identifierKey } from '../../identifiers/identifier-key.ts'
import { erasedMark } from '../../identifiers/texts/scrub-value.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../../platform/database/transaction.ts'
import { type FormerValue, keepFormer } from './former-identifiers.ts'

/** So many entries are read in one transaction. */
const entriesAtATime = 500

/**
 * The job that reads the entries from before the indexes of the trail, in all tenants. It collects the former
 * identifiers of users, and the words of sealed values. It goes on where it was stopped, and may run at any time and
 * any number of times. A tenant that was read is written down as read, and not read again.
 */
export async function readTrails(database: Database, log: Pick<Logger, 'info'>): Promise<void> {
  for (const id of await tenantIds(database)) {
    await readTrail(database, id, log)
  }
}

/** The tenants that this process knows to be read. */
const known = new WeakMap<Database['pool'], Set<string>>()

/** Reads the trail of one tenant to its end, where that has not happened yet. Throws `master_key.wrong`. */
export async function readTrail(database: Database, tenant: string, log?: Pick<Logger, 'info'>): Promise<void> {
  const finished = known.get(database.pool) ?? new Set<string>()
  known.set(database.pool, finished)
  if (finished.has(tenant)) return
  for (;;) {
    const { entries, done, read } = await inTenant(database, tenant, readPortion)
    if (read > 0) log?.info({ tenant, entries, done }, 'the audit trail is read for former identifiers')
    if (!done) continue
    finished.add(tenant)
    return
  }
}

type Progress = { entries: number; read: number; done: boolean }

/** Reads the next entries, in the transaction given. Whoever comes second waits, and goes on behind them. */
async function readPortion(tx: TenantTransaction): Promise<Progress> {
  await tx.query(
    `insert into audit_readings as r (tenant_id, version) values ($1, $2)
     on conflict (tenant_id) do update
       set version = excluded.version, last_entry = null, entries = 0, started_at = excluded.started_at, finished_at = null
       where r.version <> excluded.version`,
    [tx.tenantId, wordsVersion],
  )
  const { rows: readings } = await tx.query<{ last_entry: string | null; entries: number; finished: boolean }>(
    `select last_entry, entries, finished_at is not null as finished from audit_readings where tenant_id = $1 for update`,
    [tx.tenantId],
  )
  const [reading] = readings
  if (reading === undefined) throw new Error('how far the trail is read was just written down and is not there')
  if (reading.finished) return { entries: reading.entries, read: 0, done: true }
  const { rows } = await tx.query<{ id: string; subject_id: string }>(
    `select e.id, e.subject_id from audit_entries e
     join person_keys k on k.tenant_id = e.tenant_id and k.user_id = e.subject_id
     where e.tenant_id = $1 and e.id > $2 and e.sealed_values is not null
     order by e.id limit ${entriesAtATime}`,
    [tx.tenantId, reading.last_entry ?? '00000000-0000-0000-0000-000000000000'],
  )
  const done = rows.length < entriesAtATime
  await readEntries(tx, rows)
  const entries = reading.entries + rows.length
  await tx.query(
    `update audit_readings set last_entry = coalesce($2, last_entry), entries = $3, finished_at = $4 where tenant_id = $1`,
    [tx.tenantId, rows.at(-1)?.id ?? null, entries, done ? new Date() : null],
  )
  return { entries, read: rows.length, done }
}

async function readEntries(tx: TenantTransaction, found: readonly { id: string; subject_id: string }[]): Promise<void> {
  if (found.length === 0) return
  const users = [...new Set(found.map(({ subject_id }) => subject_id))]
  // From here on no erasure of somebody else takes anything out of what is read.
  const keys = await keysOfUsers(tx, users)
  const [{ rows }, current, hash] = await Promise.all([
    tx.query<{ subject_id: string; activity: string; at: Date; sealed: Buffer }>(
      `select e.subject_id, e.activity, e.at, coalesce(r.sealed_values, e.sealed_values) as sealed
       from audit_entries e left join audit_resealed r on r.tenant_id = e.tenant_id and r.entry_id = e.id
       where e.tenant_id = $1 and e.id = any ($2::uuid[]) order by e.id`,
      [tx.tenantId, found.map(({ id }) => id)],
    ),
    readCurrent(tx, users),
    wordHasher(tx),
  ])
  const words = new Map(users.map((user) => [user, new Set<WordHash>()]))
  const former: FormerValue[] = []
  for (const { subject_id: user, activity, at, sealed } of rows) {
    const [key, ofUser] = [keys.get(user), words.get(user)]
    const values = key === undefined ? null : openValues(key, sealed)
    if (values === null || ofUser === undefined) continue
    wordsOfValues(hash, values, ofUser)
    if (activity === 'UserCreated') former.push(...valuesIn(user, values, at))
    // Until then it was the one before; the one after is not the one of today if an import came later.
    if (activity === 'UserUpdated') {
      former.push(...valuesIn(user, values.before, at, false), ...valuesIn(user, values.after, at))
    }
  }
  keepWords(tx, words)
  await keepFormer(
    tx,
    former.filter(({ userId, kind, value }) => !current.get(userId)?.has(`${kind} ${identifierKey(kind, value)}`)),
  )
}

/** The identifiers among recorded values. `since`: the user has them from then on, as far as the entry says. */
function valuesIn(userId: string, values: unknown, at: Date, since = true): FormerValue[] {
  if (typeof values !== 'object' || values === null) return []
  const recorded = values as Record<string, unknown>
  return identifierColumns.flatMap(({ column, kind }) => {
    const value = recorded[column]
    if (typeof value !== 'string' || value === erasedMark) return []
    return [{ userId, kind, value, until: at, since: since ? at : undefined }]
  })
}

async function readCurrent(tx: TenantTransaction, users: readonly string[]): Promise<Map<string, Set<string>>> {
  const columns = identifierColumns.map(({ column }) => column)
  const { rows } = await tx.query<{ id: string } & Record<string, string | null>>(
    `select id, ${columns.join(', ')} from users where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, users],
  )
  return new Map(
    rows.map((row) => {
      const values = identifierColumns.flatMap(({ column, kind }) => {
        const value = row[column]
        return value == null ? [] : [`${kind} ${identifierKey(kind, value)}`]
      })
      return [row.id, new Set(values)]
    }),
  )
}
