import canonicalize from 'canonicalize'
import { v7 as newId } from 'uuid'
import { announcedAt, insertDeliveries } from '../events/announce-events.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { type Activity, activities } from './activities.ts'
import { announcedActivities } from './announced-activities.ts'
import { hashOfContact, keyOfContact, keysOfUsers } from './subject-keys.ts'
import { systemAccountId } from './system-accounts.ts'
import { valuesPurpose } from './values-purpose.ts'
import { keepWords, wordHasher, wordsOfValues } from './words.ts'

/** Words of the code, ids, numbers: nothing that a person wrote, and nothing about a person. Stored as it is, for good. */
export type Details = { readonly [name: string]: Detail }
type Detail = string | number | boolean | null | readonly Detail[] | Details

export type AuditRecord = {
  activity: Activity
  /** Id of what the activity is done to. */
  object?: string | undefined
  /** Id of the user whom it is about, where that is not the object. */
  subject?: string | undefined
  /** The contact whom it is about: a person who is no user. */
  contact?: Identifier | undefined
  details?: Details | undefined
  /** Values about the subject, as JSON has them. They are encrypted under the subject's key. */
  values?: object | undefined
}

/**
 * Records what was done, in the transaction that does it, with its initiator, and announces it to the endpoints that listen
 * ({@link announcedActivities}). It takes one statement for any number of
 * entries, and more for keys and words if there are values about people. Only keys are waited for. Of people who have
 * no key and can get none, because they are anonymized or gone, no values are recorded. A command costs a round trip
 * more, which finds the id of the operating system's account that it runs as.
 *
 * Throws a `TypeError` where the details hold what is no word of the code, and `master_key.wrong`.
 */
export async function record(tx: TenantTransaction, given: AuditRecord | readonly AuditRecord[]): Promise<void> {
  const asked = Array.isArray(given) ? (given as readonly AuditRecord[]) : [given as AuditRecord]
  if (asked.length === 0) return
  const actor = actorOf(tx.initiator)
  const { systemAccount } = tx.initiator
  const records = systemAccount === undefined ? asked : withAccount(asked, await systemAccountId(tx, systemAccount))
  // Without values and contacts there is nothing to wait for: the entries cost no round trip.
  const contacts = records.every(({ contact }) => contact === undefined)
    ? records.map(() => undefined)
    : await Promise.all(records.map(({ contact }) => contact && hashOfContact(tx, contact)))
  const sealed = records.every(({ values }) => values === undefined)
    ? records.map(() => null)
    : await sealValues(tx, records, contacts)
  const columns = [
    records.map(({ activity }) => activity),
    records.map(({ activity }) => activities[activity].object),
    records.map((one) => (isAboutObject(one) ? null : (one.object ?? null))),
    records.map(subjectOf),
    contacts.map((hash) => hash ?? null),
    detailsOf(records),
    sealed,
  ]
  const by = [tx.tenantId, tx.initiator.from, actor.kind, actor.id]
  const events = announcedColumns(records)
  if (records.length === 1) {
    const values = [...by, ...columns.flat()]
    if (events === undefined) tx.send(insertOne, values, 'record_audit_one')
    else tx.send(announceOne, [...values, ...events.flat(), ...announcedAt()], 'record_audit_one_announced')
  } else {
    const values = [...by, ...columns]
    if (events === undefined) tx.send(insertMany, values, 'record_audit')
    else tx.send(announceMany, [...values, ...events, ...announcedAt()], 'record_audit_announced')
  }
}

/** What is announced of the entries, as columns: ids of events, kinds, users, and what else they are about. */
function announcedColumns(records: readonly AuditRecord[]): unknown[][] | undefined {
  const events = records.flatMap((one) => {
    const kind = announcedActivities[one.activity]
    return kind === undefined
      ? []
      : [{ kind, userId: subjectOf(one), objectId: isAboutObject(one) ? null : one.object }]
  })
  if (events.length === 0) return undefined
  return [
    events.map(() => newId()),
    events.map(({ kind }) => kind),
    events.map(({ userId }) => userId),
    events.map(({ objectId }) => objectId ?? null),
  ]
}

const insert = (given: string, from = '') =>
  `insert into audit_entries (tenant_id, id, at, initiated_from, actor_kind, actor_id, activity, object_kind, object_id,
     subject_id, contact_hash, details, sealed_values)
   select $1, audit_entry_id(clock.at), clock.at, $2, $3, $4, ${given}
   from (select clock_timestamp() as at offset 0) as clock${from}`

const insertMany = insert(
  'given.*',
  ', unnest($5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::bytea[], $10::text[], $11::bytea[]) as given',
)
// Nearly every act records one entry: without the arrays that takes the server two thirds of the time.
const insertOne = insert('$5, $6, $7, $8, $9, $10, $11')

/** The same, which also announces what it records: one statement, so that nothing is announced and not recorded. */
const announce = (events: string, statement: string) => `with event as (
       select given.id, given.kind, $16::timestamptz, given.user_id, null::uuid, null::uuid, given.object_id, null::bytea
       from ${events} as given (id, kind, user_id, object_id)
     ), announced as (${insertDeliveries('event', { now: '$16', giveUp: '$17' })})
     ${statement}`
const announceMany = announce('unnest($12::uuid[], $13::text[], $14::uuid[], $15::uuid[])', insertMany)
const announceOne = announce('(values ($12::uuid, $13::text, $14::uuid, $15::uuid))', insertOne)

export const actorKinds = [
  'user',
  'operator',
  'api_key',
  'client',
  'command_line',
  'identity_provider',
  'policy',
  'ledger',
  'system',
] as const
export type ActorKind = (typeof actorKinds)[number]

/** Who acted: the user where one is signed in, else the credential or operator, else the way by which it came. */
function actorOf({ from, userId, credential }: Initiator): { kind: ActorKind; id: string | null } {
  if (userId !== undefined) return { kind: 'user', id: userId }
  if (credential !== undefined) return { kind: credential.kind, id: credential.id }
  // Somebody must be signed in there; who is not, is the system.
  return { kind: from === 'console' || from === 'api' ? 'system' : from, id: null }
}

function isAboutObject({ activity }: AuditRecord): boolean {
  return activities[activity].object === 'user'
}

function subjectOf(one: AuditRecord): string | null {
  return (isAboutObject(one) ? one.object : one.subject) ?? null
}

async function sealValues(
  tx: TenantTransaction,
  records: readonly AuditRecord[],
  contacts: (Buffer | undefined)[],
): Promise<(Buffer | null)[]> {
  const users = new Set(records.flatMap((one) => (one.values === undefined ? [] : (subjectOf(one) ?? []))))
  const [keys, hash] = await Promise.all([
    users.size === 0 ? new Map<string, Buffer>() : keysOfUsers(tx, [...users]),
    wordHasher(tx),
  ])
  const words = new Map([...keys.keys()].map((id) => [id, new Set<string>()]))
  for (const one of records) {
    const ofSubject = words.get(subjectOf(one) ?? '')
    if (one.values !== undefined && ofSubject !== undefined) wordsOfValues(hash, one.values, ofSubject)
  }
  keepWords(tx, words)
  return await Promise.all(
    records.map(async (one, index) => {
      if (one.values === undefined) return null
      const contact = contacts[index]
      const key = contact === undefined ? keys.get(subjectOf(one) ?? '') : await keyOfContact(tx, contact)
      return key === undefined ? null : seal(key, Buffer.from(JSON.stringify(one.values)), valuesPurpose)
    }),
  )
}

/** Entries that share their details share these too, so that they are checked and written once. */
function withAccount(records: readonly AuditRecord[], account: string): AuditRecord[] {
  const made = new Map<Details | undefined, Details>()
  return records.map((one) => {
    const details = made.get(one.details) ?? { ...one.details, [accountDetail]: account }
    made.set(one.details, details)
    return { ...one, details }
  })
}

/** The detail that names the operating system's account, by id. */
export const accountDetail = 'system_account'

const word = /^[A-Za-z0-9_.:-]{0,64}$/

/** The details as they are stored; what many entries share is checked and written once. */
function detailsOf(records: readonly AuditRecord[]): string[] {
  let last: Details | undefined
  let text = '{}'
  return records.map(({ details = nothing }) => {
    if (details === last) return text
    requireWords(details)
    last = details
    text = canonicalize(details) ?? '{}'
    return text
  })
}

const nothing: Details = {}

/** Free text would stay for ever, and nobody could scrub it. */
function requireWords(detail: Detail): void {
  if (typeof detail === 'string') {
    if (!word.test(detail)) throw new TypeError('A detail of an audit entry is a word of the code, an id or a number')
  } else if (typeof detail === 'number') {
    if (!Number.isFinite(detail)) throw new TypeError('A number in an audit entry is finite')
  } else if (Array.isArray(detail)) {
    for (const item of detail) requireWords(item)
  } else if (typeof detail === 'object' && detail !== null) {
    for (const [name, value] of Object.entries(detail)) {
      requireWords(name)
      requireWords(value)
    }
  }
}
