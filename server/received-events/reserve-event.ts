import canonicalize from 'canonicalize'
import { identifierHashKey } from '../keyring/identifier-hash-key.ts'
import { keyedHash } from '../platform/crypto/keyed-hash.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../platform/database/transaction.ts'
import { platformError } from '../platform/errors.ts'
import { forgetCutoffs } from '../tombstones/event-cutoffs.ts'
import { eventError } from './errors.ts'
import type { ReceivedEvent } from './event.ts'

/** So long, in milliseconds, an event is recognized that comes again. */
const lifetime = 30 * 24 * 60 * 60 * 1000

/** Why an event changed nothing. `late`: something newer is known. `erased`: its user was erased after it. */
export type IgnoredReason = 'late' | 'erased'

export type StoredOutcome = { outcome: 'applied' } | { outcome: 'ignored'; reason: IgnoredReason }

/** An event that this transaction applies. `before`: it asked for an erasure already, and came again. */
export type Reserved = { idHash: Buffer; before: boolean }

/**
 * Takes an event for this transaction, or returns what became of it when it came before. Waits for a transaction that
 * took it before. Throws `event.other_body`.
 */
export async function reserveEvent(
  tx: TenantTransaction,
  { id, body }: Pick<ReceivedEvent, 'id' | 'body'>,
): Promise<Reserved | StoredOutcome> {
  const hash = keyedHash(await identifierHashKey(tx))
  const hashed = (text: string) => Buffer.from(hash(text), 'latin1')
  const idHash = hashed(`event id\0${id}`)
  const fingerprint = hashed(`event body\0${canonicalize(body) ?? ''}`)
  const now = Date.now()
  await tx.query(
    'delete from received_events where tenant_id = $1 and id_hash = $2 and expires_at <= $3',
    [tx.tenantId, idHash, new Date(now)],
    'drop_received_event',
  )
  const { rowCount } = await tx.query(
    `insert into received_events (tenant_id, id_hash, fingerprint, expires_at) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [tx.tenantId, idHash, fingerprint, new Date(now + lifetime)],
    'reserve_received_event',
  )
  if (rowCount === 1) return { idHash, before: false }
  const { rows } = await tx.query<{
    fingerprint: Buffer
    outcome: StoredOutcome['outcome'] | null
    reason: IgnoredReason
  }>(
    'select fingerprint, outcome, reason from received_events where tenant_id = $1 and id_hash = $2 for update',
    [tx.tenantId, idHash],
    'read_received_event',
  )
  const [stored] = rows
  // It was forgotten between the two statements.
  if (stored === undefined) throw platformError('service.unavailable')
  if (!stored.fingerprint.equals(fingerprint)) throw eventError('event.other_body')
  const { outcome, reason } = stored
  if (outcome === null) return { idHash, before: true }
  return outcome === 'applied' ? { outcome } : { outcome, reason }
}

/** Stores what became of the event, for its repetition. */
export async function keepOutcome(tx: TenantTransaction, { idHash }: Reserved, result: StoredOutcome): Promise<void> {
  await tx.query(
    'update received_events set outcome = $3, reason = $4 where tenant_id = $1 and id_hash = $2',
    [tx.tenantId, idHash, result.outcome, 'reason' in result ? result.reason : null],
    'keep_event_outcome',
  )
}

/** Gives the event back: its repetition is a new attempt. */
export async function releaseEvent(tx: TenantTransaction, { idHash }: Reserved): Promise<void> {
  await tx.query(
    'delete from received_events where tenant_id = $1 and id_hash = $2',
    [tx.tenantId, idHash],
    'release_received_event',
  )
}

/** Deletes what has expired of events and of their cutoffs, in all tenants. */
export async function cleanReceivedEvents({ database }: { database: Database }): Promise<void> {
  for (const id of await tenantIds(database)) {
    await inTenant(database, id, async (tx) => {
      await forgetCutoffs(tx)
      await tx.query('delete from received_events where tenant_id = $1 and expires_at <= $2', [id, new Date()])
    })
  }
}
