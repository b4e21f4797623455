import { sign } from '../keyring/jws.ts'
import { activeSigningKey } from '../keyring/signing-keys.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { JobPayload } from '../platform/jobs/enqueue.ts'
import { beforeFirst, type ChainedEntry, chainedColumns, chainHash } from './chain.ts'
import { type CheckpointClaims, statedHash } from './checkpoint.ts'

/** The last entry of a tenant's chain. `hash` in base64url; null while the chain is empty. */
export type ChainHead = { sequence: number; hash: string | null }

const entriesAtATime = 2000

/**
 * Seals the entries that wait into the tenant's chain and signs the new head: up to 2,000 entries in the order of their
 * ids. It takes all committed entries, whatever their ids, because an earlier transaction may commit later. Answers the
 * head of the chain, how many were sealed, and whether there may be more. One sealer at a time works in a tenant; the
 * others wait until the transaction ends, and what the transaction itself recorded is sealed too.
 *
 * Throws `master_key.wrong`.
 */
export async function sealAudit(tx: TenantTransaction): Promise<ChainHead & { sealed: number; more: boolean }> {
  // Sent together, but a statement of its own: one that waits for the lock sees what was there before it waited.
  const lock = tx.query(
    `select pg_advisory_xact_lock(hashtextextended('seal audit ' || $1, 0))`,
    [tx.tenantId],
    'lock_audit_chain',
  )
  const waiting = tx.query<ChainedEntry>(
    `select ${chainedColumns} from audit_entries
     where tenant_id = $1 and sequence is null order by audit_entries.id limit ${entriesAtATime}`,
    [tx.tenantId],
    'entries_to_seal',
  )
  const last = tx.query<{ sequence: number; hash: Buffer }>(
    'select sequence, hash from audit_entries where tenant_id = $1 and sequence is not null order by sequence desc limit 1',
    [tx.tenantId],
    'last_sealed_entry',
  )
  const signed = tx.query<{ sequence: number; jws: string }>(
    'select sequence, jws from audit_checkpoints where tenant_id = $1 order by sequence desc limit 1',
    [tx.tenantId],
    'last_checkpoint',
  )
  const [, { rows: entries }, { rows: heads }, { rows: checkpoints }] = await Promise.all([lock, waiting, last, signed])
  const head = headOf(heads[0], checkpoints[0])
  const before = head.sequence
  if (entries.length === 0) {
    return { sequence: before, hash: head.hash?.toString('base64url') ?? null, sealed: 0, more: false }
  }
  let hash: Buffer = head.hash ?? beforeFirst
  const hashes = entries.map((entry, index) => {
    hash = chainHash(tx.tenantId, before + 1 + index, hash, entry)
    return hash
  })
  const at = new Date()
  const claims: CheckpointClaims = {
    type: 'lethe.audit_checkpoint',
    version: 1,
    tenant: tx.tenantId,
    sequence: before + entries.length,
    hash: hash.toString('base64url'),
    count: entries.length,
    at: at.toISOString(),
  }
  const written = tx.query(
    `update audit_entries e set sequence = $2::bigint + given.position, hash = given.hash
     from unnest($3::uuid[], $4::bytea[]) with ordinality as given (id, hash, position)
     where e.tenant_id = $1 and e.id = given.id and e.sequence is null`,
    [tx.tenantId, before, entries.map(({ id }) => id), hashes],
    'seal_entries',
  )
  const jws = sign(await activeSigningKey(tx), claims)
  const [{ rowCount }] = await Promise.all([
    written,
    tx.query(
      'insert into audit_checkpoints (tenant_id, sequence, jws, created_at) values ($1, $2, $3, $4)',
      [tx.tenantId, claims.sequence, jws, at],
      'sign_chain',
    ),
  ])
  if (rowCount !== entries.length) throw new Error('entries were sealed by somebody who does not hold the lock')
  return {
    sequence: claims.sequence,
    hash: claims.hash,
    sealed: entries.length,
    more: entries.length === entriesAtATime,
  }
}

/**
 * Where the chain goes on. What was signed counts, not what stands there now: its places are never given again, and the
 * next entry follows its hash, whatever became of the entries.
 */
function headOf(
  entry: { sequence: number; hash: Buffer } | undefined,
  checkpoint: { sequence: number; jws: string } | undefined,
): { sequence: number; hash: Buffer | undefined } {
  if (checkpoint === undefined || checkpoint.sequence < (entry?.sequence ?? 0)) {
    return { sequence: entry?.sequence ?? 0, hash: entry?.hash }
  }
  const hash = statedHash(checkpoint.jws)
  return { sequence: checkpoint.sequence, hash: hash === undefined ? entry?.hash : Buffer.from(hash, 'base64url') }
}

/** The job of the sealer: seals everything that waits in a tenant, a transaction for each portion. */
export async function sealWaiting(database: Database, payload: JobPayload): Promise<void> {
  const { tenant } = payload
  if (tenant === undefined) throw new TypeError('a job of the sealer names a tenant')
  for (;;) {
    // After a crash the entries are unsealed again, and sealed again.
    const done = await inTenant(database, tenant, sealAudit, { flushedLater: true })
    if (!done.more) return
  }
}
