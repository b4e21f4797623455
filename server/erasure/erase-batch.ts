import pg from 'pg'
import type { Application } from '../application.ts'
import { recordErased } from '../audit/record-erased.ts'
import type { Operation } from '../datamap/compile.ts'
import { compiledMap } from '../datamap/compiled.ts'
import { erase, prepareActs, scrub } from '../datamap/erase.ts'
import type { Identifier } from '../datamap/identifiers.ts'
import { type Effect, type Located, locate } from '../datamap/locate.ts'
import { canLookUp } from '../datamap/mentions.ts'
import { lockPeople } from '../datamap/people.ts'
import { sessionsTaughtBy, sessionsWithoutInstructor } from '../learning/needs.ts'
import { notify } from '../notify/notify.ts'
import { activeAdministrators } from '../people/administrators.ts'
import { findHeir } from '../people/heir.ts'
import { codeOf } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { isLetheError } from '../platform/errors.ts'
import { certify, lockRequest, readForCertificate } from './certify.ts'
import { recordScrubbed } from './conclude-erasure.ts'
import { findSubjects } from './find-subjects.ts'
import { hashIdentifier, identifierHashKey, openWith } from './keys.ts'
import { recordResidue, residueOf } from './residue.ts'
import { openIdentifiers, sealIdentifiers } from './sealed-identifiers.ts'
import { findSharedIdentifiers } from './shared-identifiers.ts'

/**
 * People erased in one transaction: enough for set-based deletes, few enough that nobody waits long for their locks and
 * that two jobs end at about the same time.
 */
export const batchSize = 500

/**
 * Whether a job works on a request alone. Jobs share a request until they meet in a deadlock, because the people of one
 * refer to those of the other; from then on they take turns.
 */
export type Turn = { alone: boolean }

/**
 * Erases the next people of a request in one transaction, together with the record of it. Answers `more` while there may
 * be others. Where these are all that the request has left to do, the same transaction verifies and certifies, and the
 * answer is `concluded`. Where the whole batch cannot be erased, each of its people is tried alone, and who fails is
 * marked with the reason: one person never stalls the others.
 */
export async function eraseBatch(
  app: Application,
  tenant: string,
  request: string,
  turn: Turn,
): Promise<'more' | 'none' | 'concluded'> {
  let claimed: string[] = []
  let attempts = 0
  try {
    return await inTenant(app.database, tenant, async (tx) => {
      if (++attempts > 1) turn.alone = true
      const [, { subjects, all }] = await Promise.all([takeTurn(tx, request, turn), claim(tx, request, batchSize)])
      claimed = subjects.map(({ id }) => id)
      if (subjects.length === 0) return 'none'
      await eraseClaimed(tx, request, subjects, all)
      if (all) return 'concluded'
      return subjects.length === batchSize ? 'more' : 'none'
    })
  } catch (error) {
    if (isPassing(error) || claimed.length === 0) throw error
    await eraseOneByOne(app, tenant, request, claimed)
    return claimed.length === batchSize ? 'more' : 'none'
  }
}

async function eraseOneByOne(app: Application, tenant: string, request: string, people: string[]): Promise<void> {
  for (const person of people) {
    try {
      await inTenant(app.database, tenant, async (tx) => {
        const { subjects } = await claim(tx, request, 1, person)
        if (subjects.length > 0) await eraseClaimed(tx, request, subjects, false)
      })
    } catch (error) {
      if (isPassing(error)) throw error
      await inTenant(app.database, tenant, (tx) => markFailed(tx, request, person, failureOf(error)))
    }
  }
}

/** Waits until no other batch of the request works alone; and, to work alone, until no other batch works at all. */
async function takeTurn(tx: TenantTransaction, request: string, { alone }: Turn): Promise<void> {
  const lock = alone ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared'
  await tx.query(`select ${lock}(hashtextextended($1, 0))`, [request], lock)
}

/** A person taken from a request, with what an earlier run of it sealed, and what the request says of its work. */
type Claimed = {
  id: string
  sealedIdentifiers: Buffer | null
  operation: Operation
  sealedKey: Buffer | null
  requestedBy: string | null
}

/**
 * Takes people that wait in this request; those that another job has taken are passed over. `all`: nobody else of the
 * request waits, and nobody is erased and not yet verified.
 */
async function claim(
  tx: TenantTransaction,
  request: string,
  limit: number,
  person?: string,
): Promise<{ subjects: Claimed[]; all: boolean }> {
  const { rows } = await tx.query<Claimed & { unfinished: number }>(
    `select s.user_id as id, s.sealed_identifiers as "sealedIdentifiers", r.operation, r.sealed_key as "sealedKey",
       r.requested_by as "requestedBy", (
         select count(*)::int from erasure_subjects
         where tenant_id = $1 and request_id = $2 and state in ('queued', 'running')
       ) as unfinished
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     where s.tenant_id = $1 and s.request_id = $2 and s.state = 'queued' and ($3::uuid is null or s.user_id = $3)
     order by s.user_id limit $4 for update of s skip locked`,
    [tx.tenantId, request, person ?? null, limit],
    'claim_subjects',
  )
  return { subjects: rows, all: rows[0]?.unfinished === rows.length }
}

/** Waits until somebody of this request is free to be taken, or nobody waits any more. */
export async function awaitWaiting(tx: TenantTransaction, request: string): Promise<void> {
  await tx.query(
    `select from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state = 'queued' order by user_id limit 1 for update`,
    [tx.tenantId, request],
  )
}

/**
 * Erases those who were taken and verifies by the map what is left of them: who left something fails. With `all` their
 * mentions go too, the others are done, and the request is certified; otherwise that comes when all of it are erased.
 */
async function eraseClaimed(tx: TenantTransaction, request: string, claimed: Claimed[], all: boolean): Promise<void> {
  const [{ operation, sealedKey, requestedBy } = { operation: 'purge', sealedKey: null, requestedBy: null }] = claimed
  if (sealedKey === null) throw new Error('the request has subjects but no key')
  // Nobody hears of such a batch before the certificate, whose commit writes the batch to disk too.
  if (!all) tx.send('set local synchronous_commit = off')
  const requestKey = openWith(tx.masterKey, sealedKey, 'request key')
  const ids = claimed.map(({ id }) => id)
  const [people, locatedOfAll] = await Promise.all([lockPeople(tx, ids), locate(tx, operation, ids)])
  // Whose rows an earlier run erased, and who is tried again because something of them was left.
  const erasedBefore = new Map(
    claimed.flatMap(({ id, sealedIdentifiers }) =>
      sealedIdentifiers === null ? [] : [[id, openIdentifiers(requestKey, sealedIdentifiers)] as const],
    ),
  )
  // Checked when it was ordered, and again right before acting.
  const [deleted, others] = [
    people.filter(({ state }) => state === 'deleted'),
    people.filter(({ id, state }) => state !== 'deleted' && !erasedBefore.has(id)),
  ]
  for (const { id } of others) await markFailed(tx, request, id, { code: 'user.not_deleted', reason: 'not deleted' })
  const subjects = new Map(deleted.map(({ id, identifiers }) => [id, identifiers]))
  for (const [id, identifiers] of erasedBefore) subjects.set(id, identifiers)
  const known = new Set([...people.map(({ id }) => id), ...erasedBefore.keys()])
  for (const person of ids.filter((id) => !known.has(id))) {
    await markFailed(tx, request, person, { code: 'user.not_found', reason: 'gone before this request came to it' })
  }
  if (subjects.size === 0) {
    if (!all) return
    lockRequest(tx, request)
    await certify(tx, request, await readForCertificate(tx, request))
    return
  }

  const ownIds = [...subjects.keys()]
  // What stands in the rows of whoever stays is counted, so the count depends on who goes.
  const located = ownIds.length === ids.length ? locatedOfAll : await locate(tx, operation, ownIds)
  const teaches = located.some(({ table }) => table === 'session_instructors')
  const taught = teaches ? await sessionsTaughtBy(tx, ownIds) : []
  const identifiers = [...subjects.values()].flat()
  // Who is anonymized may come back as somebody new: nothing remembers the identifiers.
  const hashKey = operation === 'purge' ? await identifierHashKey(tx) : undefined
  const options = {
    operation,
    people: ownIds,
    located,
    findHeir: () => findHeir(tx, requestedBy ?? undefined, ownIds),
    // Alone in the request, they are all of it; their state says so no longer once they are recorded.
    findAlsoErased: async (people: string[]) =>
      all ? new Set(people.filter((id) => subjects.has(id))) : await findSubjects(tx, request, people),
  }
  const acts = await prepareActs(options)
  const sharing = findSharedIdentifiers(tx, request, identifiers, ownIds)
  const mentioned = { ...options, identifiers, shared: sharing }
  const erasing = erase(tx, acts, options)
  // Sent with the acts, the look-up finds what those leave. Many are looked for when nothing else is under way.
  const together = all && canLookUp(identifiers)
  const scrubbing = together ? scrub(tx, mentioned) : undefined
  const remember = async () => {
    const shared = await sharing
    const isOwn = ({ value }: Identifier) => !shared.has(value)
    const remembered = ownIds.map((id) => {
      const identifiers = subjects.get(id) ?? []
      return {
        id,
        sealed: sealIdentifiers(requestKey, identifiers),
        hashes:
          hashKey === undefined
            ? []
            : identifiers
                // A follow-up may look for the internal id too; that one is in the ledger.
                .filter((identifier) => isOwn(identifier) && identifier.value !== id)
                .map((identifier) => ({ kind: identifier.kind, hash: hashIdentifier(hashKey, identifier) })),
        // Who is tried again was counted the first time.
        shared: erasedBefore.has(id) ? 0 : identifiers.filter((identifier) => !isOwn(identifier)).length,
      }
    })
    return { remembered, own: identifiers.filter(isOwn) }
  }
  const recording = async () => {
    const [{ effects, left }, { remembered, own }] = await Promise.all([erasing, remember()])
    if (taught.length > 0) await tellOfSessions(tx, request, await sessionsWithoutInstructor(tx, taught))
    await recordErased(tx, { operation, request, people: ownIds, identifiers: own })
    // Of whom something is left is said to have failed next, by name of the tables.
    record(tx, request, { operation, state: all ? 'done' : 'running', effects, located, subjects: remembered })
    recordResidue(tx, request, residueOf({ located: left }, subjects))
    return together ? await readForCertificate(tx, request) : undefined
  }
  // While the server looks for mentions, what was done is recorded and read back for the certificate.
  const [read, scrubbed] = await Promise.all([recording(), scrubbing])
  if (!all) return
  const { effects, left } = scrubbed ?? (await scrub(tx, mentioned))
  recordScrubbed(tx, request, effects)
  recordResidue(tx, request, residueOf({ mentions: left }, subjects))
  const unchanged = effects.length === 0 && left.length === 0
  await certify(tx, request, unchanged && read !== undefined ? read : await readForCertificate(tx, request))
}

/** Tells the administrators which sessions now need somebody. Names nobody. */
async function tellOfSessions(tx: TenantTransaction, request: string, sessions: string[]): Promise<void> {
  if (sessions.length === 0) return
  await notify(tx, await activeAdministrators(tx), {
    kind: 'sessions_need_instructor',
    subject: 'Sessions need an instructor',
    body: `${sessions.length} sessions have no instructor any more since request ${request}.`,
    data: { request, sessions: sessions.slice(0, 100) },
  })
}

type Recorded = { id: string; sealed: Buffer; hashes: { kind: string; hash: Buffer }[]; shared: number }

/**
 * Writes down what was done, in the transaction that did it: subjects, tombstones, ledger, receipt, step. From then on the
 * request's row is locked.
 */
function record(
  tx: TenantTransaction,
  request: string,
  done: {
    operation: Operation
    state: 'running' | 'done'
    effects: Effect[]
    located: Located[]
    subjects: Recorded[]
  },
): void {
  const { operation, state, effects, located, subjects } = done
  const counts = new Map<string, Record<string, number>>(subjects.map(({ id }) => [id, {}]))
  for (const { person, table, effect, rows } of located) {
    const own = counts.get(person)
    if (own !== undefined) own[`${table} ${effect}`] = (own[`${table} ${effect}`] ?? 0) + rows
  }
  const stones = subjects.flatMap(({ id, hashes }) => hashes.map(({ kind, hash }) => ({ id, kind, hash })))
  const removed = effects.reduce((sum, { rows }) => sum + rows, 0)
  const shared = subjects.reduce((sum, subject) => sum + subject.shared, 0)
  tx.send(
    `with subjects as (
       update erasure_subjects s
       set state = $16, sealed_identifiers = given.sealed, counts = given.counts::jsonb, erased_at = clock_timestamp(),
         finished_at = case when $16 = 'done' then clock_timestamp() end, error_code = null, error_reason = null
       from unnest($3::uuid[], $4::bytea[], $5::text[]) as given (user_id, sealed, counts)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     ), ledger as (
       insert into erasure_ledger (tenant_id, request_id, user_id, operation, map_version)
       select $1, $2, user_id, $15, $6 from unnest($3::uuid[]) as user_id
       on conflict do nothing
     ), stones as (
       insert into tombstones (tenant_id, request_id, user_id, kind, hash)
       select $1, $2, given.* from unnest($7::uuid[], $8::text[], $9::bytea[]) as given
       on conflict do nothing
     ), receipt as (
       insert into erasure_receipts (tenant_id, request_id, table_name, effect, row_count)
       select $1, $2, given.* from unnest($10::text[], $11::text[], $12::bigint[]) as given
       on conflict (tenant_id, request_id, table_name, effect)
       do update set row_count = erasure_receipts.row_count + excluded.row_count
     ), request as (
       update erasure_requests set started_at = coalesce(started_at, now()) where tenant_id = $1 and id = $2
     )
     update erasure_steps
     set state = 'running', started_at = coalesce(started_at, now()), removed = removed + $13, shared = shared + $14
     where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [
      tx.tenantId,
      request,
      subjects.map(({ id }) => id),
      subjects.map(({ sealed }) => sealed),
      subjects.map(({ id }) => JSON.stringify(counts.get(id) ?? {})),
      compiledMap.version,
      stones.map(({ id }) => id),
      stones.map(({ kind }) => kind),
      stones.map(({ hash }) => hash),
      effects.map(({ table }) => table),
      effects.map(({ effect }) => effect),
      effects.map(({ rows }) => rows),
      removed,
      shared,
      operation,
      state,
    ],
    'record_erasure',
  )
}

type Failure = { code: string; reason: string }

/** Marks a person as failed with a reason that says where, and never holds a value. */
export async function markFailed(
  tx: TenantTransaction,
  request: string,
  person: string,
  failure: Failure,
): Promise<void> {
  await tx.query(
    `with subject as (
       update erasure_subjects set state = 'failed', error_code = $4, error_reason = $5
       where tenant_id = $1 and request_id = $2 and user_id = $3
     )
     update erasure_steps set failed = failed + 1, started_at = coalesce(started_at, now())
     where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [tx.tenantId, request, person, failure.code, failure.reason],
  )
}

/** The reason in words: table and constraint of a database error, never its message or detail, which hold values. */
function failureOf(error: unknown): Failure {
  if (isLetheError(error)) return { code: error.code, reason: error.message }
  if (error instanceof pg.DatabaseError) {
    const place = [error.table && `table ${error.table}`, error.constraint && `constraint ${error.constraint}`]
      .filter((part) => part)
      .join(', ')
    return { code: `sqlstate.${error.code}`, reason: `the database refused it${place === '' ? '' : ` (${place})`}` }
  }
  return { code: 'internal.unexpected', reason: 'an unexpected error; the log has the place' }
}

/** The server or the connection went away: not the person's fault, the job is tried again as a whole. */
function isPassing(error: unknown): boolean {
  const code = codeOf(error)
  if (code === undefined) return error instanceof Error && /connection|terminat/i.test(error.message)
  return /^(08|57P|53|40)/.test(code) || /^E[A-Z]+$/.test(code)
}
