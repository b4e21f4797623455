import { identifierKey } from '../identifiers/identifier-key.ts'
import { identifierHashKey } from '../keyring/identifier-hash-key.ts'
import { keyedHash } from '../platform/crypto/keyed-hash.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** So long, in milliseconds, events are refused that are older than the end of the account that they name. */
export const cutoffLifetime = 24 * 60 * 60 * 1000

/**
 * The keyed hash of a ref for {@link findCutoff}. It is another one than that of tombstones, so that equal hashes lead
 * from no table to another. All spellings that are the same identifier have one hash.
 */
export function hashEventRef(key: Buffer, ref: string): Buffer {
  return Buffer.from(keyedHash(key)(`event cutoff\0${identifierKey('ref', ref)}`), 'latin1')
}

const onConflictKeepNewest = `
  on conflict (tenant_id, ref_hash) do update
    set deleted_at = greatest(c.deleted_at, excluded.deleted_at),
      suspended_at = greatest(c.suspended_at, excluded.suspended_at),
      expires_at = greatest(c.expires_at, excluded.expires_at)`

/**
 * SQL for the statement of an erasure that ends the accounts of some refs. $1 is the tenant, and the parts are expressions.
 * `hashes` is an array. Events before `deletedAt` are late, until `expiresAt`. `from` is where these two come from.
 */
export const insertCutoffs = (given: {
  hashes: string
  deletedAt: string
  expiresAt: string
  from: string
}): string => `
  insert into event_cutoffs as c (tenant_id, ref_hash, deleted_at, expires_at)
  select $1::uuid, ref.hash, ${given.deletedAt}, ${given.expiresAt}
  from ${given.from}, (select distinct hash from unnest(${given.hashes}) as hash order by hash) as ref (hash)
  ${onConflictKeepNewest}`

/** When the account of a ref ended or was suspended, as far as events about it are concerned. */
export type Cutoff = { deletedAt: Date | null; suspendedAt: Date | null }

/** The cutoff of a ref that no user has; undefined where there is none, or where it is older than a day. */
export async function findCutoff(tx: TenantTransaction, ref: string): Promise<Cutoff | undefined> {
  const { rows } = await tx.query<{ deleted_at: Date | null; suspended_at: Date | null }>(
    'select deleted_at, suspended_at from event_cutoffs where tenant_id = $1 and ref_hash = $2 and expires_at > $3',
    [tx.tenantId, hashEventRef(await identifierHashKey(tx), ref), new Date()],
    'find_event_cutoff',
  )
  const [found] = rows
  return found === undefined ? undefined : { deletedAt: found.deleted_at, suspendedAt: found.suspended_at }
}

/** Keeps for a day that an event deleted or suspended the account of a ref that no user has. The newest event counts. */
export async function keepCutoff(
  tx: TenantTransaction,
  ref: string,
  { deletedAt = null, suspendedAt = null }: Partial<Cutoff>,
): Promise<void> {
  const now = Date.now()
  const hash = hashEventRef(await identifierHashKey(tx), ref)
  await tx.query(
    `delete from event_cutoffs where tenant_id = $1 and ref_hash = $2 and expires_at <= $3`,
    [tx.tenantId, hash, new Date(now)],
    'drop_event_cutoff',
  )
  await tx.query(
    `insert into event_cutoffs as c (tenant_id, ref_hash, deleted_at, suspended_at, expires_at)
     values ($1, $2, $3, $4, $5) ${onConflictKeepNewest}`,
    [tx.tenantId, hash, deletedAt, suspendedAt, new Date(now + cutoffLifetime)],
    'keep_event_cutoff',
  )
}

/** Deletes what is older than a day. */
export async function forgetCutoffs(tx: TenantTransaction): Promise<void> {
  await tx.query(
    'delete from event_cutoffs where tenant_id = $1 and expires_at <= $2',
    [tx.tenantId, new Date()],
    'forget_event_cutoffs',
  )
}
