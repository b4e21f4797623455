import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** An entry as the chain hashes it: every stored column, values about people as ciphertext. */
export type ChainedEntry = {
  id: string
  /** ISO 8601 in UTC, with microseconds. */
  at: string
  initiated_from: string
  actor_kind: string
  actor_id: string | null
  activity: string
  object_kind: string
  object_id: string | null
  subject_id: string | null
  contact_hash: Buffer | null
  details: string
  sealed_values: Buffer | null
}

/** A time as the chain hashes it, as a pattern of PostgreSQL. */
export const iso = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'

/** The columns of {@link ChainedEntry}, for a select. */
export const chainedColumns = `id, to_char(at at time zone 'utc', '${iso}') as at, initiated_from, actor_kind,
  actor_id, activity, object_kind, object_id, subject_id, contact_hash, details, sealed_values`

/** What the first entry of a chain follows. */
export const beforeFirst = Buffer.alloc(32)

/**
 * The hash of an entry in the chain: SHA-256 over canonical JSON (RFC 8785) of tenant, place in the chain, the previous
 * hash, and all stored columns. Bytes are in base64url.
 */
export function chainHash(tenant: string, sequence: number, previous: Buffer, entry: ChainedEntry): Buffer {
  const text = canonicalize({
    tenant,
    sequence,
    previous: previous.toString('base64url'),
    id: entry.id,
    at: entry.at,
    initiated_from: entry.initiated_from,
    actor_kind: entry.actor_kind,
    actor_id: entry.actor_id,
    activity: entry.activity,
    object_kind: entry.object_kind,
    object_id: entry.object_id,
    subject_id: entry.subject_id,
    contact_hash: entry.contact_hash?.toString('base64url') ?? null,
    details: entry.details,
    sealed_values: entry.sealed_values?.toString('base64url') ?? null,
  })
  if (text === undefined) throw new TypeError('an entry is JSON')
  return createHash('sha256').update(text).digest()
}
