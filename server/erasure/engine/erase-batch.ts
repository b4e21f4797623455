import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import { forgetAttemptsOf } from '../../access/sign-in-attempts.ts'
import { recordErased } from '../../audit/record-erased.ts'
import { resealMentions } from '../../audit/reseal.ts'
import { destroyContactKeys } from '../../audit/subject-keys.ts'
import type { Operation } from '../../datamap/compile.ts'
import { withdrawExports } from '../../exports/withdraw-exports.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { hashIdentifier, identifierHashKey, openWith } from '../../keyring/identifier-hash-key.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import { sessionsTaughtBy, sessionsWithoutInstructor } from '../../learning/courses/unstaffed.ts'
import { notify } from '../../notify/notify.ts'
import { activeAdministrators } from '../../people/accounts/administrators.ts'
import { findSuccessor } from '../../people/lifecycle/successor.ts'
import { erase, prepareActs, scrub } from '../../personal-data/actions.ts'
import { type Effect, type Located, locate } from '../../personal-data/affected-rows.ts'
import { canLookUp } from '../../personal-data/mentions.ts'
import { lockPeople, type Person } from '../../personal-data/subjects.ts'
import { isTransient } from '../../platform/database/failures.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { isLetheError } from '../../platform/errors.ts'
import { subjectDigest } from '../proof/certificate.ts'
import { certify, type ForCertificate, lockRequest, readForCertificate } from '../proof/certify.ts'
import { lineOfPurged } from '../proof/subject-list.ts'
import { openIdentifiers, sealIdentifiers } from '../sealed-identifiers.ts'
import { type Claim, type Claimed, type ClaimedOrder, claimSubjects } from './claim-subjects.ts'
import { findSubjects } from './find-subjects.ts'
import { recordScrubbed } from './finish-request.ts'
import { findSharedIdentifiers } from './identifiers-held-by-others.ts'
import { type Erased, recordErasure } from './record-erasure.ts'
import { recordResidue, residueOf } from './residual-data.ts'

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

/** The only person of a request, as the job was told: looked at before anybody has said who is to be taken. */
export type Expected = { operation: Operation; people: string[] }

/** People under lock, and what there is about them; both are asked for at once. */
type Look = { of: Expected; people: Promise<Person[]>; located: Promise<Located[]> }

/**
 * Erases the next people of a request in one transaction, together with the record of it. Answers `more` while there may
 * be others. Where these are all that the request has left to do, the same transaction verifies and certifies, and the
 * answer is `concluded`. Where the whole batch cannot be erased, each of its people is tried alone, and who fails is
 * marked with the reason: one person never stalls the others.
 */
export async function eraseBatch(
  database: Database,
  tenant: string,
  request: string,
  turn: Turn,
  expected?: Expected,
): Promise<'more' | 'none' | 'concluded'> {
  let claimed: string[] = []
  let attempts = 0
  try {
    return await inTenant(database, tenant, async (tx) => {
      if (++attempts > 1) turn.alone = true
      const claiming = Promise.all([takeTurn(tx, request, turn), claimSubjects(tx, request, batchSize)])
      const ahead = expected && look(tx, expected)
      const [[, claim]] = await Promise.all([claiming, ahead?.people])
      claimed = claim.subjects.map(({ id }) => id)
      if (claim.subjects.length === 0) return 'none'
      await eraseClaimed(tx, request, claim, ahead)
      if (claim.all) return 'concluded'
      return claimed.length === batchSize ? 'more' : 'none'
    })
  } catch (error) {
    if (isTransient(error) || claimed.length === 0) throw error
    await eraseOneByOne(database, tenant, request, claimed)
    return claimed.length === batchSize ? 'more' : 'none'
  }
}

async function eraseOneByOne(database: Database, tenant: string, request: string, people: string[]): Promise<void> {
  for (const person of people) {
    try {
      await inTenant(database, tenant, async (tx) => {
        const claim = await claimSubjects(tx, request, 1, person)
        // What the request has left to do is done once for all of them.
        if (claim.subjects.length > 0) await eraseClaimed(tx, request, { ...claim, all: false, whole: false })
      })
    } catch (error) {
      if (isTransient(error)) throw error
      await inTenant(database, tenant, (tx) => markFailed(tx, request, person, failureOf(error)))
    }
  }
}

/** Waits until no other batch of the request works alone; and, to work alone, until no other batch works at all. */
async function takeTurn(tx: TenantTransaction, request: string, { alone }: Turn): Promise<void> {
  const lock = alone ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared'
  await tx.query(`select ${lock}(hashtextextended($1, 0))`, [request], lock)
}

function look(tx: TenantTransaction, of: Expected): Look {
  const people = lockPeople(tx, of.people)
  return { of, people, located: awaitedLater(locate(tx, of.operation, of.people)) }
}

/**
 * Whoever waits for it later gets its error. Where something else fails before anybody does, it must not end the process;
 * it is not hidden either: a statement that failed fails the transaction, whoever waits.
 */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

/**
 * Erases those who were taken and verifies by the map what is left of them: who left something fails. With `all` their
 * mentions go too, the others are done, and the request is certified; otherwise that comes when all of it are erased.
 */
async function eraseClaimed(
  tx: TenantTransaction,
  request: string,
  { subjects: claimed, order, all, whole }: Claim,
  ahead?: Look,
): Promise<void> {
  if (order === undefined || order.sealedKey === null) throw new Error('the request has subjects but no key')
  const { operation, sealedKey, requestedBy, requestedByCredential } = order
  // Nobody hears of such a batch before the certificate, whose commit writes the batch to disk too.
  if (!all) tx.send('set local synchronous_commit = off')
  const requestKey = openWith(tx.masterKey, sealedKey, 'request key')
  const ids = claimed.map(({ id }) => id)
  const those = { operation, people: ids }
  const looking = ahead !== undefined && isDeepStrictEqual(ahead.of, those) ? ahead : look(tx, those)
  const people = await looking.people
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
    await markFailed(tx, request, person, {
      code: 'user.not_found',
      reason: 'the user was already gone when the request reached it',
    })
  }
  if (subjects.size === 0) {
    if (!all) return
    lockRequest(tx, request)
    await certify(tx, request, await readForCertificate(tx, request))
    return
  }

  const ownIds = [...subjects.keys()]
  const identifiers = [...subjects.values()].flat()
  // While the server counts, it gets what does not depend on the counts.
  const sharing = awaitedLater(findSharedIdentifiers(tx, request, identifiers, ownIds))
  const signing = whole ? awaitedLater(activeSigningKey(tx)) : undefined
  await recordErased(tx, { operation, request, people: ownIds })
  // What stands in the rows of whoever stays is counted, so the count depends on who goes.
  const located = await (ownIds.length === ids.length ? looking.located : locate(tx, operation, ownIds))
  const teaches = located.some(({ table }) => table === 'session_instructors')
  const taught = teaches ? await sessionsTaughtBy(tx, ownIds) : []
  // Who is anonymized may come back as somebody new: nothing remembers the identifiers.
  const hashKey = operation === 'purge' ? await identifierHashKey(tx) : undefined
  const options = {
    operation,
    people: ownIds,
    located,
    findSuccessor: () => findSuccessor(tx, { userId: requestedBy, credentialId: requestedByCredential }, ownIds),
    // Alone in the request, they are all of it; their state says so no longer once they are recorded.
    findAlsoErased: async (people: string[]) =>
      all ? new Set(people.filter((id) => subjects.has(id))) : await findSubjects(tx, request, people),
  }
  const acts = await prepareActs(options)
  const mentioned = { ...options, identifiers, shared: sharing }
  const erasing = erase(tx, acts, options)
  // Sent with the acts, the look-up finds what those leave. Many are looked for when nothing else is under way.
  const scrubbing = all && canLookUp(identifiers) ? scrub(tx, mentioned) : undefined
  const remember = async () => {
    const shared = await sharing
    const isOwn = ({ value }: Identifier) => !shared.has(value)
    const erased = ownIds.map((id): Erased => {
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
    return { erased, own: identifiers.filter(isOwn) }
  }
  const remembered = awaitedLater(remember())
  const recording = async () => {
    const [{ effects, left }, { erased, own }, key] = await Promise.all([erasing, remembered, signing])
    if (taught.length > 0) await tellOfSessions(tx, request, await sessionsWithoutInstructor(tx, taught))
    await destroyContactKeys(tx, own)
    forgetAttemptsOf(tx, own)
    // Of whom something is left is said to have failed next, by name of the tables.
    recordErasure(tx, request, { operation, state: all ? 'done' : 'running', effects, located, subjects: erased })
    recordResidue(tx, request, residueOf({ located: left }, subjects))
    return { effects, left, erased, key }
  }
  const withdrawing = async () => {
    const { own } = await remembered
    return (await Promise.all([resealMentions(tx, own, ownIds), withdrawExports(tx, own, ownIds)])).flat()
  }
  // While the server looks for mentions, what was done is recorded.
  const [recorded, scrubbed, withdrawn] = await Promise.all([recording(), scrubbing, all ? withdrawing() : []])
  if (!all) return
  const { effects: scrubs, left } = scrubbed ?? (await scrub(tx, mentioned))
  const effects = [...scrubs, ...withdrawn]
  recordScrubbed(tx, request, effects)
  recordResidue(tx, request, residueOf({ mentions: left }, subjects))
  const { key, erased } = recorded
  if (key === undefined || subjects.size < claimed.length || recorded.left.length > 0 || left.length > 0) {
    await certify(tx, request, await readForCertificate(tx, request))
    return
  }
  const done = { claimed, erased, effects: [...recorded.effects, ...effects] }
  await certify(tx, request, { ...statedOf(order, done, hashKey), key })
}

/** What a certificate says where one transaction did all that a request did: the same as it would read back. */
function statedOf(
  order: ClaimedOrder,
  { claimed, erased, effects }: { claimed: Claimed[]; erased: Erased[]; effects: Effect[] },
  hashKey: Buffer | undefined,
): Omit<ForCertificate, 'key'> {
  const salted = new Map(claimed.map(({ id, saltedLine }) => [id, saltedLine ?? '']))
  const digest = subjectDigest()
  for (const { id, hashes } of erased) {
    digest.add(hashKey === undefined ? (salted.get(id) ?? '') : lineOfPurged(hashKey, id, hashes))
  }
  const facts = {
    ...order,
    total: erased.length,
    done: erased.length,
    failed: 0,
    shared: erased.reduce((sum, { shared }) => sum + shared, 0),
    effects,
    // Nothing of it was erased before, so nothing was certified either.
    previous: null,
  }
  return { facts, digest: digest.hex() }
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
    return {
      code: `sqlstate.${error.code}`,
      reason: `the database refused the erasure${place === '' ? '' : ` (${place})`}`,
    }
  }
  return { code: 'internal.unexpected', reason: 'an unexpected error; the log shows where' }
}
