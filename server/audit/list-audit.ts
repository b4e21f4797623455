import type { Identifier } from '../identifiers/identifier-key.ts'
import type { JsonObject } from '../platform/database/generated/schema.gen.ts'
import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { activities, activityNames, isActivity, type ObjectKind } from './activities.ts'
import { chainedColumns } from './chain.ts'
import { openValues } from './open-values.ts'
import { type ActorKind, accountDetail, actorKinds } from './record.ts'
import { hashesOfContact, openSubjectKey } from './subject-keys.ts'

/** An entry as people and programs read it. */
export type AuditEntry = {
  id: string
  /** ISO 8601 in UTC, with microseconds. */
  at: string
  activity: string
  /** The activity in words. */
  title: string
  /** `from` is the way by which it came, such as `console` or `command_line`. */
  actor: {
    kind: ActorKind
    id: string | null
    from: string
    /** The account of the operating system that the command ran as; null elsewhere, and where its name was erased. */
    system_account: string | null
  }
  object: { kind: string; id: string | null }
  /** The user that it is about; the id stays when the user is erased. */
  subject: string | null
  /** Whether it is about a person who is no user. */
  contact: boolean
  details: JsonObject
  /** The reason of an erasure request, if one was given. It is stored with the request, not in the trail. */
  reason: string | null
  /**
   * What was recorded about the subject; null where nothing was, or where it is `erased`. A text that held an identifier of
   * somebody else who was erased since is `[erased]`.
   */
  values: JsonObject | null
  /** The subject was erased, and with that the key to the values. */
  erased: boolean
  /** The place in the chain; null until it is sealed. */
  sequence: number | null
  hash: string | null
}

export type AuditFilter = {
  /** From this moment on. */
  from?: Date | undefined
  /** Before this moment. */
  until?: Date | undefined
  activity?: string | undefined
  actor?: { kind?: string | undefined; id?: string | undefined } | undefined
  object?: { kind?: string | undefined; id?: string | undefined } | undefined
  /** Id of the user that it is about, erased or not. */
  subject?: string | undefined
  /** The person who is no user that it is about. */
  contact?: Identifier | undefined
}

export type AuditPage = {
  entries: AuditEntry[]
  /** What to give as `after` for the next page; null on the last one. */
  next: string | null
}

export const mostEntriesPerPage = 1000
const entriesPerPage = 50

/**
 * Lists the audit trail, newest first: entries that all parts of the filter fit, a page at a time. Values about people are
 * shown while their keys exist. Each page is read through an index, however many entries there are.
 *
 * Throws `input.invalid` for a filter, limit or `after` that is none, and `master_key.wrong`.
 */
export async function listAudit(
  tx: TenantTransaction,
  filter: AuditFilter = {},
  page: { limit?: number | undefined; after?: string | undefined } = {},
): Promise<AuditPage> {
  const limit = page.limit ?? entriesPerPage
  if (!Number.isInteger(limit) || limit < 1 || limit > mostEntriesPerPage) {
    throw inputError('input.invalid', {
      field: 'limit',
      expected: `a whole number from 1 to ${mostEntriesPerPage} is expected`,
    })
  }
  if (page.after !== undefined && !isUuid(page.after)) {
    throw inputError('input.invalid', {
      field: 'after',
      expected: 'the mark at the end of the previous page is expected',
    })
  }
  const { conditions, values } = await conditionsOf(tx, filter)
  const where = [...conditions]
  if (page.after !== undefined) where.push(`id < $${values.push(page.after)}`)
  const { rows } = await tx.query<StoredRow>(
    `select e.*, s.sealed_values as resealed, p.sealed_key as person_key, c.sealed_key as contact_key, a.name as account, r.reason
     from (
       select ${chainedColumns}, sequence, hash, id as place
       from audit_entries where ${where.join(' and ')} order by audit_entries.id desc limit ${limit + 1}
     ) e
     left join audit_resealed s on s.tenant_id = $1 and s.entry_id = e.place and e.sealed_values is not null
     left join person_keys p on p.tenant_id = $1 and p.user_id = e.subject_id and e.sealed_values is not null
     left join contact_keys c on c.tenant_id = $1 and c.hash = e.contact_hash and e.sealed_values is not null
     left join system_accounts a on a.tenant_id = $1 and a.id = (e.details::jsonb ->> '${accountDetail}')::uuid
     left join erasure_requests r
       on r.tenant_id = $1 and r.id = e.object_id and e.activity in ('ErasureOrdered', 'ErasureFollowUpOrdered')
     order by e.place desc`,
    values,
  )
  const entries = rows.slice(0, limit).map((row) => entryOf(row, tx.masterKey))
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null }
}

type StoredRow = {
  id: string
  at: string
  initiated_from: string
  actor_kind: ActorKind
  actor_id: string | null
  activity: string
  object_kind: string
  object_id: string | null
  subject_id: string | null
  contact_hash: Buffer | null
  details: string
  sealed_values: Buffer | null
  /** The values without what was erased of others; null where they are as they were. */
  resealed: Buffer | null
  sequence: number | null
  hash: Buffer | null
  person_key: Buffer | null
  contact_key: Buffer | null
  account: string | null
  reason: string | null
}

function entryOf(row: StoredRow, masterKey: Buffer): AuditEntry {
  const sealedKey = row.person_key ?? row.contact_key
  const values =
    row.sealed_values === null || sealedKey === null
      ? null
      : openValues(openSubjectKey(masterKey, sealedKey), row.resealed ?? row.sealed_values)
  const { [accountDetail]: _, ...details } = JSON.parse(row.details) as JsonObject
  return {
    id: row.id,
    at: row.at,
    activity: row.activity,
    title: isActivity(row.activity) ? activities[row.activity].title : row.activity,
    actor: { kind: row.actor_kind, id: row.actor_id, from: row.initiated_from, system_account: row.account },
    object: { kind: row.object_kind, id: row.object_id ?? (row.object_kind === 'user' ? row.subject_id : null) },
    subject: row.subject_id,
    contact: row.contact_hash !== null,
    details,
    reason: row.reason,
    values,
    erased: row.sealed_values !== null && values === null,
    sequence: row.sequence,
    hash: row.hash?.toString('base64url') ?? null,
  }
}

async function conditionsOf(
  tx: TenantTransaction,
  filter: AuditFilter,
): Promise<{ conditions: string[]; values: unknown[] }> {
  const values: unknown[] = [tx.tenantId]
  const conditions = ['tenant_id = $1']
  const add = (condition: (parameter: string) => string, value: unknown) => {
    conditions.push(condition(`$${values.push(value)}`))
  }
  const { from, until, activity, actor, object, subject, contact } = filter
  if (from !== undefined) add((p) => `id >= ${p}`, firstIdAt('from', from))
  if (until !== undefined) add((p) => `id < ${p}`, firstIdAt('until', until))
  if (activity !== undefined) add((p) => `activity = ${p}`, oneOf('activity', activity, activityNames))
  if (actor?.kind !== undefined) {
    add((p) => `actor_kind = ${p}`, oneOf('actor', actor.kind, actorKinds))
    if (!identified.has(actor.kind)) conditions.push('actor_id is null')
  }
  if (actor?.id !== undefined) add((p) => `actor_id = ${p}`, requireUuid('actor', actor.id))
  if (object?.kind !== undefined) {
    const kind = oneOf('object', object.kind, objectKinds)
    add((p) => `object_kind = ${p}`, kind)
    // There is an index for activities. Names of the code's own table, so they may stand in the text.
    const names = activityNames.filter((name) => activities[name].object === kind)
    conditions.push(`activity in (${names.map((name) => `'${name}'`).join(', ')})`)
  }
  if (object?.id !== undefined) {
    const id = requireUuid('object', object.id)
    const isUser = (p: string) => `object_kind = 'user' and subject_id = ${p}`
    if (object.kind === 'user') add(isUser, id)
    else if (object.kind !== undefined) add((p) => `object_id = ${p}`, id)
    else add((p) => `(object_id = ${p} or ${isUser(p)})`, id)
  }
  if (subject !== undefined) add((p) => `subject_id = ${p}`, requireUuid('subject', subject))
  if (contact !== undefined) add((p) => `contact_hash = any (${p}::bytea[])`, await hashesOfContact(tx, contact))
  return { conditions, values }
}

/** Actors that are known by an id; of the others there is one of each kind. */
const identified: ReadonlySet<string> = new Set<ActorKind>(['user', 'operator', 'api_key', 'client'])

/** What an activity can be done to. */
export const objectKinds = [...new Set(Object.values(activities).map(({ object }) => object))] as ObjectKind[]

function oneOf<Choice extends string>(field: string, value: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === value)
  if (choice !== undefined) return choice
  throw inputError('input.invalid', { field, expected: `one of ${choices.join(', ')} is expected` })
}

/** The first id that an entry of this moment can have: ids begin with the time in milliseconds. */
export function firstIdAt(field: string, at: Date): string {
  const time = at.getTime()
  if (!(time >= 0 && time < 2 ** 48)) {
    throw inputError('input.invalid', { field, expected: 'a time after 1970 is expected' })
  }
  const digits = time.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`
}
